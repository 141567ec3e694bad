import type { z } from 'zod';
import type { Plan } from '../../kernel/bench/plan.ts';
import type { progressSchema } from './api.ts';
import type { Resources, RunKind, RunState } from './vocabulary.ts';

/** A row of the table of runs. */
export interface Run {
  readonly id: string;
  readonly kind: RunKind;
  /** Equal for runs that compute the same. */
  readonly key: string;
  readonly submission: string;
  readonly position: number;
  readonly resources: Resources;
  /** The plan, with one method, strategy, speed-up and seed. */
  readonly spec: Plan;
  /** The run whose model this one begins with. */
  readonly needs: string | null;
  readonly state: RunState;
  /** Why it waits, failed or goes on later. */
  readonly reason: string | null;
  /** How often a worker has begun with it: only the last one's word counts. */
  readonly attempt: number;
  /** Of these, how many since the last checkpoint. */
  readonly tries: number;
  /** Events of the last attempt that were heard. */
  readonly heard: number;
  readonly worker: string | null;
  readonly ticket: string | null;
  /** Somebody wants it to end; the worker is yet to hear of it. */
  readonly cancelling: boolean;
  readonly progress: Progress | null;
  /** What it came to, by kind: a base or sparsified model's scores, a pruned one's record. */
  readonly result: unknown;
  readonly created: Date;
  readonly queued: Date | null;
  readonly started: Date | null;
  readonly finished: Date | null;
}

/** How far a run is. */
export type Progress = z.infer<typeof progressSchema>;

export type NewEvent =
  | { readonly kind: 'epoch'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: 'log'; readonly data: { readonly line: string } };

export interface Submission {
  /** Given twice, the second time is the first: for who does not know whether it was heard. */
  readonly key?: string | undefined;
  readonly title: string;
  readonly plans: readonly Plan[];
  readonly resources: Resources;
}

/** How an attempt ended. */
export type Outcome =
  | { readonly state: 'done'; readonly result: unknown }
  /** Trying again would fail again, but for what a person changes. */
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'cancelled' }
  /** To be gone on with, from its checkpoint, by whoever is free. */
  | { readonly state: 'queued'; readonly reason: string };

/** The attempt is not the last one of its run any more: what it has to say is not heard. */
export class Superseded extends Error {
  override name = 'Superseded';
}

/** Another run makes the model that this one would make again. */
export class AlreadyUnderWay extends Error {
  override name = 'AlreadyUnderWay';
}

/** A file of a run in the store. */
export interface Artifact {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What names of checkpoints begin with: trainings go on from them. */
export const checkpoints = 'models/';
export const isCheckpoint = ({ name }: Pick<Artifact, 'name'>): boolean => name.startsWith(checkpoints);

/** Which attempt at a run, and the ticket it holds the run by, which nobody else knows. */
export type Attempt = Pick<Run, 'id' | 'attempt' | 'ticket'>;
