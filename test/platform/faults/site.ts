import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import assert from 'node:assert/strict';
import { hashOf, recordSchema } from '../../../kernel/bench/record.ts';
import type { Plan } from '../../../kernel/bench/plan.ts';
import { decodeSafetensors } from '../../../kernel/safetensors.ts';
import type { RunState as TrainingState } from '../../../kernel/train/run-state.ts';
import type { Database } from '../../../plugins/platform/database/database.ts';
import { openDatabase } from '../../../plugins/platform/database/open.ts';
import { Queue, type Lease } from '../../../plugins/platform/queue.ts';
import type { Run } from '../../../plugins/platform/run.ts';
import { Runs } from '../../../plugins/platform/runs.ts';
import { openStore } from '../../../plugins/platform/store/open.ts';
import { artifactKey, type Store } from '../../../plugins/platform/store/store.ts';
import { PostgresServer } from '../postgres.ts';
import { Remote } from '../remote.ts';
import { Platform, shortLease, timeless, tinyPlan, Watch } from '../worker/fixture.ts';
import type { Calls, ProcessOptions } from './worker-process.ts';

/** Says what a test does to a platform. */
export const did = (what: string): void => console.log(`        ${what}`);

/** A plan with eight steps an epoch. */
export const steppedPlan = ({ protocol, ...changes }: Parameters<typeof tinyPlan>[0] = {}): Plan => {
  const training = { epochs: 2, batch: 8 };
  return tinyPlan({ ...changes, protocol: { name: 'stepped', base: training, finetune: training, ...protocol } });
};

export interface StartOptions {
  readonly workers?: number;
  readonly every?: number;
  readonly child?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Folder for what is not kept. */
  readonly folder?: string;
  readonly store?: string;
}

/** A process with workers. */
export class WorkerProcess extends Remote<Calls> {
  constructor(options: ProcessOptions, env: NodeJS.ProcessEnv = {}) {
    super(new URL('./worker-process.ts', import.meta.url), options, { env });
  }

  /** Of the training processes it has started. */
  async children(): Promise<number[]> {
    const text = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  }

  /** Shuts its workers down, as an operator does. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    await this.call('stop');
    await this.kill();
  }
}

/** Processes with workers, what they work on, and a look at it. */
export class Site {
  readonly watch: Watch;
  readonly folder: string;
  readonly store: Store;
  readonly server: PostgresServer | undefined;
  readonly #lease: Lease;
  readonly #url: string | undefined;
  readonly #own: { readonly database: Database; readonly queue: Queue; readonly runs: Runs } | undefined;
  readonly #processes: WorkerProcess[] = [];

  private constructor({ folder, store, server, lease, url, own }: Parts) {
    this.folder = folder;
    this.store = store;
    this.server = server;
    this.#lease = lease;
    this.#url = url;
    this.#own = own;
    this.watch = new Watch(async <Row>(text: string, values?: readonly unknown[]) => {
      const rows = own ? own.database.sql(text, values) : this.#last.call('sql', text, values);
      return (await rows) as Row[];
    });
  }

