import type { EpochRecord } from './run-state.ts';

/** How far a training is. */
export interface TrainingProgress {
  /** The epoch under way, from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done, over all epochs. */
  readonly step: number;
  readonly steps: number;
  /** Running mean of the training loss. */
  readonly loss: number;
  readonly learningRate: number;
  /** The task's score, right after an evaluation. */
  readonly score?: number;
  /** The epoch that has just ended. */
  readonly ended?: EpochRecord;
  /** Estimate for the rest. */
  readonly secondsLeft: number;
}

type Report = Omit<TrainingProgress, 'epochs' | 'steps' | 'secondsLeft'>;

const leastMilliseconds = 100;

/**
 * Passes reports on, those in quick succession left out unless they must not be missed.
 * @param from steps that were done before this run
 */
export function reporter(
  progress: ((progress: TrainingProgress) => void) | undefined,
  { epochs, steps, from }: { epochs: number; steps: number; from: number },
  clock: () => number = () => performance.now(),
): (report: Report, always?: boolean) => void {
  if (!progress) return () => {};
  const started = clock();
  let last = -Infinity;
  return (report, always = false) => {
    const now = clock();
    if (!always && now - last < leastMilliseconds) return;
    last = now;
    const perStep = (now - started) / 1000 / Math.max(1, report.step - from);
    progress({ ...report, epochs, steps, secondsLeft: perStep * (steps - report.step) });
  };
}
