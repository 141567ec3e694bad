import { readFile } from 'node:fs/promises';
import * as bench_ from '../kernel/bench/bench.ts';
import { latencySpeedup } from '../kernel/bench/latency-speedup.ts';
import type { LatencyOptions } from '../kernel/bench/measure.ts';
import type { ProtocolInput } from '../kernel/bench/protocol.ts';
import { protocols, type ProtocolName } from '../kernel/bench/protocols.ts';
import type { RunRecord } from '../kernel/bench/record.ts';
import { find } from '../kernel/catalogue.ts';
import { choose, chooseMethod } from '../kernel/cli/choose.ts';
import type { Graph } from '../kernel/graph/graph.ts';
import { loadWeights as withWeights } from '../kernel/graph/load-weights.ts';
import { interruptSignal, ProgressBar } from '../kernel/jupyter/index.ts';
import type {
  Criterion,
  Data,
  Dataset,
  Model,
  ReadOptions,
  Regularizer,
  Split,
  Strategy,
  WriteOptions,
} from '../kernel/plugin.ts';
import type { CalibrationOptions } from '../kernel/prune/calibration.ts';
import { prune as pruneGraph, type Pruned, type PruneOptions } from '../kernel/prune/prune.ts';
import { parseOptions } from '../kernel/options.ts';
import type { SpeedupKind } from '../kernel/prune/speedup.ts';
import { readModel } from '../kernel/read-model.ts';
import { decodeSafetensors } from '../kernel/safetensors.ts';
import { evaluate as evaluateGraph } from '../kernel/train/evaluate.ts';
import { fit as fitGraph, type Fitted, type FitOptions } from '../kernel/train/fit.ts';
import { recalibrate as recalibrateGraph, type RecalibrateOptions } from '../kernel/train/recalibrate.ts';
import { writeAtomically } from '../kernel/train/write-atomically.ts';
import { ready } from './backend-choice.ts';
import { catalogue } from './catalogue.ts';

export { useBackend } from './backend-choice.ts';

export type Options = Readonly<Record<string, unknown>>;

/** A model of the zoo by name, as in `build('resnet18', { classes: 10, width: 0.25 })`. */
export function build(model: string | Model, options: Options = {}): Graph {
  const plugin = find('model', catalogue.models, model);
  return plugin.build(parseOptions(plugin, options));
}

/** The options that data were loaded with, but where they lie, so that records can name them. */
const loadedWith = new WeakMap<Data, Record<string, unknown>>();

/** A data set by name, as in `load('shapes', { seed: 1 })`. */
export async function load(dataset: string | Dataset, options: Options = {}): Promise<Data> {
  const plugin = find('dataset', catalogue.datasets, dataset);
  const parsed = parseOptions(plugin, options);
  const data = await plugin.load(parsed);
  const { path: _, ...rest } = parsed as Record<string, unknown>;
  loadedWith.set(data, rest);
  return data;
}

export interface PruneChoice extends Omit<PruneOptions, 'criterion' | 'strategy' | 'calibration' | 'count'> {
  readonly criterion: string | Criterion;
  /** Default: protected-global. */
  readonly strategy?: string | Strategy;
  /** What the speed-up is of (default plain): a count of multiply-adds, or time on this machine as `latency` says. */
  readonly count?: SpeedupKind;
  /** How time is measured (default: batch 1, 1 thread). */
  readonly latency?: LatencyOptions;
  /** For criteria that run the network on data: their training images are used. */
  readonly data?: Data;
  /** How many of them, and how often. */
  readonly calibration?: CalibrationOptions;
}

/**
 * Prunes a graph to a speed-up, as in `prune(graph, { criterion: 'lamp', speedup: 2 })`, or with data, as in
 * `prune(graph, { criterion: 'taylor', speedup: 2, data })`.
 */
export async function prune(
  graph: Graph,
  { criterion, strategy = 'protected-global', data, calibration, count = 'plain', latency, ...rest }: PruneChoice,
): Promise<Pruned> {
  await ready();
  const signal = rest.signal ?? interruptSignal();
  return pruneGraph(graph, {
    ...rest,
    ...(count === 'latency'
      ? {
          speedupOf: latencySpeedup(graph, rest.speedup, find('format', catalogue.formats, 'onnx'), {
            threads: 1,
            ...latency,
            signal,
          }),
        }
      : { count }),
    ...(signal ? { signal } : {}),
    ...(data
      ? { calibration: { ...calibration, split: data.train, task: find('task', catalogue.tasks, data.task) } }
      : {}),
    criterion: find('criterion', catalogue.criteria, criterion),
    strategy: find('strategy', catalogue.strategies, strategy),
  });
}

/** Trains a graph on a data set; shows its progress unless `progress` is given. */
export async function fit(graph: Graph, data: Data, options: FitOptions = {}): Promise<Fitted> {
  await ready();
  const task = find('task', catalogue.tasks, data.task);
  const signal = options.signal ?? interruptSignal();
  if (options.progress) return fitGraph(graph, data, task, { ...options, signal });
  const bar = new ProgressBar(undefined, { label: graph.name });
  try {
    return await fitGraph(graph, data, task, {
      ...options,
      signal,
      progress: ({ epoch, epochs, step, steps, loss, score }) => {
        bar.total = steps;
        bar.set(step, {
          epoch: `${epoch} of ${epochs}`,
          loss,
          ...(score === undefined ? {} : { [task.score]: score }),
        });
      },
    });
  } finally {
    bar.close();
  }
}

