import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { Graph } from '../graph/graph.ts';
import { Network } from '../graph/run.ts';
import type { Split, Task } from '../plugin.ts';

export interface EvaluateOptions {
  readonly batch?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The task's numbers over all images of a split, in inference mode. Throws the signal's reason where it is aborted. */
export async function evaluate<T>(
  model: Graph | Network,
  split: Split<T>,
  task: Task<T>,
  { batch = 128, signal }: EvaluateOptions = {},
): Promise<Readonly<Record<string, number>>> {
  signal?.throwIfAborted();
  const network = model instanceof Network ? model : new Network(model);
  const shape = Object.values(network.graph.inputs)[0]!;
  const meter = task.meter();
  try {
    for await (const { size, images, targets } of split.batches({ batch, ...(signal ? { signal } : {}) })) {
      const outputs = tf.tidy(() => network.apply(tf.tensor(images, [size, ...shape])));
      try {
        await meter.add(outputs, targets);
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
