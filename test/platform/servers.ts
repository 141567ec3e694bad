import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { planSchema, type Plan, type PlanInput } from '../../kernel/bench/plan.ts';
import { hashOf, type RunRecord } from '../../kernel/bench/record.ts';
import { catalogue } from '../../plugins/catalogue.ts';
import type { Database } from '../../plugins/platform/database/database.ts';
import { Queue, type Ticket } from '../../plugins/platform/queue.ts';
import type { Run } from '../../plugins/platform/run.ts';
import { Runs } from '../../plugins/platform/runs.ts';
import { createServer, type ServerOptions } from '../../plugins/platform/server/server.ts';
import { openStore } from '../../plugins/platform/store/open.ts';
import type { Store } from '../../plugins/platform/store/store.ts';
import { recordOf } from '../kernel/bench/records.ts';
import { databasesOf } from './databases.ts';

/** A server of a test, with what is behind it. */
export interface TestServer {
  readonly app: FastifyInstance;
  readonly database: Database;
  readonly queue: Queue;
  readonly runs: Runs;
  readonly store: Store;
}

/** Makes servers on databases of a kind for the tests of a suite, to be called within `describe`. */
export function serversOf(kind: Database['kind']): (options?: Partial<ServerOptions>) => Promise<TestServer> {
  const ends: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const open = databasesOf(kind);
  return async options => {
    const database = await open();
    const queue = await Queue.open(database, error => assert.fail(error));
    ends.push(() => queue.close());
    const runs = new Runs(database, queue);
    const folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-server-'));
    ends.push(() => rm(folder, { recursive: true }));
    const store = await openStore(path.join(folder, 'store'));
    const parts = { database, queue, runs, store, catalogue, version: 'test', folder, page: folder };
    const app = createServer({ ...parts, ...options, limits: { line: 0, ...options?.limits } });
    ends.push(() => app.close());
    await app.ready();
    return { app, database, queue, runs, store };
  };
}

/** A small plan that nothing is wrong with. */
export const planOf = (changes: Partial<PlanInput> = {}): Plan =>
  planSchema.parse({
    model: 'resnet18',
    modelOptions: { width: 0.125 },
    dataset: 'shapes',
    datasetOptions: { train: 40, test: 20 },
    methods: ['random'],
    protocol: { name: 'test' },
    ...changes,
  });

/** An answer; its body is looked at as the test knows it. */
export interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** What a request is answered, as JSON, after its status. */
export async function ask(
  app: FastifyInstance,
  method: InjectOptions['method'],
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.inject({
    method: method!,
    url: `/api${url}`,
    headers: { host: 'localhost', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: response.statusCode, body: response.body === '' ? undefined : JSON.parse(response.body) };
}

/** The next run, claimed. */
export async function claim(
  { queue, runs }: Pick<TestServer, 'queue' | 'runs'>,
  worker = 'worker',
): Promise<{ ticket: Ticket; run: Run }> {
  const ticket = (await queue.take('cpu'))!;
  return { ticket, run: (await runs.claim(ticket, worker))! };
}

/** Does the next run, with a result as a worker would give it. */
export async function finish(server: Pick<TestServer, 'queue' | 'runs'>, score = 0.8): Promise<Run> {
  const { ticket, run } = await claim(server);
  await server.runs.finish(run, ticket, {
    state: 'done',
    result: run.kind === 'pruned' ? recordFor(run, score) : { score: 'accuracy', scores: { accuracy: 0.9 } },
  });
  return run;
}

/** A record that says what a run's plan says. */
export function recordFor({ spec }: Pick<Run, 'spec'>, score: number): RunRecord {
  const { model, modelOptions, dataset, datasetOptions, methods, strategies, speedups, seeds, protocol } = spec;
  const record = recordOf({
    criterion: methods[0]!,
    score,
    speedup: speedups[0]!,
    strategy: strategies[0]!,
    seed: seeds[0]!,
    latency: 5,
  });
  const configuration = {
    ...record.configuration,
    model: { id: model, options: modelOptions },
    dataset: { ...record.configuration.dataset, id: dataset, options: datasetOptions },
    protocol,
  };
  return { ...record, configuration, id: hashOf(configuration) };
}