/** Numbers of a graph on a split, as in `evaluate(graph, data)` or `evaluate(graph, data, data.train)`. */
export async function evaluate(
  graph: Graph,
  data: Data,
  split: Split = data.test,
): Promise<Readonly<Record<string, number>>> {
  await ready();
  return evaluateGraph(graph, split, find('task', catalogue.tasks, data.task), { signal: interruptSignal() });
}

/**
 * A graph with the statistics of its batch norms estimated anew on training images, as in `recalibrate(pruned.graph,
 * data)`. No weight changes; what a pruned network still knows shows only after this.
 */
export async function recalibrate(graph: Graph, data: Data, options: RecalibrateOptions = {}): Promise<Graph> {
  await ready();
  return recalibrateGraph(graph, data.train, { signal: interruptSignal(), ...options });
}

/** A method by name, as in `taylor`, `cp:positions=20` or `magnitude-l2 + group-norm`; or its parts. */
export type MethodChoice =
  | string
  | Criterion
  | (Omit<bench_.Method, 'criterion' | 'regularizer'> & {
      readonly criterion: string | Criterion;
      readonly regularizer?: string | Regularizer;
    });

export interface BenchChoice extends Omit<
  bench_.BenchOptions,
  'model' | 'data' | 'task' | 'methods' | 'strategies' | 'speedups' | 'protocol' | 'format'
> {
  readonly model: string | Model;
  readonly data: Data;
  /** Default: all criteria. */
  readonly methods?: readonly MethodChoice[];
  /** Default: protected-global. */
  readonly strategies?: readonly (string | Strategy)[];
  /** Multiply-adds before over after (default 2). */
  readonly speedups?: readonly number[];
  /** A protocol or the name of one (default quick). */
  readonly protocol?: ProtocolName | ProtocolInput;
}

/** Resolves a method that may be given by name. */
export function methodOf(choice: MethodChoice): bench_.Method {
  if (typeof choice === 'string') return chooseMethod(catalogue, choice);
  if ('kind' in choice) return { criterion: choice };
  const { criterion, regularizer } = choice;
  return {
    ...choice,
    criterion: find('criterion', catalogue.criteria, criterion),
    regularizer: regularizer === undefined ? undefined : find('regularizer', catalogue.regularizers, regularizer),
  };
}

/** Resolves a strategy that may be given by name. */
export const strategyOf = (choice: string | Strategy): bench_.BenchOptions['strategies'][number] => {
  if (typeof choice !== 'string') return { strategy: choice };
  const { plugin, options } = choose('strategy', catalogue.strategies, choice);
  return { strategy: plugin, options };
};

/** Resolves a protocol that may be given by name. */
export function protocolOf(choice: ProtocolName | ProtocolInput = 'quick'): ProtocolInput {
  if (typeof choice !== 'string') return choice;
  const named = Object.entries(protocols).map(([id, protocol]) => ({ id, kind: 'protocol', protocol }));
  return find('protocol', named, choice).protocol;
}

/** Runs the benchmark; shows its progress unless `progress` is given. */
export async function bench(options: BenchChoice): Promise<RunRecord[]> {
  await ready();
  const {
    model,
    methods = catalogue.criteria,
    strategies = ['protected-global'],
    speedups = [2],
    protocol,
    data,
  } = options;
  const bar = options.progress ? undefined : new ProgressBar(undefined, { label: 'benchmark' });
  try {
    const records = await bench_.bench({
      datasetOptions: loadedWith.get(data) ?? {},
      ...options,
      speedups,
      model: find('model', catalogue.models, model),
      task: find('task', catalogue.tasks, data.task),
      methods: methods.map(methodOf),
      strategies: strategies.map(strategyOf),
      protocol: protocolOf(protocol),
      format: find('format', catalogue.formats, 'onnx'),
      signal: options.signal ?? interruptSignal(),
      progress:
        options.progress ??
        (({ run, runs, stage, label, fraction, training }) => {
          bar!.total = runs;
          bar!.set(run + Math.min(0.99, fraction), {
            run: label,
            stage,
            ...(training ? { epoch: `${training.epoch} of ${training.epochs}`, loss: training.loss } : {}),
          });
        }),
    });
    bar?.set(records.length, {});
    return records;
  } finally {
    bar?.close();
  }
}

/** Writes a model: `.onnx` for other programs, with `fold` without batch norms; `.safetensors` to be read again. */
export async function save(graph: Graph, path: string, options: WriteOptions = {}): Promise<void> {
  const format = catalogue.formats.find(({ extension }) => path.endsWith(extension));
  const known = catalogue.formats.map(({ extension }) => extension).join(', ');
  if (!format) throw new Error(`cannot save ${path}: its name ends with none of ${known}`);
  await writeAtomically(path, format.write(graph, options));
}

/** Reads a model: one that `save` wrote, or an ONNX file of another program. What it is, its bytes say. */
export async function open(path: string, options: ReadOptions = {}): Promise<Graph> {
  const bytes = await readFile(path);
  try {
    return readModel(catalogue.formats, bytes, options);
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * A model of the zoo with weights from PyTorch, as in `loadWeights(build('resnet18', { classes: 1000 }),
 * 'resnet18.safetensors')`; names are those of torchvision, timm and Ultralytics.
 */
export async function loadWeights(graph: Graph, path: string): Promise<Graph> {
  return withWeights(graph, decodeSafetensors(await readFile(path)).tensors);
}
