import { z } from 'zod';
import type { workerInfo } from '../api.ts';
import type { Database } from '../database/database.ts';
import { resourceNames, type Resources } from '../vocabulary.ts';

/** Seconds without a word after which a worker counts as gone. */
const silence = 90;
const there = `stopped is null and seen > now() - interval '${silence} seconds'`;

const aboutSchema = z.object({ host: z.string(), backend: z.string(), version: z.string() }).partial();

/** How many workers are there, by what they have. */
export async function countWorkers({ sql }: Database): Promise<Record<Resources, number>> {
  const rows = await sql<{ resources: Resources; number: number }>(
    `select resources, count(*)::int as number from pruningbench.workers where ${there} group by resources`,
  );
  const counted = new Map(rows.map(({ resources, number }) => [resources, number]));
  return Object.fromEntries(resourceNames.map(name => [name, counted.get(name) ?? 0])) as Record<Resources, number>;
}

export async function workersHere({ sql }: Database): Promise<z.infer<typeof workerInfo>[]> {
  const rows = await sql<{ id: string; resources: Resources; about: unknown; seen: Date; run: string | null }>(
    `select w.id, w.resources, w.about, w.seen, r.id as run from pruningbench.workers w
     left join lateral (
       select id from pruningbench.runs where state = 'running' and worker = w.id order by started desc limit 1
     ) r on true
     where ${there.replaceAll(/stopped|seen/g, 'w.$&')} order by w.id`,
  );
  return rows.map(({ about, seen, ...row }) => {
    const { host = '', backend = '', version = '' } = aboutSchema.safeParse(about).data ?? {};
    return { ...row, host, backend, version, seen: seen.toISOString() };
  });
}
