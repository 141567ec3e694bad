import { readFile } from 'node:fs/promises';
import type * as tf from '@tensorflow/tfjs';
import * as bench_ from '../kernel/bench/bench.ts';
import { speedupOptions } from '../kernel/bench/latency-speedup.ts';
import type { LatencyOptions } from '../kernel/bench/measure.ts';
import { disposePenalty, regularizeBy } from '../kernel/bench/regularize.ts';
import type { ProtocolInput } from '../kernel/bench/protocol.ts';
import { protocolNamed, type ProtocolName } from '../kernel/bench/protocols.ts';
import type { RunRecord } from '../kernel/bench/record.ts';
import { find } from '../kernel/catalogue.ts';
import type { Extension } from '../kernel/contract/index.ts';
import { chooseMethod, chooseStrategy } from '../kernel/text/choose.ts';
import { runOnnx as runFile } from '../kernel/bench/run-onnx.ts';
import type { Graph } from '../kernel/graph/graph.ts';
import { groups } from '../kernel/graph/groups.ts';
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
import { codeOf } from '../kernel/plugin-code.ts';
import type { CalibrationData, CalibrationOptions } from '../kernel/prune/calibration.ts';
import { prune as pruneGraph, scoringOf, type Pruned, type PruneOptions } from '../kernel/prune/prune.ts';
import { parseOptions, withoutPath } from '../kernel/options.ts';
import { isScored } from '../kernel/prune/score.ts';
import { scorerOf } from '../kernel/prune/scorer.ts';
import { sparsityOf } from '../kernel/prune/sparsity.ts';
import type { SpeedupKind } from '../kernel/prune/speedup.ts';
import { readModel } from '../kernel/read-model.ts';
import { decodeSafetensors } from '../kernel/safetensors.ts';
import { evaluate as evaluateGraph } from '../kernel/train/evaluate.ts';
import { fit as fitGraph, type Fitted, type FitOptions } from '../kernel/train/fit.ts';
import { recalibrate as recalibrateGraph, type RecalibrateOptions } from '../kernel/train/recalibrate.ts';
import { sparsifyOptions } from '../kernel/train/training-options.ts';
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

/** What data were loaded by, and with which options but where they lie, so that records can name them. */
const loadedWith = new WeakMap<Data, { readonly plugin: Dataset; readonly options: Record<string, unknown> }>();

/** A data set by name, as in `load('shapes', { seed: 1 })`. */
export async function load(dataset: string | Dataset, options: Options = {}): Promise<Data> {
  const plugin = find('dataset', catalogue.datasets, dataset);
  const parsed = parseOptions(plugin, options);
  const data = await plugin.load(parsed);
  loadedWith.set(data, { plugin, options: withoutPath(parsed as Record<string, unknown>) });
  return data;
}

export interface CalibrationChoice {
  /** For criteria that run the network on data: their training images are used. */
  readonly data?: Data | undefined;
  /** How many of them, and how often. */
  readonly calibration?: CalibrationOptions | undefined;
}

const calibrationOf = ({ data, calibration }: CalibrationChoice): CalibrationData | undefined =>
  data && { ...calibration, split: data.train, task: find('task', catalogue.tasks, data.task) };

export interface PruneChoice
  extends CalibrationChoice, Omit<PruneOptions, 'criterion' | 'strategy' | 'calibration' | 'count'> {
  readonly criterion: string | Criterion;
  /** Default: protected-global. */
  readonly strategy?: string | Strategy;
  /** What the speed-up is of (default plain): a count of multiply-adds, or time on this machine as `latency` says. */
  readonly count?: SpeedupKind;
  /** How time is measured (default: batch 1, 1 thread). */
  readonly latency?: LatencyOptions;
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
    ...speedupOptions(count, graph, rest.speedup, find('format', catalogue.formats, 'onnx'), {
      threads: 1,
      ...latency,
      signal,
    }),
    ...(signal ? { signal } : {}),
    calibration: calibrationOf({ data, calibration }),
    criterion: find('criterion', catalogue.criteria, criterion),
    strategy: find('strategy', catalogue.strategies, strategy),
  });
}

export interface ScoresChoice
  extends CalibrationChoice, Pick<PruneOptions, 'criterionOptions' | 'reduce' | 'normalize' | 'seed' | 'signal'> {}

/**
 * What a criterion says before anything is pruned, as in `unitScores(graph, 'lamp')`: by group the scores of its units, as
 * they are ranked among those of all groups, for the groups that can be pruned and in which something scores.
 */
