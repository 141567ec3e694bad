import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { addBackendFlags, backendChoice } from '../../../kernel/cli/backend-flags.ts';
import type { Describe } from '../../../kernel/cli/command.ts';
import { UsageError } from '../../../kernel/cli/errors.ts';
import { addFlags, readFlags, type Given } from '../../../kernel/cli/flags.ts';
import { example } from '../../../kernel/cli/help.ts';
import { json } from '../../../kernel/cli/json.ts';
import { openDatabase } from '../database/open.ts';
import { withoutPassword } from '../database/postgres.ts';
import { interrupted } from '../interrupted.ts';
import { Queue } from '../queue.ts';
import { Runs } from '../runs.ts';
import { openStore } from '../store/open.ts';
import { resourceNames } from '../vocabulary.ts';
import { Supervisor } from './supervisor.ts';

const workerOptions = z.object({
  databaseUrl: z
    .string()
    .optional()
    .describe("the server's PostgreSQL, postgres://... (default: what PRUNINGBENCH_DATABASE_URL says)"),
  store: z.string().optional().describe('where its files are: a folder that both see, or s3://bucket/prefix'),
  resources: z.enum(resourceNames).default('cpu').describe('the runs it takes'),
  folder: z.string().optional().describe('for what is not kept (default: a temporary one)'),
  every: z.number().positive().default(120).describe('seconds between checkpoints'),
});

export const worker: Describe = async (command, { io, catalogue, version }) => {
  const known = await catalogue();
  addFlags(command, workerOptions);
  addBackendFlags(command, known);
  example(
    command,
    'pruningbench worker --database-url postgres://lab@db.example/pruningbench --store s3://lab/pruningbench',
    'pruningbench worker --database-url postgres://lab@db.example/pruningbench --store /shared/pruningbench --resources gpu',
  );
  command.action(async (given: Given) => {
    const { databaseUrl, store, resources, folder, every } = readFlags(workerOptions, given);
    const url = databaseUrl ?? io.env['PRUNINGBENCH_DATABASE_URL'];
    if (!url) throw new UsageError('no database: give --database-url URL');
    if (!store) throw new UsageError('no store: give --store FOLDER or --store s3://bucket/prefix');
    const compute = backendChoice(known, given);
    const say = (line: string): void => io.err(`${new Date().toISOString()} ${line}\n`);
    const database = await openDatabase({ url });
    const own = folder === undefined ? await mkdtemp(join(tmpdir(), 'pruningbench-worker-')) : resolve(folder);
    let queue: Queue | undefined;
    try {
      queue = await Queue.open(database, error => say(`queue: ${error.message}`));
      const runs = new Runs(database, queue);
      const files = await openStore(store);
      const supervisor = await Supervisor.start({
        ...{ database, queue, runs, store: files, resources, folder: own, version, compute, every, say },
      });
      const { id } = supervisor;
      io.out(
        given['json']
          ? json({ worker: id, resources })
          : `worker ${id}: ${resources} runs of ${withoutPassword(url)}\n`,
      );
      await interrupted(io);
      say('stops at the next checkpoint');
      await supervisor.stop();
    } finally {
      await queue?.close().catch(() => {});
      await database.close();
      if (folder === undefined) await rm(own, { recursive: true, force: true });
    }
  });
};
