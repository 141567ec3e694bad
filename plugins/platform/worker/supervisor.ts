import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFolder } from '../../../kernel/folder-lock.ts';
import { throughOutages } from '../database/outage.ts';
import type { Resources } from '../vocabulary.ts';
import { RunAttempt, type AttemptContext } from './attempt.ts';
import { probe, type Child } from './child-process.ts';
import type { Compute } from './messages.ts';
import type { Office } from './office.ts';

export interface SupervisorOptions extends Child {
  readonly office: Office;
  /** The runs it takes. */
  readonly resources: Resources;
  /** For what is not kept; of one worker at a time. */
  readonly folder: string;
  /** Of this package. */
  readonly version: string;
  readonly compute?: Compute;
  /** Seconds between checkpoints (default 120), so much is lost at most where the worker is. */
  readonly every?: number;
  /** Seconds between looks at an empty queue (default 2). */
  readonly poll?: number;
  /** Told in a line what it does. */
  readonly say: (line: string) => void;
}

/** Seconds. */
const patience = { seen: 15, stop: 20 };

/** A worker: takes runs off the queue, one after the other, and has a child process train each. */
export class Supervisor {
  readonly id = `${hostname()
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 100)}-${process.pid}-${randomBytes(2).toString('hex')}`;
  readonly #options: SupervisorOptions;
  readonly #unlock: () => Promise<void>;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<unknown>;
  readonly #backend: string;
  #attempt: RunAttempt | undefined;
  #run: string | null = null;

  private constructor(options: SupervisorOptions, backend: string, unlock: () => Promise<void>) {
    this.#options = options;
    this.#unlock = unlock;
    this.#backend = backend;
    this.#ended = Promise.all([this.#takeRuns(), this.#beSeen()]);
    // who stops it hears of it
    this.#ended.catch(() => {});
  }

  /** Begins to take runs. Throws where another worker has the folder, and where the backend does not work. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const unlock = await lockFolder(options.folder);
    try {
      // what a worker before this one left when it died
      await rm(join(options.folder, 'attempts'), { recursive: true, force: true });
      const supervisor = new Supervisor(options, await probe(options.compute ?? {}, options), unlock);
      await supervisor.#register();
      return supervisor;
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Takes no more runs, pauses the one it has at a checkpoint and gives it to whoever is free. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const attempt = this.#attempt;
    attempt?.pause(`worker ${this.id} was shut down`, patience.stop);
    const late = setTimeout(() => attempt?.abandon('the platform did not take it at shutdown'), 2000 * patience.stop);
    try {
      await this.#ended;
    } finally {
      clearTimeout(late);
      await this.#options.office.stopped(this.id).catch(() => {});
      await this.#unlock();
    }
  }

  async #takeRuns(): Promise<void> {
    const { office, resources, poll = 2, say } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const ticket = await throughOutages(() => office.take(resources), { signal, report: say });
        // not ended by the signal: the ticket would be out of reach until it lapses
        const soon = { signal: AbortSignal.timeout(1000 * office.lease.heartbeat), report: say };
        const run = ticket && (await throughOutages(() => office.claim(ticket, this.id), soon));
        if (run) await this.#make(new RunAttempt(this.#context(), ticket, run), run.id);
        else if (!ticket) await sleep(1000 * poll, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        // of one run: the others should not wait for it; its ticket lapses
        say((error as Error).message);
        await sleep(1000 * poll, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #make(attempt: RunAttempt, run: string): Promise<void> {
    this.#attempt = attempt;
    this.#run = run;
    await this.#register().catch(() => {});
    if (this.#stopping.signal.aborted) attempt.pause(`worker ${this.id} was shut down`, patience.stop);
    try {
      await attempt.run();
    } finally {
      this.#attempt = undefined;
      this.#run = null;
    }
  }

  #context(): AttemptContext {
    const { folder, compute = {}, every = 120, ...rest } = this.#options;
    return { ...rest, id: this.id, folder: join(folder, 'attempts'), compute, every };
  }

  /** Says again and again that it is there. */
  async #beSeen(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(1000 * patience.seen, undefined, { signal }).catch(() => {});
      // whoever looks sees that it was not there for a while
      await this.#register().catch(() => {});
    }
  }

  async #register(): Promise<void> {
    const { office, resources, version } = this.#options;
    const about = { host: hostname(), pid: process.pid, backend: this.#backend, version, run: this.#run };
    await office.seen(this.id, { resources, ...about });
  }
}
