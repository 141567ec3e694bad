import type { Lease, Ticket } from '../queue.ts';
import type { Artifact, Attempt, NewEvent, Outcome, Progress, Run } from '../run.ts';
import type { Resources } from '../vocabulary.ts';
import type { WorkerAbout } from '../work-api.ts';

/**
 * What a worker asks of the platform. What takes part in an attempt throws `Superseded` where that is not the last one of
 * its run any more, and changes nothing then.
 */
export interface Office {
  readonly lease: Lease;
  /** Says that a worker is there, and what it does. */
  seen(worker: string, about: WorkerAbout): Promise<void>;
  /** Says that a worker is gone. */
  stopped(worker: string): Promise<void>;

  /** The next ticket, or undefined where there is none. */
  take(resources: Resources): Promise<Ticket | undefined>;
  /** Keeps a ticket. Returns whether it is still ours. */
  touch(ticket: Ticket): Promise<boolean>;
  /** Begins an attempt at a ticket's run. Undefined where there is nothing to do any more; the ticket is gone then. */
  claim(ticket: Ticket, worker: string): Promise<Claimed | undefined>;

  /** Keeps what an attempt has to say, as `Runs.report` does. Returns whether somebody wants the run to end. */
  report(
    held: Held,
    progress: Progress | undefined,
    events: readonly NewEvent[],
    from: number,
  ): Promise<{ cancelling: boolean }>;
  /** Ends an attempt. */
  finish(held: Held, outcome: Outcome): Promise<void>;

  /** Files of the runs whose models a run begins with, one run after the other, and of the run itself. */
  artifacts(held: Held): Promise<RunArtifact[]>;
  /** Brings one of these to `path`. Throws `NotStored` where it is not in the store. */
  get(held: Held, artifact: RunArtifact, path: string): Promise<void>;
  /** Brings the file of the uploaded model of this id, which the run's plan names, to `path`; returns its SHA-256. */
  model(held: Held, id: string, path: string): Promise<string>;
  /** Brings the file at `path` to the store, as one of the run. */
  put(held: Held, file: Pick<Artifact, 'sha256' | 'bytes'>, path: string): Promise<void>;
  /** Notes a file of the run that is in the store, and removes what it takes the place of. */
  saved(held: Held, artifact: Artifact): Promise<void>;
  /** Removes what attempts have put into the store and not noted, or what is not needed any more. */
  sweep(held: Held): Promise<void>;
}

/** An attempt, and the ticket by which it holds its run. */
export interface Held extends Pick<Run, 'id' | 'attempt'> {
  readonly ticket: Ticket;
}
export const attemptOf = ({ id, attempt, ticket }: Held): Attempt => ({ id, attempt, ticket: ticket.id });

/** What a worker has to know of a run. */
export type Claimed = Pick<Run, 'id' | 'kind' | 'spec' | 'needs' | 'attempt'>;

/** A file, and whose it is. */
export interface RunArtifact extends Artifact {
  readonly run: string;
}
