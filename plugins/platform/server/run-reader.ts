import type { z } from 'zod';
import type { Plan } from '../../../kernel/bench/plan.ts';
import { recordSchema } from '../../../kernel/bench/record.ts';
import { progressSchema, type runsFilter, type RunDetail, type RunInfo, type SubmissionInfo } from '../api.ts';
import type { Database } from '../database/database.ts';
import { checkpoints, type Run } from '../run.ts';
import { runStates, type RunState } from '../vocabulary.ts';
import { Refused } from './refused.ts';
import { countWorkers } from './workers.ts';

export type RunsFilter = z.infer<typeof runsFilter>;

/** A page of a list, and where the next one begins. */
export interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

type Row = Omit<RunInfo, 'ahead' | 'progress' | 'created' | 'started' | 'finished' | 'scores'> &
  Pick<Run, 'needs' | 'cancelling' | 'created' | 'started' | 'finished'> & {
    readonly progress: unknown;
    readonly score: string | null;
    readonly base: number | null;
    readonly pruned: number | null;
    readonly finetuned: number | null;
  };

const select = `select r.id, r.kind, r.submission, s.title, r.spec->>'model' as model, r.spec->>'dataset' as dataset,
    r.spec #>> '{methods,0}' as method, r.spec #>> '{strategies,0}' as strategy,
    (r.spec #>> '{speedups,0}')::float8 as speedup, (r.spec #>> '{seeds,0}')::float8 as seed,
    r.spec #>> '{protocol,name}' as protocol, r.resources, r.state, r.reason, r.needs, r.attempt, r.cancelling,
    r.progress, r.created, r.started, r.finished, n.score,
    (coalesce(n.base, n.own)->>n.score)::float8 as base, (n.pruned->>n.score)::float8 as pruned,
    case when jsonb_typeof(r.spec #> '{protocol,finetune}') = 'object' then (n.finetuned->>n.score)::float8 end as finetuned
  from pruningbench.runs r
  join pruningbench.submissions s on s.id = r.submission
  left join lateral (
    select r.summary->>'score' as score, r.summary #> '{base,scores}' as base, r.summary->'scores' as own,
      r.summary #> '{pruned,before}' as pruned, r.summary #> '{pruned,scores}' as finetuned
    where r.state = 'done'
  ) n on true`;

/** Reads runs and submissions for people. */
export class RunReader {
  readonly #database: Database;
  readonly #goodFor: number;
  #line: { readonly until: number; readonly ahead: Promise<Map<string, number>> } | undefined;

  /** Places in the queue are good for some seconds: where thousands wait, nothing else of a list takes so long. */
  constructor(database: Database, goodFor: number) {
    this.#database = database;
    this.#goodFor = goodFor;
  }

  /** Newest first, those of a submission in their order. Throws where `after` is no run. */
  async list(filter: RunsFilter, { after, limit }: Page): Promise<{ runs: RunInfo[]; next: string | null }> {
    const { conditions, values } = conditionsOf(filter);
    if (after !== undefined) {
      const start = `(select created, submission, position from pruningbench.runs where id = $${values.push(after)})`;
      const [found] = await this.#database.sql('select 1 from pruningbench.runs where id = $1', [after]);
      if (!found) throw new Refused(404, `there is no run ${after} to go on after`, { field: 'after' });
      conditions.push(`(created <= (select created from ${start} as at) and (
        created < (select created from ${start} as at) or
        (submission, position) > (select submission, position from ${start} as at)))`);
    }
    const rows = await this.#rows(
      `where r.id in (
         select id from pruningbench.runs ${whereOf(conditions)}
         order by created desc, submission, position limit ${limit + 1})
       order by r.created desc, r.submission, r.position`,
      values,
    );
    const page = rows.slice(0, limit);
    return { runs: await this.#infos(page), next: rows.length > limit ? page.at(-1)!.id : null };
  }

  /** Runs by id; those that are not there are left out. */
  async some(ids: readonly string[]): Promise<RunInfo[]> {
    return this.#infos(await this.#rows('where r.id = any($1)', [ids]));
  }

  async info(id: string): Promise<RunInfo | undefined> {
    return (await this.some([id]))[0];
  }

