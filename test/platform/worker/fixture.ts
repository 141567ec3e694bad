import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { planSchema, type Plan, type PlanInput } from '../../../kernel/bench/plan.ts';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import type { Database, Sql } from '../../../plugins/platform/database/database.ts';
import { Queue, type Lease } from '../../../plugins/platform/queue.ts';
import type { Run } from '../../../plugins/platform/run.ts';
import { Runs } from '../../../plugins/platform/runs.ts';
import { openStore } from '../../../plugins/platform/store/open.ts';
import type { Store } from '../../../plugins/platform/store/store.ts';
import { DirectOffice } from '../../../plugins/platform/worker/direct-office.ts';
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

/** Looks at the tables of a platform. */
export class Watch {
  readonly sql: Sql;
  /** What workers and queue said. */
  readonly said: string[] = [];
  readonly #checkpoints = new Set<number>();

  constructor(sql: Sql) {
    this.sql = sql;
  }

  all(): Promise<Run[]> {
    return this.sql<Run>('select * from pruningbench.runs order by created, position');
  }

  async events<Data>(kind: 'log' | 'epoch' | 'state'): Promise<(Data & { run: string; attempt: number })[]> {
    const rows = await this.sql<{ run: string; attempt: number; data: Data }>(
      'select run, attempt, data from pruningbench.events where kind = $1 order by seq',
      [kind],
    );
    return rows.map(({ data, ...rest }) => ({ ...data, ...rest }));
  }

  async log(): Promise<string> {
    return (await this.events<{ line: string }>('log')).map(({ line }) => line).join('\n');
  }

  /** How many checkpoints were seen in the store and noted, those that others took the place of too. */
  async checkpoints(): Promise<number> {
    const rows = await this.sql<{ at: string }>(
      `select distinct created::text as at from pruningbench.artifacts where name like 'models/%'`,
    );
    for (const { at } of rows) this.#checkpoints.add(Date.parse(at));
    return this.#checkpoints.size;
  }

  /** Waits until the runs are as `enough` wants them; returns them. Throws with the log where one is not `allowed`. */
  async until(
    enough: (runs: readonly Run[]) => boolean | Promise<boolean>,
    allowed: (run: Run) => boolean = ({ state }) => state !== 'failed',
  ): Promise<Run[]> {
    for (;;) {
      const runs = await this.all();
      if (await enough(runs)) return runs;
      const failed = runs.find(run => !allowed(run));
      if (failed)
        assert.fail(`run ${failed.id} failed: ${failed.reason}\n${await this.log()}\n${this.said.join('\n')}`);
      await sleep(50);
    }
  }

  /** Waits until all runs are done. */
  done(): Promise<Run[]> {
    return this.until(runs => runs.length > 0 && runs.every(({ state }) => state === 'done'));
  }
}

/** A database with a queue, a store and workers in this process. */
export class Platform extends Watch {
  readonly database: Database;
  readonly queue: Queue;
  readonly runs: Runs;
  readonly store: Store;
  readonly folder: string;
  readonly #workers: Supervisor[] = [];
  #started = 0;

  private constructor(database: Database, queue: Queue, store: Store, folder: string) {
    super(database.sql);
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
    const worker = await Supervisor.start({
      ...{ office: new DirectOffice(this), resources: 'cpu', version: 'test', every: 0, poll: 0.1 },
      folder: join(this.folder, `worker-${this.#started++}`),
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

  /** Stops the workers and forgets all runs. */
  async clear(): Promise<void> {
    for (const worker of this.#workers.splice(0)) await worker.stop();
    await this.queue.reclaim(this.database.sql);
    await this.database.sql('truncate pruningbench.runs, pruningbench.submissions, pruningbench.models cascade');
    this.said.length = 0;
  }

  async close(): Promise<void> {
    for (const worker of this.#workers.splice(0)) await worker.stop();
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