export async function unitScores(
  graph: Graph,
  criterion: string | Criterion,
  { data, calibration, seed = 0, signal = interruptSignal(), ...rest }: ScoresChoice = {},
): Promise<ReadonlyMap<string, Float64Array>> {
  await ready();
  const plugin = find('criterion', catalogue.criteria, criterion);
  const all = groups(graph);
  const scored = all.filter(group => !group.protected && isScored(plugin, group));
  const kept = new Map(scored.map(({ id, units }) => [id, new Uint8Array(units).fill(1)]));
  const scorer = await scorerOf(graph, all, kept, scoringOf(plugin, rest), {
    seed,
    signal,
    calibration: calibrationOf({ data, calibration }),
  });
  const scores = await scorer.scores(1, graph);
  return new Map(scored.map(({ id }, g) => [id, scores[g]!]));
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

export interface SparsifyOptions extends Omit<FitOptions, 'regularize' | 'slots' | 'checkpoint'> {
  readonly regularizer: string | Regularizer;
  readonly regularizerOptions?: unknown;
  /** The criterion that prunes afterwards: what it does not score is left alone (default: what most criteria score). */
  readonly criterion?: string | Criterion;
}

/**
 * Trains a graph with a penalty that prepares it for pruning, as in `sparsify(graph, data, { regularizer: 'group-norm',
 * epochs: 3 })`; the penalty takes the place of the optimizer's weight decay, unless the optimizer states one.
 */
export async function sparsify(
  graph: Graph,
  data: Data,
  { regularizer, regularizerOptions, criterion, ...options }: SparsifyOptions,
): Promise<Fitted> {
  await ready();
  const { optimizer } = sparsifyOptions.pick({ optimizer: true }).parse({ optimizer: options.optimizer });
  const plugin = find('regularizer', catalogue.regularizers, regularizer);
  const sparsity = sparsityOf(
    graph,
    criterion === undefined ? undefined : find('criterion', catalogue.criteria, criterion),
  );
  const penalty = plugin.start(sparsity, parseOptions(plugin, regularizerOptions));
  try {
    return await fit(graph, data, {
      ...options,
      optimizer,
      regularize: regularizeBy(penalty),
      slots: penalty.slots,
    });
  } finally {
    disposePenalty(penalty);
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

/** A strategy by name, as in `protected-global:floor=0.2`; or itself, with or without options. */
export type StrategyChoice = string | Strategy | { readonly strategy: Strategy; readonly options?: unknown };

export interface BenchChoice extends Omit<
  bench_.BenchOptions,
  'model' | 'data' | 'task' | 'methods' | 'strategies' | 'speedups' | 'protocol' | 'format'
> {
  readonly model: string | Model;
  readonly data: Data;
  /** Default: all criteria. */
  readonly methods?: readonly MethodChoice[];
  /** Default: protected-global. */
  readonly strategies?: readonly StrategyChoice[];
  /** Multiply-adds before over after (default 2). */
  readonly speedups?: readonly number[];
  /** A protocol or the name of one (default quick). */
  readonly protocol?: ProtocolName | ProtocolInput;
}

/** Resolves a method that may be given by name. */
function methodOf(choice: MethodChoice): bench_.Method {
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
const strategyOf = (choice: StrategyChoice): bench_.BenchOptions['strategies'][number] => {
  if (typeof choice !== 'string') return 'kind' in choice ? { strategy: choice } : choice;
  return chooseStrategy(catalogue, choice);
};

/** Resolves a protocol that may be given by name. */
export const protocolOf = (choice: ProtocolName | ProtocolInput = 'quick'): ProtocolInput =>
  typeof choice === 'string' ? protocolNamed(choice) : choice;

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
  const loaded = loadedWith.get(data);
  const chosen = {
    model: find('model', catalogue.models, model),
    methods: methods.map(methodOf),
    strategies: strategies.map(strategyOf),
  };
  const plugins: (Extension | undefined)[] = [
    chosen.model,
    loaded?.plugin,
    ...chosen.methods.flatMap(({ criterion, regularizer }) => [criterion, regularizer]),
    ...chosen.strategies.map(({ strategy }) => strategy),
  ];
  const bar = options.progress ? undefined : new ProgressBar(undefined, { label: 'benchmark' });
  try {
    const records = await bench_.bench({
      datasetOptions: loaded?.options ?? {},
      code: codeOf(
        plugins.filter(plugin => plugin !== undefined),
        catalogue,
      ),
      onAgain: console.log,
      ...options,
      ...chosen,
      speedups,
      task: find('task', catalogue.tasks, data.task),
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

/**
 * What ONNX Runtime computes from a file, without anything of ours in between. Images are channels last, `[batch, height,
 * width, channels]`, as everywhere here, and so are outputs that are images.
 */
export async function runOnnx(path: string, x: tf.Tensor): Promise<tf.Tensor[]> {
  return runFile(await readFile(path), x);
}
