import type { Database } from '../database/database.ts';
import type { Lease, Queue, Ticket } from '../queue.ts';
import type { Artifact, NewEvent, Outcome, Progress, Run } from '../run.ts';
import type { Runs } from '../runs.ts';
import { artifactKey, modelKey, type Store } from '../store/store.ts';
import type { Resources } from '../vocabulary.ts';
import type { WorkerAbout } from '../work-api.ts';
import { attemptOf, type Held, type Office, type RunArtifact } from './office.ts';

export interface DirectOfficeOptions {
  readonly database: Database;
  readonly queue: Queue;
  readonly runs: Runs;
  readonly store: Store;
}

/** The platform, for who has its database and its store. */
export class DirectOffice implements Office {
  readonly #database: Database;
  readonly #queue: Queue;
  readonly #runs: Runs;
  readonly #store: Store;

  constructor({ database, queue, runs, store }: DirectOfficeOptions) {
    this.#database = database;
    this.#queue = queue;
    this.#runs = runs;
    this.#store = store;
  }

  get lease(): Lease {
    return this.#queue.lease;
  }

  async seen(worker: string, { resources, ...about }: WorkerAbout): Promise<void> {
    await this.#database.sql(
      `insert into pruningbench.workers (id, resources, about) values ($1, $2, $3::jsonb)
       on conflict (id) do update set about = $3::jsonb, seen = now()`,
      [worker, resources, JSON.stringify(about)],
    );
  }

  async stopped(worker: string): Promise<void> {
    await this.#database.sql('update pruningbench.workers set stopped = now() where id = $1', [worker]);
  }

  take(resources: Resources): Promise<Ticket | undefined> {
    return this.#queue.take(resources);
  }

  touch(ticket: Ticket): Promise<boolean> {
    return this.#queue.touch(ticket);
  }

  claim(ticket: Ticket, worker: string): Promise<Run | undefined> {
    return this.#runs.claim(ticket, worker);
  }

  report(
    held: Held,
    progress: Progress | undefined,
    events: readonly NewEvent[],
    from: number,
  ): Promise<{ cancelling: boolean }> {
    return this.#runs.report(attemptOf(held), progress, events, from);
  }

  finish(held: Held, outcome: Outcome): Promise<void> {
    return this.#runs.finish(attemptOf(held), held.ticket, outcome);
  }

  async artifacts({ id }: Held): Promise<RunArtifact[]> {
    const line = await this.#runs.lineage(id);
    const files = line.map(async run => (await this.#runs.artifacts(run)).map(artifact => ({ ...artifact, run })));
    return (await Promise.all(files)).flat();
  }

  get(_held: Held, { run, sha256 }: RunArtifact, path: string): Promise<void> {
    return this.#store.get(artifactKey(run, sha256), path);
  }

  async model(_held: Held, id: string, path: string): Promise<string> {
    const [row] = await this.#database.sql<{ sha256: string }>('select sha256 from pruningbench.models where id = $1', [
      id,
    ]);
    if (!row) throw new Error(`model ${id}: it is not there any more`);
    await this.#store.get(modelKey(row.sha256), path);
    return row.sha256;
  }

  put({ id }: Held, { sha256 }: Pick<Artifact, 'sha256'>, path: string): Promise<void> {
    return this.#store.put(artifactKey(id, sha256), path);
  }

  async saved(held: Held, artifact: Artifact): Promise<void> {
    const replaced = await this.#runs.saved(attemptOf(held), artifact);
    if (replaced !== undefined) await this.#store.remove(artifactKey(held.id, replaced));
  }

  async sweep({ id }: Held): Promise<void> {
    const keys = await this.#store.list(artifactKey(id, ''));
    const noted = new Set((await this.#runs.artifacts(id)).map(({ sha256 }) => sha256));
    for (const key of keys) if (!noted.has(key.slice(key.lastIndexOf('/') + 1))) await this.#store.remove(key);
  }
}
