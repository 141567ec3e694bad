import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { suggestion } from './catalogue.ts';
import type { Graph } from './graph/graph.ts';
import type { Group } from './graph/groups.ts';
import type { OpName } from './graph/ops/index.ts';
import type { Role } from './graph/channels.ts';
import type { Shape } from './graph/parameter.ts';
import type { Network } from './graph/run.ts';
import type { Normalization } from './prune/normalize.ts';
import type { Reduction } from './prune/score.ts';
import type { Random } from './random.ts';
import type { Moment } from './train/step.ts';

/** What every extension says of itself. Its options are a zod schema with defaults. */
export interface Plugin<O> {
  /** Name on the command line and in records, as in `magnitude-l2`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Where it was published. */
  readonly paper?: string;
  readonly options: z.ZodType<O, unknown>;
}

// --- models ----------------------------------------------------------------------------------------------------------

export interface Model<O = unknown> extends Plugin<O> {
  readonly kind: 'model';
  readonly task: string;
  build(options: O): Graph;
}

// --- criteria --------------------------------------------------------------------------------------------------------

/** One axis of a parameter, as a criterion sees it when it scores the units of a group. */
export interface MemberView {
  readonly parameter: string;
  readonly axis: number;
  readonly role: Role;
  /** Op of the layer that owns the parameter. */
  readonly op: OpName;
}

/** A group, as a criterion sees it that scores whole units. */
export interface GroupView {
  readonly id: string;
  readonly units: number;
  /** A stream of this group and step. */
  readonly random: Random;
}

/** Images that criteria run networks on. */
export interface CalibrationImages<T = unknown> {
  /** What networks are for, and scored by in inference mode. */
  readonly task: Task<T>;
  /** A stream of this step. */
  readonly random: Random;
  /** The same batches each time, unchanged images in an order of their own. */
  batches(): AsyncIterable<Batch<T>>;
}

/** What a criterion that needs data is given: the network as the steps before have left it, and batches to run it on. */
export interface Calibration<T = unknown> extends CalibrationImages<T> {
  /** It is disposed by who made it. */
  readonly network: Network;
  /** The groups that are pruned, as they are now. */
  readonly groups: readonly Group[];
}

