import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalogue } from '../../plugins/catalogue.ts';
import type { Database } from '../../plugins/platform/database/database.ts';
import { openDatabase } from '../../plugins/platform/database/open.ts';
import { Queue, type Ticket } from '../../plugins/platform/queue.ts';
import type { NewEvent } from '../../plugins/platform/run.ts';
import { Runs } from '../../plugins/platform/runs.ts';
import { createServer } from '../../plugins/platform/server/server.ts';
import { openStore } from '../../plugins/platform/store/open.ts';
import { DirectOffice } from '../../plugins/platform/worker/direct-office.ts';
import { attemptOf, type Held } from '../../plugins/platform/worker/office.ts';
import { answerCalls } from '../platform/remote.ts';
import { claim, recordFor } from '../platform/servers.ts';
import { perSecond } from './per-second.ts';

// The server of the load benchmark, with workers that train nothing: they take runs, tell of epochs, and give results.

/** The address of a PostgreSQL server; none: the embedded database. */
export interface Options {
  readonly url?: string | undefined;
}

export interface Calls {
  address(): { kind: Database['kind']; url: string };
  /** Starts workers whose runs last so many seconds and tell of so many epochs. */
  work(workers: number, seconds: number, epochs: number): void;
  /** Has workers do all that is queued, as fast as they can; returns how many runs that was. */
  drain(workers: number): Promise<number>;
  /** Stops the workers; returns how many runs they have done. */
  rest(): Promise<number>;
  /** How many of each thing that workers ask are done a second, straight with the database, of so many at once. */
  costs(workers: number, seconds: number): Promise<Record<string, number>>;
  /** Takes and begins a run, of whose ticket more can be asked by HTTP. */
  hold(): Promise<{ ticket: Ticket; attempt: number }>;
  /** Megabytes after a collection: held by JavaScript, and resident in all. */
  memory(): { js: number; resident: number };
  close(): Promise<void>;
}

/** As a worker tells of an epoch; the line says when. */
const told = (epoch: number): NewEvent[] => [
  { kind: 'epoch', data: { stage: 'finetune', epoch, loss: 1 / epoch, learningRate: 0.01, seconds: 1 } },
  { kind: 'log', data: { line: `at ${Date.now()}` } },
];

answerCalls<Options, Calls>(async ({ url: postgres }) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-load-'));
  const database = await openDatabase(
    postgres === undefined ? { folder: path.join(folder, 'data') } : { url: postgres },
  );
  const queue = await Queue.open(database, error => console.error(error));
  const runs = new Runs(database, queue);
  const store = await openStore(path.join(folder, 'store'));
  const office = new DirectOffice({ database, queue, runs, store });
  const app = createServer({
    ...{ database, queue, runs, store, catalogue, version: 'bench', folder, page: folder },
    limits: { requests: 1e9, changes: 1e9 },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  let working = false;
  let workers: Promise<number>[] = [];
  const work = async (name: string, seconds: number, epochs: number): Promise<number> => {
    let done = 0;
    while (working) {
      const ticket = await queue.take('cpu');
      const run = ticket && (await runs.claim(ticket, name));
      if (!run) break;
      for (let epoch = 1; epoch <= epochs; epoch++) {
        await sleep((1000 * seconds) / epochs);
        await runs.report(run, { stage: 'finetune', fraction: epoch / epochs }, told(epoch));
      }
      await runs.finish(run, ticket, { state: 'done', result: recordFor(run, 0.8) });
      done++;
    }
    return done;
  };
  const start = (count: number, seconds: number, epochs: number) => {
    working = true;
    workers = Array.from({ length: count }, (_, i) => work(`worker-${i}`, seconds, epochs));
  };
  const hold = async (): Promise<Held> => {
    const { ticket, run } = await claim({ queue, runs });
    return { id: run.id, attempt: run.attempt, ticket };
  };
  const ended = async () => (await Promise.all(workers)).reduce((sum, done) => sum + done, 0);

  return {
    address: () => ({ kind: database.kind, url }),
    work: start,
    async drain(count) {
      start(count, 0, 0);
      return ended();
    },
    async rest() {
      working = false;
      return ended();
    },
    async costs(count, seconds) {
      const about = { resources: 'cpu', host: 'bench', pid: 1, backend: 'none', version: 'bench', run: null } as const;
      const ask: Record<string, (held: Held) => Promise<unknown>> = {
        reports: held => runs.report(attemptOf(held), { stage: 'finetune', fraction: 0.5 }, told(1)),
        'workers that are there': ({ id }) => office.seen(`worker-${id}`, about),
        'tickets that are kept': ({ ticket }) => office.touch(ticket),
        'asking for a run where there is none': () => office.take('gpu'),
      };
      const holders = await Promise.all(Array.from({ length: count }, hold));
      const rates: Record<string, number> = {};
      for (const [what, work] of Object.entries(ask))
        rates[what] = await perSecond(
          holders.map(held => () => work(held)),
          seconds,
        );
      for (const held of holders) await office.finish(held, { state: 'failed', reason: 'measured' });
      return rates;
    },
    async hold() {
      const { ticket, attempt } = await hold();
      return { ticket, attempt };
    },
    memory() {
      globalThis.gc!();
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
      return { js: (heapUsed + arrayBuffers) / 2 ** 20, resident: rss / 2 ** 20 };
    },
    async close() {
      await app.close();
      await queue.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
