import type * as tf from '@tensorflow/tfjs';
import type { z } from 'zod';
import type { Channels, Coupling } from './channels.ts';
import type { Shape } from './parameter.ts';

/** What an op is told about one of its nodes: shapes are without the batch, channels last. */
export interface NodeView<A> {
  readonly id: string;
  readonly attributes: A;
  /** Shapes of the inputs. */
  readonly inputs: readonly Shape[];
  /** Names of the node's parameters by role, as in `kernel: 'stem.kernel'`. */
  readonly names: Readonly<Record<string, string>>;
  /** Shapes of the node's parameters by role. */
  readonly parameters: Readonly<Record<string, Shape>>;
}

/** Multiply-adds of one node for one input of the network. */
export interface Work {
  /** Multiply-adds of convolution, dense and attention products. */
  readonly plain: number;
  /** What the count of Torch-Pruning adds: biases of convolutions, affine norms, activations, pools. */
  readonly extra: number;
}

export interface Mode {
  /** Batch statistics instead of running ones. */
  readonly training: boolean;
  /** Receives the new value of a running statistic, by parameter name. */
  readonly update?: (parameter: string, value: tf.Tensor) => void;
  /** Share of the batch's statistics in the running ones, in place of the norms' own. */
  readonly momentum?: number;
}

/** Writes nodes of an ONNX graph; images are NCHW there. Every method returns the name of a value. */
export interface OnnxWriter {
  op(type: string, inputs: readonly string[], attributes?: Readonly<Record<string, unknown>>): string;
  constant(values: Float32Array | BigInt64Array, shape: readonly number[]): string;
  /** A parameter of the graph, with its axes permuted if a permutation is given. */
  parameter(name: string, permutation?: readonly number[]): string;
}

/** Whole numbers, as shapes, axes and indices of ONNX nodes are given. */
export const integers = (values: readonly number[], writer: OnnxWriter): string =>
  writer.constant(BigInt64Array.from(values, BigInt), [values.length]);

/** Axis of a value, channels last, where ONNX has it: behind the batch, an image with its channels first. */
export const onnxAxis = (shape: Shape, axis = shape.length - 1): number =>
  shape.length === 3 ? [2, 3, 1][axis]! : axis + 1;

/** Sizes of an image. Throws where the shape of a node's input is no image's. */
export function imageSizes(node: string, shape: Shape): [height: number, width: number, channels: number] {
  if (shape.length !== 3)
    throw new RangeError(`${node}: needs an image [height, width, channels], got [${shape.join(', ')}]`);
  return [...shape] as [number, number, number];
}

/** A value with its channels last in ONNX, where images have them first; and back. */
export const toLast = (x: string, { length }: Shape, writer: OnnxWriter): string =>
  length === 3 ? writer.op('Transpose', [x], { perm: [0, 2, 3, 1] }) : x;
export const fromLast = (x: string, { length }: Shape, writer: OnnxWriter): string =>
  length === 3 ? writer.op('Transpose', [x], { perm: [0, 3, 1, 2] }) : x;

/** For each place along the channel axis, whether it stays. */
export type Kept = readonly boolean[];

/** Everything the engine asks of one kind of operation. A node has one output. */
export interface Op<A = unknown> {
  /** Attributes as they stand in a saved graph. */
  readonly attributes: z.ZodType<A>;
  /** Roles of the parameters, with `?` behind those that may be absent. */
  readonly roles: readonly string[];
  /** How many inputs the op takes. */
  readonly arity: readonly [least: number, most: number];
  /** Shape of the output. Throws where inputs, attributes and parameters do not agree. */
  shape(node: NodeView<A>): Shape;
  /** Channels of the output from the channels of the inputs: what must live and die together. */
  couple(node: NodeView<A>, inputs: readonly Channels[], coupling: Coupling): Channels;
  forward(
    node: NodeView<A>,
    inputs: readonly tf.Tensor[],
    parameters: Readonly<Record<string, tf.Tensor>>,
    mode: Mode,
  ): tf.Tensor;
  work(node: NodeView<A>, output: Shape): Work;
  /**
   * For parameters that criteria score, by role: the sum over a batch of the squares of each sample's own gradient, from
   * the gradient `dy` of the output. Norms are in inference mode.
   */
  squaredGradients?(
    node: NodeView<A>,
    inputs: readonly tf.Tensor[],
    parameters: Readonly<Record<string, tf.Tensor>>,
    dy: tf.Tensor,
  ): Readonly<Record<string, tf.Tensor>>;
  /** Attributes after a cut, where they speak of channels; `kept` tells which channels of an input stay. */
  cut?(node: NodeView<A>, kept: (input: number) => Kept): A;
  onnx(node: NodeView<A>, inputs: readonly string[], writer: OnnxWriter): string;
}

export const free: Work = { plain: 0, extra: 0 };
export const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
/** Channels of a shape: its last axis. */
export const channelsOf = (shape: Shape): number => shape[shape.length - 1]!;

/** An op with its attribute type erased, as the table of ops holds it. */
export const defineOp = <A>(op: Op<A>): Op => op as Op;