  static async open(kind: Database['kind'], lease: Lease = shortLease): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'pruningbench-faults-'));
    const store = await openStore(join(folder, 'store'));
    if (kind === 'pglite') return new Site({ folder, store, lease });
    const server = await PostgresServer.start();
    const url = await server.database();
    const database = await openDatabase({ url });
    const queue = await Queue.open(database, () => {}, lease);
    return new Site({ folder, store, lease, server, url, own: { database, queue, runs: new Runs(database, queue) } });
  }

  /** The one that has the embedded database. */
  get #last(): WorkerProcess {
    return this.#processes.at(-1)!;
  }

  /** Starts a process; of the embedded database there is one at a time. */
  async start(options: StartOptions = {}): Promise<WorkerProcess> {
    const { workers = 1, every = 0, child, env, store } = options;
    const number = this.#processes.length;
    const own = options.folder ?? join(this.folder, `process-${number}`);
    const started = new WorkerProcess(
      {
        database: this.#url === undefined ? { folder: join(this.folder, 'data') } : { url: this.#url },
        store: store ?? join(this.folder, 'store'),
        folders: Array.from({ length: workers }, (_, i) => join(own, String(i))),
        lease: this.#lease,
        every,
        child,
      },
      env,
    );
    this.#processes.push(started);
    await started.ready;
    return started;
  }

  async submit(...plans: Plan[]): Promise<void> {
    if (this.#own) await this.#own.runs.submit({ title: 'test', plans, resources: 'cpu' });
    else await this.#last.call('submit', plans);
  }

  cancel(id: string): Promise<unknown> {
    return this.#own ? this.#own.runs.cancel(id) : this.#last.call('cancel', id);
  }

  retry(id: string): Promise<unknown> {
    return this.#own ? this.#own.runs.retry(id) : this.#last.call('retry', id);
  }

  /** The state in the last checkpoint of a training that is in the store; undefined where none is whole. */
  async checkpoint(run: Run): Promise<TrainingState | undefined> {
    const [artifact] = await this.watch.sql<{ sha256: string }>(
      `select sha256 from pruningbench.artifacts where run = $1 and name like 'models/%/last.safetensors'`,
      [run.id],
    );
    if (!artifact) return undefined;
    const bytes = await this.store.read(artifactKey(run.id, artifact.sha256)).then(buffer, (error: Error) => {
      // the next one has taken its place
      if (error.name === 'NotStored') return undefined;
      throw error;
    });
    if (!bytes || createHash('sha256').update(bytes).digest('hex') !== artifact.sha256) return undefined;
    return JSON.parse(decodeSafetensors(bytes).metadata.state!) as TrainingState;
  }

  /** Waits until the run that is under way has a checkpoint within an epoch in the store; returns it. */
  async withinEpoch(kind: Run['kind']): Promise<Run> {
    let found: Run | undefined;
    await this.watch.until(async runs => {
      const run = runs.find(run => run.state === 'running' && run.kind === kind);
      const step = run && (await this.checkpoint(run))?.step;
      if (step) found = run;
      return found !== undefined;
    });
    return found!;
  }

  async close(): Promise<void> {
    await this.#own?.queue.close().catch(() => {});
    await this.#own?.database.close();
    for (const started of this.#processes) {
      // one that is stopped does not hear that it is killed
      started.signal('SIGCONT');
      await started.kill();
    }
    await this.server?.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly store: Store;
  readonly lease: Lease;
  readonly server?: PostgresServer;
  readonly url?: string;
  readonly own?: { readonly database: Database; readonly queue: Queue; readonly runs: Runs };
}

interface Usual {
  readonly result: unknown;
  /** That the training of the base model took. */
  readonly seconds: number;
}
const uninterrupted = new Map<string, Promise<Usual>>();

/** What comes of a plan of one pruned run that nothing happens to. */
export function usual(plan: Plan): Promise<Usual> {
  const key = hashOf(plan);
  const make = async (): Promise<Usual> => {
    const folder = await mkdtemp(join(tmpdir(), 'pruningbench-faults-'));
    const database = await openDatabase({ folder });
    const platform = await Platform.open(database);
    try {
      await platform.worker({ every: 600 });
      await platform.submit(plan);
      const runs = await platform.done();
      const seconds = (runs[0]!.finished!.getTime() - runs[0]!.started!.getTime()) / 1000;
      return { result: timeless(recordSchema.parse(runs.at(-1)!.result)), seconds };
    } finally {
      await platform.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    }
  };
  if (!uninterrupted.has(key)) uninterrupted.set(key, make());
  return uninterrupted.get(key)!;
}

/** Waits until all is done, and holds the record against that of a plan that nothing happened to. */
export async function endsAsUsual({ watch }: Site, plan: Plan): Promise<Run[]> {
  const runs = await watch.done();
  assert.deepEqual(timeless(recordSchema.parse(runs.at(-1)!.result)), (await usual(plan)).result);
  const states = await watch.events<{ state: string }>('state');
  for (const { id } of runs)
    assert.equal(states.filter(({ run, state }) => run === id && state === 'done').length, 1, `run ${id} ended twice`);
  const attempts = runs.map(({ kind, attempt }) => `${kind} ${attempt}`).join(', ');
  did(`done as usual, in attempts: ${attempts}`);
  return runs;
}

/** Calls back in `describe` for each kind of database with how to open a site that is closed after its test. */
export function onEachDatabase(
  title: string,
  tests: (open: (lease?: Lease) => Promise<Site>, kind: Database['kind']) => void,
): void {
  for (const kind of ['pglite', 'postgres'] as const)
    describe(`${title}, ${kind}`, function () {
      this.timeout(600_000);
      const sites: Site[] = [];
      afterEach(async () => {
        for (const site of sites.splice(0)) await site.close();
      });
      tests(async lease => {
        const site = await Site.open(kind, lease);
        sites.push(site);
        return site;
      }, kind);
    });
}
