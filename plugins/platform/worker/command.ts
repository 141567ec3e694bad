import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { addBackendFlags, backendChoice } from '../../../kernel/cli/backend-flags.ts';
import type { Describe } from '../../../kernel/cli/command.ts';
import { UsageError } from '../../../kernel/text/usage.ts';
import { addFlags, readFlags, type Given } from '../../../kernel/cli/flags.ts';
import { example } from '../../../kernel/cli/help.ts';
import type { Io } from '../../../kernel/cli/io.ts';
import { json } from '../../../kernel/text/json.ts';
import { openDatabase } from '../database/open.ts';
import { withoutPassword } from '../database/postgres.ts';
import { interrupted } from '../interrupted.ts';
import { Queue } from '../queue.ts';
import { Runs } from '../runs.ts';
import { openStore } from '../store/open.ts';
import { resourceNames } from '../vocabulary.ts';
import { DirectOffice } from './direct-office.ts';
import { HttpOffice } from './http-office.ts';
import type { Office } from './office.ts';
import { Supervisor } from './supervisor.ts';

const workerOptions = z.object({
  server: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('the server to work for, http://... or https://...; with the token in PRUNINGBENCH_TOKEN'),
  databaseUrl: z
    .string()
    .optional()
    .describe("or the server's PostgreSQL, postgres://... (default: what PRUNINGBENCH_DATABASE_URL says)"),
  store: z
    .string()
    .optional()
    .describe('with that, where its files are: a folder that both see, or s3://bucket/prefix'),
  resources: z.enum(resourceNames).default('cpu').describe('the runs it takes'),
  folder: z.string().optional().describe('for what is not kept (default: a temporary one)'),
  every: z.number().positive().default(120).describe('seconds between checkpoints'),
});

export const worker: Describe = async (command, { io, catalogue, plugins, version }) => {
  const known = await catalogue();
  addFlags(command, workerOptions);
  addBackendFlags(command, known);
  example(
    command,
    'PRUNINGBENCH_TOKEN=pb_... pruningbench worker --server https://lab.example --resources gpu',
    'pruningbench worker --database-url postgres://lab@db.example/pruningbench --store s3://lab/pruningbench',
  );
  command.action(async (given: Given) => {
    const { server, databaseUrl, store, resources, folder, every } = readFlags(workerOptions, given);
    const compute = backendChoice(known, given);
    const say = (line: string): void => io.err(`${new Date().toISOString()} ${line}\n`);
    const place =
      server === undefined ? directPlace(databaseUrl, store, io) : viaServer(server, databaseUrl ?? store, io);
    const joined = await place.join(version, say);
    const own = folder === undefined ? await mkdtemp(join(tmpdir(), 'pruningbench-worker-')) : resolve(folder);
    try {
      const { office } = joined;
      const supervisor = await Supervisor.start({
        ...{ office, resources, folder: own, version, plugins, compute, every, say },
      });
      const { id } = supervisor;
      // before whoever reads it may end it
      const end = interrupted(io);
      io.out(given['json'] ? json({ worker: id, resources }) : `worker ${id}: ${resources} runs of ${place.name}\n`);
      await end;
      say('stops at the next checkpoint');
      await supervisor.stop();
    } finally {
      await joined.leave();
      if (folder === undefined) await rm(own, { recursive: true, force: true });
    }
  });
};

/** Where a worker joins. */
interface Place {
  readonly name: string;
  join(version: string, say: (line: string) => void): Promise<{ office: Office; leave: () => Promise<void> }>;
}

function viaServer(url: string, direct: string | undefined, { env }: Io): Place {
  if (direct !== undefined)
    throw new UsageError(
      '--server and --database-url or --store exclude each other: the server has database and store',
    );
  return {
    name: url,
    join: async version => ({
      office: await HttpOffice.open({ url, token: env['PRUNINGBENCH_TOKEN'] || undefined, version }),
      leave: async () => {},
    }),
  };
}

function directPlace(databaseUrl: string | undefined, store: string | undefined, { env }: Io): Place {
  const url = databaseUrl ?? env['PRUNINGBENCH_DATABASE_URL'];
  if (!url) throw new UsageError('no server and no database: give --server URL, or --database-url URL and --store');
  if (!store) throw new UsageError('no store: give --store FOLDER or --store s3://bucket/prefix');
  return {
    name: withoutPassword(url),
    async join(_version, say) {
      const database = await openDatabase({ url });
      let queue: Queue | undefined;
      const leave = async () => {
        await queue?.close().catch(() => {});
        await database.close();
      };
      try {
        queue = await Queue.open(database, error => say(`queue: ${error.message}`));
        const runs = new Runs(database, queue);
        return { office: new DirectOffice({ database, queue, runs, store: await openStore(store) }), leave };
      } catch (error) {
        await leave();
        throw error;
      }
    },
  };
}
