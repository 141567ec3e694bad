import type { Plan } from '../../../kernel/bench/plan.ts';
import type { EpochRecord } from '../../../kernel/train/run-state.ts';
import type { RunKind } from '../vocabulary.ts';
import type { Progress } from '../run.ts';

/** How a child computes. */
export interface Compute {
  /** Default: the fastest that loads. */
  readonly backend?: string | undefined;
  readonly threads?: number | undefined;
  readonly provider?: string | undefined;
}

/** What a child is to do. */
export interface Order {
  readonly kind: RunKind;
  /** With one method, strategy, speed-up and seed. */
  readonly plan: Plan;
  /** Whether the model it begins with should be in `out`. */
  readonly needs: boolean;
  /** Folder of its own; `models` in it has the checkpoints that it goes on from. */
  readonly out: string;
  /** The file of the plan's model, where that is an uploaded one. */
  readonly upload: { readonly path: string; readonly sha256: string } | undefined;
  readonly compute: Compute;
  /** Seconds between checkpoints. */
  readonly every: number;
}

/** What a supervisor tells its child: to say what computes, to make a run, to stop it. `pause` is to stop at the next checkpoint, which is due at once. */
export type ToChild =
  | { readonly kind: 'probe'; readonly compute: Compute }
  | { readonly kind: 'order'; readonly order: Order }
  | { readonly kind: 'stop'; readonly how: 'cancel' | 'pause' };

/** What a child tells its supervisor; the last three end it. */
export type FromChild =
  | { readonly kind: 'backend'; readonly backend: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'epoch'; readonly stage: string; readonly epoch: EpochRecord; readonly score: string }
  /** A checkpoint is complete; its name is relative to `out`. */
  | { readonly kind: 'checkpoint'; readonly name: string }
  /** `files` are in the folder `files` of `out`. */
  | { readonly kind: 'done'; readonly result: unknown; readonly files: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' };
