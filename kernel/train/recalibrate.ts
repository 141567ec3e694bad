import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { inputShape, type Graph } from '../graph/graph.ts';
import { Network } from '../graph/run.ts';
import type { Split } from '../plugin.ts';
import { defaultBatch } from './evaluate.ts';

export interface RecalibrateOptions {
  /** Batches that are looked at (default 20); fewer where the split has fewer. */
  readonly batches?: number;
  /** Images per batch (default: as in `evaluate`). */
  readonly batch?: number;
  /** Which images. */
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The graph with the running means and variances of its batch norms estimated anew, as their mean over some batches. No
 * weight changes. A pruned network is far below what it knows until this is done, since its norms still expect the sums
 * over all channels (Li et al. 2020, EagleEye: Fast Sub-net Evaluation for Efficient Neural Network Pruning).
 */
export async function recalibrate(
  graph: Graph,
  split: Split,
  { batches = 20, batch: wanted, seed = 0, signal }: RecalibrateOptions = {},
): Promise<Graph> {
  signal?.throwIfAborted();
  if (batches === 0) return graph;
  const network = new Network(graph);
  const size = wanted ?? defaultBatch(inputShape(graph));
  let seen = 0;
  try {
    for await (const batch of split.batches({ batch: size, seed, shuffle: true, ...(signal ? { signal } : {}) })) {
      const momentum = 1 / ++seen;
      const outputs = tf.tidy(() => network.apply(network.input(batch), { training: true, momentum }));
      // Read, so that backends that put work off do not collect it.
      await outputs[0]!.data();
      tf.dispose(outputs);
      await setImmediate();
      signal?.throwIfAborted();
      if (seen === batches) break;
    }
    return await network.snapshot();
  } finally {
    network.dispose();
  }
}
