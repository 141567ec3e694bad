import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { inputShape, type Graph } from '../graph/graph.ts';
import { Network } from '../graph/run.ts';
import type { Split, Task } from '../plugin.ts';
import type { Shape } from '../graph/parameter.ts';

export interface EvaluateOptions {
  /** Images per pass; by default 128, fewer where they are large. */
  readonly batch?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The task's numbers over all images of a split, in inference mode. Throws the signal's reason where it is aborted. */
export async function evaluate<T>(
  model: Graph | Network,
  split: Split<T>,
  task: Task<T>,
  { batch: wanted, signal }: EvaluateOptions = {},
): Promise<Readonly<Record<string, number>>> {
  signal?.throwIfAborted();
  const network = model instanceof Network ? model : new Network(model);
  const size = wanted ?? defaultBatch(inputShape(network.graph));
  const meter = task.meter();
  try {
    for await (const batch of split.batches({ batch: size, ...(signal ? { signal } : {}) })) {
      const outputs = tf.tidy(() => network.apply(network.input(batch)));
      try {
        await meter.add(outputs, batch.targets);
      } finally {
        tf.dispose(outputs);
      }
      await setImmediate();
      signal?.throwIfAborted();
    }
    return meter.result();
  } finally {
    if (network !== model) network.dispose();
  }
}

/** Images of this shape that are looked at together where nobody says how many: 128, or as many as are 20 million values. */
export function defaultBatch(shape: Shape): number {
  const values = shape.reduce((a, b) => a * b, 1);
  return Math.max(1, Math.min(128, Math.floor(2e7 / values)));
}
