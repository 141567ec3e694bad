import { setImmediate } from 'node:timers/promises';
import { Network } from '../graph/run.ts';
import type { Graph } from '../graph/graph.ts';
import type { Data, Task } from '../plugin.ts';
import { createOptimizer } from '../train/optimizer.ts';
import { trainStep } from '../train/step.ts';
import type { TrainingOptions } from '../train/training-options.ts';
import type { BenchOptions } from './bench.ts';
import { firstTraining, type Protocol } from './protocol.ts';
import { median } from './statistics.ts';

/** How long a benchmark takes on this machine, in seconds, by stage. */
export interface TimeEstimate {
  /** Of training steps, for each image. */
  readonly secondsPerImage: number;
  readonly base: number;
  readonly sparsify: number;
  readonly prune: number;
  readonly finetune: number;
  readonly total: number;
}

/** What is counted: each regularizer sparsifies once, each run prunes and fine-tunes. */
export interface Workload {
  readonly protocol: Protocol;
  /** Images to train on and to score. */
  readonly train: number;
  readonly test: number;
  /** Seeds; each has a base model and its sparsified forms. */
  readonly seeds: number;
  readonly regularized: number;
  /** Speed-up of each run, and whether its criterion runs the network on data. */
  readonly runs: readonly { readonly speedup: number; readonly data: boolean }[];
}

/** A forward pass takes a third of a training step, whose backward pass is twice as much work. */
const forward = 1 / 3;

/**
 * Time of a workload whose training step takes so long for an image, in multiply-adds of the base model: a pruned model
 * is faster by its speed-up. What criteria compute beside gradients, compiling and measuring come on top of it.
 */
export function estimateOf(secondsPerImage: number, workload: Workload): TimeEstimate {
  const { protocol, train, test, seeds, regularized, runs } = workload;
  const trained = (options: TrainingOptions | null): number => {
    if (!options) return test * forward * secondsPerImage;
    const { epochs, evaluateEvery } = options;
    const evaluations = evaluateEvery === 0 ? 1 : Math.ceil(epochs / evaluateEvery);
    return (epochs * train + evaluations * test * forward) * secondsPerImage;
  };
  const { batches, batch, every } = protocol.calibration;
  // Multiply-adds go with the square of the units.
  const looks = (speedup: number) => Math.ceil((protocol.steps * (1 - 1 / Math.sqrt(speedup))) / every);
  const sum = (of: (run: Workload['runs'][number]) => number) => runs.reduce((total, run) => total + of(run), 0);
  const base = seeds * trained(protocol.base);
  const sparsify = regularized * trained(protocol.sparsify);
  const prune = sum(({ speedup, data }) =>
    data ? looks(speedup) * Math.min(train, batches * batch) * (secondsPerImage / Math.sqrt(speedup)) : 0,
  );
  const finetune = sum(({ speedup }) => trained(protocol.finetune) / speedup);
  return { secondsPerImage, base, sparsify, prune, finetune, total: base + sparsify + prune + finetune };
}

/** Median seconds of a training step for an image, from a few steps on few images; the graph is not changed. */
export async function secondsPerImage<T>(
  graph: Graph,
  data: Data<T>,
  task: Task<T>,
  { batch, optimizer: options, augment }: TrainingOptions,
  { most = 16, repeats = 3, signal }: { most?: number; repeats?: number; signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const network = new Network(graph);
  const trainable = [...network.variables].filter(([, variable]) => variable.trainable);
  const optimizer = createOptimizer(options, new Map(trainable));
  const size = Math.min(batch, most, data.train.size);
  const seconds: number[] = [];
  try {
    // The first two compile. A batch that is not whole would compile again.
    for (let epoch = 0; seconds.length < 2 + repeats; epoch++)
      for await (const samples of data.train.batches({ batch: size, seed: 0, epoch, augment, dropLast: true })) {
        signal?.throwIfAborted();
        const started = performance.now();
        const moment = { epoch: 0, epochs: 1, step: 0, steps: 1 };
        const loss = trainStep({ network, task, optimizer }, samples, 0, moment);
        await loss.data();
        loss.dispose();
        if (seconds.push((performance.now() - started) / 1000) === 2 + repeats) break;
        await setImmediate();
      }
  } finally {
    optimizer.dispose();
    network.dispose();
  }
  return median(seconds.slice(2)) / size;
}

export interface EstimateOptions extends Pick<BenchOptions, 'data' | 'task' | 'methods' | 'strategies' | 'speedups'> {
  /** The base model. */
  readonly graph: Graph;
  readonly protocol: Protocol;
  readonly signal?: AbortSignal | undefined;
}

/** How long a benchmark takes on this machine, for so many seeds. */
export async function estimateBench(options: EstimateOptions, seeds = 1): Promise<TimeEstimate> {
  const { graph, data, task, methods, strategies, speedups, protocol, signal } = options;
  const perImage = await secondsPerImage(graph, data, task, firstTraining(protocol), { signal });
  const times = seeds * strategies.length;
  const runs = speedups.flatMap(speedup =>
    methods.flatMap(({ criterion: { estimate } }) =>
      Array.from({ length: times }, () => ({ speedup, data: estimate !== undefined })),
    ),
  );
  const regularized = seeds * methods.filter(({ regularizer }) => regularizer).length;
  return estimateOf(perImage, { protocol, train: data.train.size, test: data.test.size, seeds, regularized, runs });
}
