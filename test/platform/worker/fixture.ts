import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { planSchema, type Plan, type PlanInput } from '../../../kernel/bench/plan.ts';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import type { Database } from '../../../plugins/platform/database/database.ts';
import { Queue, type Lease } from '../../../plugins/platform/queue.ts';
import { Runs, type Run } from '../../../plugins/platform/runs.ts';
import { openStore } from '../../../plugins/platform/store/open.ts';
import type { Store } from '../../../plugins/platform/store/store.ts';
import { Supervisor, type SupervisorOptions } from '../../../plugins/platform/worker/supervisor.ts';

const training = { epochs: 1, batch: 32 };

/** A plan whose every run takes a moment. */
export const tinyPlan = ({ protocol, ...changes }: Partial<PlanInput> = {}): Plan =>
  planSchema.parse({
    model: 'resnet18',
    modelOptions: { width: 0.125 },
    dataset: 'shapes',
    datasetOptions: { train: 64, test: 32 },
    methods: ['random'],
    ...changes,
    protocol: {
      name: 'tiny',
      base: training,
      sparsify: training,
      finetune: training,
      steps: 10,
      recalibration: 1,
      latency: { repeats: 1 },
      ...protocol,
    },
  });

/** A lease as short as the queue allows. */
export const shortLease: Lease = { heartbeat: 10, cap: 600, supervise: 1 };

/** A database with a queue, a store and workers in this process. */
export class Platform {
  readonly database: Database;
  readonly queue: Queue;
  readonly runs: Runs;
  readonly store: Store;
  readonly folder: string;
  /** What workers and queue said. */
  readonly said: string[] = [];
  readonly #workers: Supervisor[] = [];

  private constructor(database: Database, queue: Queue, store: Store, folder: string) {
    this.database = database;
    this.queue = queue;
    this.runs = new Runs(database, queue);
    this.store = store;
    this.folder = folder;
  }

  static async open(database: Database, lease: Lease = shortLease): Promise<Platform> {
    const folder = await mkdtemp(join(tmpdir(), 'pruningbench-worker-test-'));
    const queue = await Queue.open(database, error => platform.said.push(`queue: ${error.message}`), lease);
    const platform: Platform = new Platform(database, queue, await openStore(join(folder, 'store')), folder);
    return platform;
  }

  async worker(changes: Partial<SupervisorOptions> = {}): Promise<Supervisor> {
    const { database, queue, runs, store } = this;
    const worker = await Supervisor.start({
      ...{ database, queue, runs, store, resources: 'cpu', version: 'test', every: 0, poll: 0.1 },
      folder: join(this.folder, `worker-${this.#workers.length}`),
      compute: { backend: 'onnxruntime', threads: 1 },
      say: line => void this.said.push(line),
      ...changes,
    });
    this.#workers.push(worker);
    return worker;
  }

  async submit(...plans: Plan[]): Promise<void> {
    await this.runs.submit({ title: 'test', plans, resources: 'cpu' });
  }

  all(): Promise<Run[]> {
    return this.database.sql<Run>('select * from pruningbench.runs order by created, position');
  }

  async events<Data>(kind: 'log' | 'epoch' | 'state'): Promise<(Data & { run: string; attempt: number })[]> {
    const rows = await this.database.sql<{ run: string; attempt: number; data: Data }>(
      'select run, attempt, data from pruningbench.events where kind = $1 order by seq',
      [kind],
    );
    return rows.map(({ data, ...rest }) => ({ ...data, ...rest }));
  }

  async log(): Promise<string> {
    return (await this.events<{ line: string }>('log')).map(({ line }) => line).join('\n');
  }

  /** Waits until the runs are as `enough` wants them; returns them. Throws with the log where a run fails unasked. */
  async until(enough: (runs: readonly Run[]) => boolean | Promise<boolean>): Promise<Run[]> {
    for (;;) {
      const runs = await this.all();
      if (await enough(runs)) return runs;
      const failed = runs.find(({ state }) => state === 'failed');
      if (failed)
        assert.fail(`run ${failed.id} failed: ${failed.reason}\n${await this.log()}\n${this.said.join('\n')}`);
      await sleep(50);
    }
  }

  /** Waits until all runs are done. */
  done(): Promise<Run[]> {
    return this.until(runs => runs.length > 0 && runs.every(({ state }) => state === 'done'));
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.stop();
    await this.queue.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What of a record does not depend on the clock. */
export function timeless({ base, sparsified, pruned, ...record }: RunRecord): unknown {
  const without = <T extends { readonly history: RunRecord['base']['history'] }>(part: T) => ({
    ...part,
    history: part.history.map(({ seconds: _, ...epoch }) => epoch),
  });
  const { id, configuration, score, groups } = record;
  return {
    id,
    configuration,
    score,
    groups,
    base: without(base),
    sparsified: sparsified && without(sparsified),
    pruned: without(pruned),
  };
}