  async detail(id: string): Promise<RunDetail | undefined> {
    const info = await this.info(id);
    if (!info) return undefined;
    const [row] = await this.#database.sql<{ spec: Plan; needs: string | null; result: unknown }>(
      `select spec, needs, case when kind = 'pruned' and state = 'done' then result end as result
       from pruningbench.runs where id = $1`,
      [id],
    );
    const files = await this.#database.sql<{ name: string; bytes: number }>(
      `select name, bytes::float8 as bytes from pruningbench.artifacts
       where run = $1 and name not like '${checkpoints}%' order by name`,
      [id],
    );
    const record = recordSchema.safeParse(row!.result);
    return { ...info, plan: row!.spec, needs: row!.needs, record: record.success ? record.data : null, files };
  }

  async submissions({ after, limit }: Page): Promise<{ submissions: SubmissionInfo[]; next: string | null }> {
    const from = '(select created, id from pruningbench.submissions where id = $2)';
    if (after !== undefined && !(await this.submission(after)))
      throw new Refused(404, `there is no submission ${after} to go on after`, { field: 'after' });
    const rows = await this.#submissions(
      `${after === undefined ? '' : `where (created, id) < ${from}`} order by created desc, id desc limit $1`,
      after === undefined ? [limit + 1] : [limit + 1, after],
    );
    const page = rows.slice(0, limit);
    return { submissions: page, next: rows.length > limit ? page.at(-1)!.id : null };
  }

  async submission(id: string): Promise<SubmissionInfo | undefined> {
    return (await this.#submissions('where id = $1', [id]))[0];
  }

  async #submissions(which: string, values: readonly unknown[]): Promise<SubmissionInfo[]> {
    const rows = await this.#database.sql<{
      id: string;
      title: string;
      created: Date;
      plans: Plan[];
      states: Partial<Record<RunState, number>> | null;
    }>(
      `select id, title, created, plans, (
         select jsonb_object_agg(state, number) from (
           select state, count(*) as number from pruningbench.runs where submission = s.id group by state
         ) as counted) as states
       from pruningbench.submissions s ${which}`,
      values,
    );
    return rows.map(({ created, states, ...row }) => ({
      ...row,
      created: created.toISOString(),
      states: Object.fromEntries(runStates.map(state => [state, states?.[state] ?? 0])) as Record<RunState, number>,
    }));
  }

  #rows(which: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#database.sql<Row>(`${select} ${which}`, values);
  }

  async #infos(rows: readonly Row[]): Promise<RunInfo[]> {
    const queued = rows.filter(({ state }) => state === 'queued').map(({ id }) => id);
    const ahead = queued.length > 0 ? await this.#ahead(queued) : new Map<string, number>();
    const workers = queued.length > 0 ? await countWorkers(this.#database) : undefined;
    return rows.map(
      ({ needs, cancelling, score, base, pruned, finetuned, reason, created, started, finished, ...row }) => ({
        ...row,
        reason: reason ?? whyOf(row, needs, cancelling, workers?.[row.resources]),
        ahead: ahead.get(row.id) ?? null,
        progress: progressSchema.safeParse(row.progress).data ?? null,
        created: created.toISOString(),
        started: started?.toISOString() ?? null,
        finished: finished?.toISOString() ?? null,
        scores: score === null ? null : { score, base, pruned, finetuned },
      }),
    );
  }

  /** How many are taken before each run that is queued, all of these among them. */
  async #ahead(ids: readonly string[]): Promise<Map<string, number>> {
    const known = this.#line && performance.now() < this.#line.until ? await this.#line.ahead : undefined;
    if (known && ids.every(id => known.has(id))) return known;
    const ahead = this.#readLine();
    this.#line = { until: performance.now() + 1000 * this.#goodFor, ahead };
    return ahead;
  }

  async #readLine(): Promise<Map<string, number>> {
    const lines = await this.#database.sql<{ ids: string[] }>(
      `select array_agg(id order by (reason is null), queued, submission, position) as ids
       from pruningbench.runs where state = 'queued' group by resources`,
    );
    return new Map(lines.flatMap(({ ids }) => ids.map((id, ahead) => [id, ahead] as const)));
  }
}

/** Conditions on runs that are let through, and their values. */
export function conditionsOf({ state, kind, submission, model, dataset, method }: RunsFilter): {
  conditions: string[];
  values: unknown[];
} {
  const values: unknown[] = [];
  const conditions = Object.entries({
    state,
    kind,
    submission,
    "spec->>'model'": model,
    "spec->>'dataset'": dataset,
    "spec #>> '{methods,0}'": method,
  }).flatMap(([what, value]) => (value === undefined ? [] : [`${what} = $${values.push(value)}`]));
  return { conditions, values };
}

export const whereOf = (conditions: readonly string[]): string =>
  conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';

/** Why a run is where it is, where nobody has said so. */
function whyOf(
  { state, resources }: Pick<Row, 'state' | 'resources'>,
  needs: string | null,
  cancelling: boolean,
  workers: number | undefined,
): string | null {
  if (state === 'waiting' && needs !== null) return `begins with the model of run ${needs}, which is not done`;
  if (state === 'queued' && workers === 0) return `there is no worker for ${resources} now`;
  if (state === 'running' && cancelling) return 'is being cancelled';
  return null;
}
