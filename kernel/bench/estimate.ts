import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Network } from '../graph/run.ts';
import type { Graph } from '../graph/graph.ts';
import { grouped } from '../grouped.ts';
import type { Data, Dataset, Task } from '../plugin.ts';
import { createOptimizer } from '../train/optimizer.ts';
import { trainStep } from '../train/step.ts';
import type { TrainingOptions } from '../train/training-options.ts';
import { modelOptionsFor, plannedRuns, type RunChoice } from './planned-runs.ts';
import { firstTraining, type Protocol } from './protocol.ts';
import { hashOf, otherCode, readRecords, type Configuration } from './record.ts';
import { median } from './statistics.ts';

/** How long a benchmark takes on this machine, in seconds, by stage. */
export interface TimeEstimate {
  /** Of training steps, for each image. */
  readonly secondsPerImage: number;
  readonly base: number;
  readonly sparsify: number;
  readonly prune: number;
  readonly finetune: number;
  /** What trainings and runs take however small they are. */
  readonly overhead: number;
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

/** Seconds of every training and every run, on two cores: a process begins, compiles what it runs, and measures. */
const overheadSeconds = 5;

/** A forward pass takes a third of a training step, whose backward pass is twice as much work. */
const forward = 1 / 3;

/**
 * Time of a workload whose training step takes so long for an image, in multiply-adds of the base model: a pruned model
 * is faster by its speed-up. What criteria compute beside gradients comes on top of it.
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
  const overhead = overheadSeconds * ((protocol.base ? seeds : 0) + regularized + runs.length);
  const total = base + sparsify + prune + finetune + overhead;
  return { secondsPerImage, base, sparsify, prune, finetune, overhead, total };
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

export interface EstimateOptions extends Omit<RunChoice, 'seed' | 'base' | 'protocol'> {
  readonly protocol: Protocol;
  /** Everything is run once for each. */
  readonly seeds: readonly number[];
  /** Folder that may have records already. */
  readonly out?: string | undefined;
  /** What is assumed, where the data stand for others; see `dataOrStandIn`. */
  readonly assumed?: string | null;
  readonly signal?: AbortSignal | undefined;
}

/** How long what is left of a benchmark takes on this machine. */
export interface BenchEstimate extends TimeEstimate {
  /** Runs there are, and those that are done and not in the times. */
  readonly runs: number;
  readonly done: number;
  /** What is assumed of data that are not here. */
  readonly assumed: string | null;
}

/**
 * How long a benchmark takes on this machine. Runs whose records are in `out` are left out, and so are the trainings that
 * they have in common with others: that of the base model, and that of a method under its regularizer.
 */
export async function estimateBench(options: EstimateOptions): Promise<BenchEstimate> {
  const { model, data, task, protocol, seeds, out, assumed = null, signal } = options;
  // A stand-in has no checksum, so that the data of records are taken for the same.
  const keyOf = ({ dataset, ...rest }: Configuration) =>
    hashOf({ ...rest, dataset: assumed === null ? dataset : { ...dataset, checksum: '' } });
  const there = out !== undefined && existsSync(join(out, 'records')) ? await readRecords(out) : [];
  const known = new Map(there.map(record => [keyOf(record.configuration), record]));
  const planned = [...new Set(seeds)].flatMap(seed => plannedRuns({ ...options, seed }));
  const runs = [...new Map(planned.map(run => [run.id, run])).values()].map(run => {
    const record = known.get(keyOf(run.configuration));
    return { ...run, done: record !== undefined && otherCode(record, run.code).length === 0 };
  });
  const left = runs.filter(({ done }) => !done);
  /** How many of these have runs to be made, none of which is done. */
  const begun = (list: typeof runs, key: (configuration: Configuration) => unknown) =>
    [...grouped(list, ({ configuration }) => hashOf(key(configuration))).values()].filter(
      some => !some.some(({ done }) => done),
    ).length;
  const perImage =
    left.length === 0
      ? 0
      : await secondsPerImage(model.build(modelOptionsFor(options)), data, task, firstTraining(protocol), { signal });
  const times = estimateOf(perImage, {
    protocol,
    train: data.train.size,
    test: data.test.size,
    seeds: begun(runs, ({ seed }) => seed),
    regularized: begun(
      runs.filter(({ method }) => method.regularizer),
      ({ seed, criterion, regularizer }) => [seed, criterion, regularizer],
    ),
    runs: left.map(({ configuration: { speedup }, method }) => ({
      speedup,
      data: method.criterion.estimate !== undefined,
    })),
  });
  return { ...times, runs: runs.length, done: runs.length - left.length, assumed };
}

/** What an estimate is made of, line by line. */
export function estimateNotes({ secondsPerImage, runs, done, assumed }: BenchEstimate): string[] {
  return [
    ...(done < runs
      ? [
          `from training steps of ${(1000 * secondsPerImage).toPrecision(3)} ms an image, and ${overheadSeconds} s for each training and run`,
        ]
      : []),
    ...(done > 0 ? [`${done} of ${runs} runs are done and not counted`] : []),
    ...(assumed === null ? [] : [`assumed: ${assumed}`]),
  ];
}

/** A data set, or noise of its published sizes where it cannot be loaded, and then what is assumed. */
export async function dataOrStandIn<O>(
  dataset: Dataset<O>,
  options: O,
): Promise<{ data: Data; assumed: string | null }> {
  try {
    return { data: await dataset.load(options), assumed: null };
  } catch (error) {
    if (!dataset.standIn) throw error;
    const data = dataset.standIn(options);
    const sizes = `${data.train.size} training and ${data.test.size} test images`;
    return { data, assumed: `${dataset.id} with ${sizes}, as published; it is not here (${(error as Error).message})` };
  }
}
