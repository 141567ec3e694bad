import { Network } from '../graph/run.ts';
import { inputShape, type Graph } from '../graph/graph.ts';
import type { Group } from '../graph/groups.ts';
import type { Batch, Calibration, Split, Task } from '../plugin.ts';
import type { Random } from '../random.ts';

export interface CalibrationOptions {
  /** Batches that criteria see (default 10), fewer where the split has fewer. */
  readonly batches?: number;
  /** Images per batch (default 128). */
  readonly batch?: number;
  /** Pruning steps from one estimate to the next (default 1). */
  readonly every?: number;
}

/** What criteria that need data run the network on. */
export interface CalibrationData extends CalibrationOptions {
  readonly split: Split;
  readonly task: Task;
}

/** Which images those are. */
export interface ImagesOptions {
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Batches of the calibration, for a graph to read; the same each time. */
export function batchesOf(
  graph: Graph,
  { split, batches = 10, batch = 128 }: CalibrationData,
  { seed, signal }: ImagesOptions,
): () => AsyncGenerator<Batch> {
  const shape = inputShape(graph);
  const values = shape.reduce((a, b) => a * b, 1);
  const request = { batch, seed, shuffle: true, ...(signal ? { signal } : {}) };
  return async function* () {
    let count = 0;
    for await (const samples of split.batches(request)) {
      if (samples.images.length !== samples.size * values)
        throw new RangeError(
          `calibration: images of ${samples.images.length / samples.size} values, ${graph.name} reads [${shape.join(', ')}]`,
        );
      yield samples;
      signal?.throwIfAborted();
      if (++count === batches) return;
    }
  };
}

/** What a criterion looks at in a step. */
interface Subject {
  readonly graph: Graph;
  readonly groups: readonly Group[];
  readonly random: Random;
}

/** Runs `use` with the network of a graph and the batches of the calibration. */
export async function calibrated<R>(
  { graph, groups, random }: Subject,
  data: CalibrationData,
  options: ImagesOptions,
  use: (calibration: Calibration) => Promise<R>,
): Promise<R> {
  const network = new Network(graph);
  try {
    return await use({ network, groups, task: data.task, random, batches: batchesOf(graph, data, options) });
  } finally {
    network.dispose();
  }
}