/** What a criterion is given that changes the weights that are left, once pruning has ended. */
export interface Ending<T = unknown> extends CalibrationImages<T> {
  /** The graph before pruning. */
  readonly original: Graph;
  /** Its groups. `keptIndices` tells what of a parameter stays. */
  readonly groups: readonly Group[];
  /** By id, for each group that was pruned: 1 for every unit that stays, 0 for those that are gone. */
  readonly kept: ReadonlyMap<string, Uint8Array>;
  /** What is left of it: the same nodes, with parameters of the same names. */
  readonly pruned: Graph;
  /** For work between batches; `batches` throws by itself where it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a criterion found in data: a score for every weight of a parameter, added up over slices; one for every index of
 * a parameter's last axis, such as the filters of a kernel; or one for every unit of a group.
 */
export type Estimate =
  | { readonly elements: ReadonlyMap<string, Float32Array> }
  | { readonly filters: ReadonlyMap<string, ArrayLike<number>> }
  | { readonly units: ReadonlyMap<string, ArrayLike<number>> };

/**
 * Importance of units: the higher, the later they go. A criterion states one of five things:
 * `element`, a function of one weight that is summed over a slice; `pair`, a function of two slices that is summed over
 * all others (scores of both kinds follow a cut without being recomputed); `local`, the scores of a member's slices as
 * a tensor; `unit`, the scores of whole units; or `estimate`, what it finds by running the network on data.
 */
export interface Criterion<O = unknown> extends Plugin<O> {
  readonly kind: 'criterion';
  /** Which members score; by default kernels on both sides and the scales of norms. */
  scores?(member: MemberView): boolean;
  /** How a unit's local scores become one (default mean). */
  readonly reduce?: Reduction;
  /** How scores of one group become comparable with those of another (default mean). */
  readonly normalize?: Normalization;
  element?(weight: number, options: O): number;
  /** `a` and `b` are squared norms of two slices, `ab` is their inner product; symmetric. */
  pair?(a: number, b: number, ab: number, options: O): number;
  /** `slices` is `[indices along the axis, values of the slice]`; returns `[indices]`. */
  local?(slices: tf.Tensor2D, member: MemberView, options: O): tf.Tensor;
  unit?(group: GroupView, options: O): ArrayLike<number>;
  estimate?(calibration: Calibration, options: O): Promise<Estimate>;
  /**
   * New values for parameters of the pruned graph, by name, row-major in their shapes; those that are not named stay as
   * they are. Called once, after the last step, where there is data: a criterion of any kind may correct the weights that
   * are left for those that are gone, as Optimal Brain Surgeon does.
   */
  finish?(ending: Ending, options: O): Promise<ReadonlyMap<string, Float32Array>>;
}

// --- strategies ------------------------------------------------------------------------------------------------------

/** A group in the middle of a schedule. */
export interface Ranked {
  readonly id: string;
  /** Units it had in the beginning. */
  readonly original: number;
  /** Scores of the units that are left, in their order. */
  readonly scores: Float64Array;
}

/** How many units each group keeps. Which ones follows from the scores: the lowest go first, ties by position. */
export interface Strategy<O = unknown> extends Plugin<O> {
  readonly kind: 'strategy';
  /** `left` is the share of all original units that should be left after this step. Returns one number per group. */
  keep(groups: readonly Ranked[], left: number, options: O): number[];
}

// --- regularizers ----------------------------------------------------------------------------------------------------

/**
 * What is added to the gradients in the sparsify stage, between backward pass and optimizer step, with the optimizer's
 * own weight decay at 0.
 */
export interface Regularizer<O = unknown> extends Plugin<O> {
  readonly kind: 'regularizer';
  /** Which members it acts on (default: those that the criterion scores); where a model has none, it is of no use there. */
  acts?(member: MemberView): boolean;
  /** Called once for a training run. */
  start(sparsity: Sparsity, options: O): Penalty;
}

/** What is to become sparse. */
export interface Sparsity {
  readonly graph: Graph;
  /** The groups that can be pruned, each with those members only that the criterion scores which prunes afterwards. */
  readonly groups: readonly Group[];
}

export interface Penalty {
  /** Terms to add to gradients, by parameter name; `parameters` are the present values. Called inside `tf.tidy`. */
  gradients(parameters: ReadonlyMap<string, tf.Tensor>, moment: Moment): Readonly<Record<string, tf.Tensor>>;
  /** State that goes from step to step, kept in checkpoints, by name. */
  readonly slots?: ReadonlyMap<string, tf.Variable>;
}

// --- data and tasks --------------------------------------------------------------------------------------------------

/** Some samples, ready for the network. */
export interface Batch<T = unknown> {
  readonly size: number;
  /** Normalised images, `[size, ...shape]`. */
  readonly images: Float32Array;
  readonly targets: T;
}

export interface BatchOptions {
  readonly batch: number;
  /** Order and augmentation follow from seed and epoch; without `shuffle` the order is that of the data. */
  readonly seed?: number;
  readonly epoch?: number;
  /** How many epochs the training has, so that a data set can change its augmentation towards the end. */
  readonly epochs?: number;
  readonly shuffle?: boolean;
  readonly augment?: boolean;
  /** Leave out a last batch that is not full. */
  readonly dropLast?: boolean;
  readonly signal?: AbortSignal;
}

export interface Split<T = unknown> {
  readonly size: number;
  batches(options: BatchOptions): AsyncIterable<Batch<T>>;
}

export interface Data<T = unknown> {
  /** Id of the data set. */
  readonly id: string;
  readonly task: string;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Shape of an image, `[height, width, channels]`. */
  readonly shape: Shape;
  readonly train: Split<T>;
  readonly test: Split<T>;
  /** SHA-256 of everything the samples come from, so that a record can name them. */
  readonly checksum: string;
}

/** The options of models that follow from a data set; of its classes, their number is enough. */
export const modelOptionsOf = ({
  classes,
  shape: [image, , channels],
}: Pick<Data, 'shape'> & { readonly classes: Data['classes'] | number }) => ({
  classes: typeof classes === 'number' ? classes : classes.length,
  image,
  channels,
});

export interface Dataset<O = unknown> extends Plugin<O> {
  readonly kind: 'dataset';
  readonly task: string;
  /** Where its files may be, under the folder that PRUNINGBENCH_DATA names; absent where it has none. */
  readonly folders?: readonly string[];
  load(options: O): Promise<Data>;
  /** Noise of the published sizes, for estimates of time where the files are not there. */
  standIn?(options: O): Data;
}

/** What a network is trained for and judged by. */
export interface Task<T = unknown> {
  readonly kind: 'task';
  readonly id: string;
  readonly title: string;
  /** Name of the number that ranks, as in `accuracy`; higher is better. */
  readonly score: string;
  /** Mean loss of a batch. */
  loss(outputs: readonly tf.Tensor[], targets: T): tf.Scalar;
  /** Targets drawn from the distribution that the outputs state, where they state one. */
  sample?(outputs: readonly tf.Tensor[], random: Random): Promise<T>;
  /** Collects batches of one evaluation. */
  meter(): Meter<T>;
}

export interface Meter<T = unknown> {
  add(outputs: readonly tf.Tensor[], targets: T): Promise<void>;
  /** Numbers by name; the task's score is among them. */
  result(): Readonly<Record<string, number>>;
}

// --- engines and files -----------------------------------------------------------------------------------------------

export interface Backend {
  readonly kind: 'backend';
  readonly id: string;
  readonly title: string;
  /** Its turn where none is asked for, the least first; without it, the backend is used only where it is asked for. */
  readonly turn?: () => number;
  /** Whether it computes through one of several execution providers. */
  readonly hasProviders?: boolean;
  /** Makes the backend known to tfjs. Throws with the reason where it cannot run here. */
  register(options: { threads?: number; provider?: string }): Promise<void>;
}

export interface Format {
  readonly kind: 'format';
  readonly id: string;
  readonly title: string;
  readonly extension: string;
  write(graph: Graph, options?: WriteOptions): Uint8Array;
  /** Whether the bytes begin as a file of this format; needed where `read` is. */
  recognizes?(bytes: Uint8Array): boolean;
  /** The graph in a file. Throws where it is broken or holds what is not supported; files are not trusted. */
  read?(bytes: Uint8Array, options?: ReadOptions): Graph;
}

export interface WriteOptions {
  /** Whether batch norms become part of the convolutions and dense layers before them (default false). */
  readonly fold?: boolean;
}

export interface ReadOptions {
  /** Sizes of what a file leaves free beside the batch, by the name that it gives, as `{ height: 640 }`. */
  readonly sizes?: Readonly<Record<string, number>>;
}

// --- definitions -----------------------------------------------------------------------------------------------------

/** A plugin as its author writes it: title and options may be left out. */
export type Definition<O, P extends Plugin<O>> = Omit<P, 'kind' | 'title' | 'options'> & {
  readonly title?: string;
  readonly options?: z.ZodType<O, unknown>;
};

const common = ['kind', 'id', 'title', 'paper', 'options'];
/** What a definition of a kind may state. */
const parts = {
  model: ['task', 'build'],
  criterion: ['scores', 'reduce', 'normalize', 'element', 'pair', 'local', 'unit', 'estimate', 'finish'],
  regularizer: ['acts', 'start'],
  strategy: ['keep'],
  dataset: ['task', 'folders', 'load', 'standIn'],
} as const satisfies Record<Kind, readonly string[]>;

/** With the title and the options that were left out; `never` because the rest is the caller's to know. */
function complete(kind: Kind, plugin: { id: string; title?: string; options?: z.ZodType }): never {
  const { id, options = z.object({}) } = plugin;
  if (!/^[A-Za-z0-9][\w.-]*$/.test(id))
    throw new Error(`${kind} ${JSON.stringify(id)}: a name is letters, digits, hyphens, dots and underscores`);
  const known = [...common, ...parts[kind]];
  const unknown = Object.keys(plugin).find(key => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${kind} ${id}: no part ${unknown}${suggestion(unknown, known)}`);
  if (typeof options.safeParse !== 'function') throw new Error(`${kind} ${id}: its options are no zod schema`);
  return { kind, title: id, ...plugin, options } as never;
}
type Kind = 'model' | 'criterion' | 'regularizer' | 'strategy' | 'dataset';

/** A model of your own: a function from options to a graph. */
export const defineModel = <O>(model: Definition<O, Model<O>>): Model<O> => complete('model', model);
/** A criterion of your own: what it scores, and how. */
export const defineCriterion = <O>(criterion: Definition<O, Criterion<O>>): Criterion<O> => {
  const { id, element, pair, local, unit, estimate } = criterion;
  const stated = [element, pair, local, unit, estimate].filter(Boolean).length;
  if (stated !== 1)
    throw new Error(`criterion ${id}: states ${stated} of element, pair, local, unit and estimate; needs exactly one`);
  return complete('criterion', criterion);
};
/** A regularizer of your own: what it does to the weights in each step of training. */
export const defineRegularizer = <O>(regularizer: Definition<O, Regularizer<O>>): Regularizer<O> =>
  complete('regularizer', regularizer);
/** A strategy of your own: which units of all go. */
export const defineStrategy = <O>(strategy: Definition<O, Strategy<O>>): Strategy<O> => complete('strategy', strategy);
/** A data set of your own: images and what is in them, to train on and to test with. */
export const defineDataset = <O>(dataset: Definition<O, Dataset<O>>): Dataset<O> => complete('dataset', dataset);
/** A task of your own: loss, scores and how they are put together. */
export const defineTask = <T>(task: Omit<Task<T>, 'kind'>): Task<T> => ({ kind: 'task', ...task });
