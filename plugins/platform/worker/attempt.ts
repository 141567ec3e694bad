import type { ChildProcess } from 'node:child_process';
import { appendFile, copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { throughOutages } from '../database/outage.ts';
import type { Ticket } from '../queue.ts';
import { isCheckpoint, Superseded, type Outcome, type Progress } from '../run.ts';
import { checkKey, NotStored } from '../store/store.ts';
import { uploadPrefix } from '../vocabulary.ts';
import { ArtifactUploads, digestOf } from './artifact-uploads.ts';
import { startChild, type Child } from './child-process.ts';
import type { Compute, FromChild, Order, ToChild } from './messages.ts';
import type { Claimed, Held, Office, RunArtifact } from './office.ts';
import { printable, RunLog } from './run-log.ts';

/** What attempts of a worker have in common. */
export interface AttemptContext extends Child {
  /** The worker. */
  readonly id: string;
  readonly office: Office;
  /** Folder of its own, for what is not kept. */
  readonly folder: string;
  readonly compute: Compute;
  /** Seconds between checkpoints. */
  readonly every: number;
  readonly say: (line: string) => void;
}

/** Seconds: between reports; how long a child that is told to stop has for it; how long before the cap it is told. */
const patience = { report: 1, silence: 3, cancel: 10, cap: 600 };

/** One go at a run, by a child that trains: everything it makes and says is brought to the store and the database. */
export class RunAttempt {
  readonly #context: AttemptContext;
  readonly #run: Claimed;
  readonly #held: Held;
  readonly #folder: string;
  readonly #log: RunLog;
  /** Nobody hears this attempt any more. */
  readonly #lost = new AbortController();
  /** Nothing is left to report but the end. */
  readonly #trained = new AbortController();
  /** All is done. */
  readonly #over = new AbortController();
  readonly #ended = AbortSignal.any([this.#lost.signal, this.#over.signal]);
  #child: ChildProcess | undefined;
  #progress: Progress | undefined;
  #stopping: Stopping | undefined;
  #failure: Error | undefined;

  constructor(context: AttemptContext, ticket: Ticket, run: Claimed) {
    this.#context = context;
    this.#run = run;
    this.#held = { id: run.id, attempt: run.attempt, ticket };
    this.#folder = join(context.folder, `${run.id}-${run.attempt}`);
    this.#log = new RunLog(join(this.#folder, 'log.txt'));
  }

  /** Brings the run as far as it goes. Returns how the attempt ended; undefined where another one has taken over. */
  async run(): Promise<Outcome['state'] | undefined> {
    const reporting = this.#report();
    const others = [this.#keepTicket(), this.#watchCap()];
    try {
      const outcome = await this.#work();
      this.#trained.abort();
      await reporting;
      await this.#end(outcome);
      if (outcome.state === 'done') await this.#sweep();
      return outcome.state;
    } catch (error) {
      if (!this.#lost.signal.aborted) throw error;
      return undefined;
    } finally {
      this.#child?.kill('SIGKILL');
      this.#trained.abort();
      this.#over.abort();
      await Promise.all([reporting, ...others]);
      await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** Tells what is left to tell, and that the attempt is over. What the platform does not take fails the run. */
  async #end(outcome: Outcome): Promise<void> {
    const finish = (outcome: Outcome) => this.#steadily(() => this.#context.office.finish(this.#held, outcome));
    try {
      await this.#tell();
      await finish(outcome);
    } catch (error) {
      this.#lost.signal.throwIfAborted();
      await finish({ state: 'failed', reason: `what it came to cannot be kept: ${(error as Error).message}` });
    }
  }

  /** Stops at the next checkpoint, and gives the run to whoever is free; after `seconds` at the latest. */
  pause(reason: string, seconds: number): void {
    this.#stop({ how: 'pause', reason }, seconds);
  }

  /** Leaves it as it is: the next attempt goes on from what is in the store. */
  abandon(reason: string): void {
    this.#lose(reason);
  }

  #stop(stopping: Stopping, seconds: number): void {
    if (this.#stopping) return;
    this.#stopping = stopping;
    this.#log.line(`${stopping.how === 'cancel' ? 'stops' : 'stops at a checkpoint'}: ${stopping.reason}`);
    this.#send({ kind: 'stop', how: stopping.how });
    const child = this.#child;
    if (child) setTimeout(() => child.kill('SIGKILL'), 1000 * seconds).unref();
  }

  #send(message: ToChild): void {
    // one that is at its end does not hear it
    if (this.#child?.connected) this.#child.send(message, () => {});
  }

  #lose(reason: string): void {
    if (this.#over.signal.aborted) return;
    this.#context.say(`run ${this.#run.id}, attempt ${this.#run.attempt}: dropped: ${reason}`);
    this.#lost.abort(new Error(reason));
    this.#child?.kill('SIGKILL');
  }

  async #steadily<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await throughOutages(work, { signal: this.#ended, report: line => this.#log.line(line) });
    } catch (error) {
      if (error instanceof Superseded) this.#lose(error.message);
      throw error;
    }
  }

  // --- what goes on beside the training ------------------------------------------------------------------------------

  /** Calls again and again until the signal ends it; an error ends the attempt. */
  async #repeat(seconds: number, end: AbortSignal, work: () => Promise<void>): Promise<void> {
    const signal = AbortSignal.any([end, this.#ended]);
    try {
      for (;;) {
        await sleep(1000 * seconds, undefined, { signal });
        await this.#steadily(work);
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#child?.kill('SIGKILL');
  }

  #keepTicket(): Promise<void> {
    const { office } = this.#context;
    return this.#repeat(office.lease.heartbeat / 3, this.#over.signal, async () => {
      if (!(await office.touch(this.#held.ticket)) && !this.#over.signal.aborted)
        this.#lose('its ticket was given to another worker');
    });
  }

  #report(): Promise<void> {
    let silent = 0;
    let told: Progress | undefined;
    return this.#repeat(patience.report, this.#trained.signal, async () => {
      silent += patience.report;
      const news = !this.#log.empty || this.#progress !== told;
      if (!news && silent < patience.silence) return;
      told = this.#progress;
      silent = 0;
      await this.#tell();
    });
  }

  async #tell(): Promise<void> {
    const { events, from } = this.#log.next();
    const { cancelling } = await this.#steadily(() =>
      this.#context.office.report(this.#held, this.#progress, events, from),
    );
    this.#log.heard(events);
    if (cancelling) this.#stop({ how: 'cancel', reason: 'somebody cancelled the run' }, patience.cancel);
    await this.#log.write();
  }

  async #watchCap(): Promise<void> {
    const { cap } = this.#context.office.lease;
    const margin = Math.min(patience.cap, cap / 4);
    await sleep(1000 * (cap - margin), undefined, { signal: this.#ended }).then(
      () => this.pause('it goes on under another ticket', margin / 2),
      () => {},
    );
  }

  // --- the run -------------------------------------------------------------------------------------------------------

  async #work(): Promise<Outcome> {
    const { kind, attempt, spec, id } = this.#run;
    const { office, say } = this.#context;
    say(`run ${id}, attempt ${attempt}: ${kind}, ${spec.model} on ${spec.dataset}`);
    const uploads = new ArtifactUploads({
      held: this.#held,
      office,
      folder: join(this.#folder, 'uploads'),
      steadily: work => this.#steadily(work),
      failed: error => this.#fail(error),
    });
    let outcome: Outcome;
    try {
      outcome = await this.#make(uploads);
    } catch (error) {
      this.#lost.signal.throwIfAborted();
      outcome = { state: 'failed', reason: printable((error as Error).message) };
    }
    const reason = 'reason' in outcome ? `: ${outcome.reason}` : '';
    this.#log.line(outcome.state === 'queued' ? `to be gone on with${reason}` : `${outcome.state}${reason}`);
    say(`run ${id}, attempt ${attempt}: ${outcome.state}${reason}`);
    try {
      await this.#log.write();
      // what is told from here on would change it under the upload
      const whole = join(this.#folder, 'whole-log.txt');
      await copyFile(join(this.#folder, 'log.txt'), whole);
      uploads.add('log.txt', whole);
      await uploads.finish();
    } catch (error) {
      this.#lost.signal.throwIfAborted();
      this.#log.line(`log.txt is not kept: ${(error as Error).message}`);
    }
    return outcome;
  }

  /** Prepares a folder, trains there, and brings everything to the store. */
  async #make(uploads: ArtifactUploads): Promise<Outcome> {
    await mkdir(this.#folder, { recursive: true });
    const artifacts = await this.#steadily(() => this.#context.office.artifacts(this.#held));
    const known = artifacts.filter(({ run }) => run === this.#run.id);
    uploads.know(known);
    await this.#restoreLog(known);
    this.#log.line(`attempt ${this.#run.attempt} on worker ${this.#context.id}`);
    if (this.#run.attempt > 1) await this.#sweep();
    const out = join(this.#folder, 'out');
    await this.#restore(artifacts, out);
    const order: Order = {
      kind: this.#run.kind,
      plan: this.#run.spec,
      needs: this.#run.needs !== null,
      out,
      upload: await this.#upload(),
      compute: this.#context.compute,
      every: this.#context.every,
    };
    const last = await this.#train(order, uploads);
    await uploads.finish();
    if (this.#failure) throw this.#failure;
    switch (last.kind) {
      case 'failed':
        return { state: 'failed', reason: printable(last.reason) };
      case 'done': {
        for (const name of last.files) uploads.add(name, join(out, 'files', name));
        await uploads.finish();
        return { state: 'done', result: last.result };
      }
      default: {
        if (this.#stopping?.how === 'cancel') return { state: 'cancelled' };
        return { state: 'queued', reason: this.#stopping?.reason ?? last.reason ?? 'the training stopped' };
      }
    }
  }

  /** Runs the child to its end; returns its last word, or why there was none. */
  async #train(order: Order, uploads: ArtifactUploads): Promise<LastWord> {
    if (this.#stopping) return { kind: 'gone', reason: this.#stopping.reason };
    this.#lost.signal.throwIfAborted();
    const child = startChild(this.#context);
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', line => this.#log.line(line));
    this.#send({ kind: 'order', order });
    let last: LastWord | undefined;
    child.on('message', (message: FromChild) => {
      switch (message.kind) {
        case 'progress':
          return void (this.#progress = message.progress);
        case 'epoch':
          return this.#log.epoch(epochEvent(message));
        case 'checkpoint':
          return uploads.add(message.name, join(order.out, message.name));
        case 'done':
        case 'failed':
        case 'stopped':
          last = message;
      }
    });
    return new Promise(resolve => {
      child.once('error', error => resolve({ kind: 'gone', reason: `no training process: ${error.message}` }));
      child.once('close', (code, signal) => {
        const how = signal === null ? `with code ${code}` : `by ${signal}`;
        resolve(last ?? { kind: 'gone', reason: `the training process ended ${how}` });
      });
    });
  }

  /** The file of an uploaded model. */
  async #upload(): Promise<Order['upload']> {
    const { model } = this.#run.spec;
    if (!model.startsWith(uploadPrefix)) return undefined;
    const id = model.slice(uploadPrefix.length);
    const path = join(this.#folder, 'model');
    const sha256 = await this.#steadily(() => this.#context.office.model(this.#held, id, path));
    if ((await digestOf(path)).sha256 !== sha256) throw new Error(`model ${id}: its file in the store is damaged`);
    return { path, sha256 };
  }

  // --- what attempts before have left --------------------------------------------------------------------------------

  /** Brings the checkpoints of the runs before and of this one to `out`; what is damaged is left out and made anew. */
  async #restore(artifacts: readonly RunArtifact[], out: string): Promise<void> {
    for (const artifact of artifacts.filter(isCheckpoint)) {
      const { name, run } = artifact;
      checkKey(name);
      const damage = await this.#fetch(artifact, join(out, name));
      if (damage) this.#log.line(`${name} of run ${run} is left out: ${damage}`);
    }
  }

  /** Brings an artifact to `path`; returns what is wrong with it. */
  async #fetch(artifact: RunArtifact, path: string): Promise<string | undefined> {
    const { sha256, bytes } = artifact;
    await mkdir(dirname(path), { recursive: true });
    try {
      await this.#steadily(() => this.#context.office.get(this.#held, artifact, path));
    } catch (error) {
      if (!(error instanceof NotStored)) throw error;
      return 'it is not in the store';
    }
    const found = await digestOf(path);
    if (found.sha256 === sha256) return undefined;
    await rm(path);
    return found.bytes === bytes ? 'its checksum is wrong' : `it has ${found.bytes} bytes, not ${bytes}`;
  }

  async #restoreLog(known: readonly RunArtifact[]): Promise<void> {
    const artifact = known.find(({ name }) => name === 'log.txt');
    const path = join(this.#folder, 'log.txt');
    if (artifact) await this.#fetch(artifact, path);
    await appendFile(path, '');
  }

  #sweep(): Promise<void> {
    return this.#steadily(() => this.#context.office.sweep(this.#held));
  }
}

/** Why an attempt is to stop before its end. */
interface Stopping {
  readonly how: 'cancel' | 'pause';
  readonly reason: string;
}

type LastWord =
  | Extract<FromChild, { readonly kind: 'done' | 'failed' }>
  | { readonly kind: 'stopped'; readonly reason?: undefined }
  | { readonly kind: 'gone'; readonly reason: string };

const epochEvent = ({ stage, epoch, score }: Extract<FromChild, { readonly kind: 'epoch' }>) => {
  const { scores, ...rest } = epoch;
  return { stage, ...rest, ...(Number.isFinite(scores?.[score]) ? { score: scores![score] } : {}) };
};
