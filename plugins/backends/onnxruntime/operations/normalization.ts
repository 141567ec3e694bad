import type { TensorInfo } from '@tensorflow/tfjs';
import { allFloat, type Kernel, type Kernels, type OutputSpec } from '../kernel.ts';
import { axesOf, channelsFirst, rowMajor, sizeOf, type Layout } from '../layout.ts';
import type { Emitter } from '../emitter.ts';
import type { Layouts, Node, Operation } from '../value.ts';
import { float } from '../onnx/index.ts';
import { BlockedChannels } from './normalization-blocked.ts';

const vector = rowMajor(1);

/** The image in blocks or the order it has, everything per channel as vectors. `images` says which inputs are images. */
function channelwise(node: Node, given: readonly Layout[], images: readonly number[]): Layouts {
  const rank = node.inputs[0]!.shape.length;
  const found = images.map(i => given[i]!);
  const blocked = found.find(layout => layout.kind === 'blocked');
  const ordered = found.find(layout => layout.kind === 'permuted') ?? rowMajor(rank);
  const image = blocked ?? (rank === 4 ? channelsFirst : ordered);
  return {
    inputs: node.inputs.map((value, i) => (images.includes(i) ? image : rowMajor(value.shape.length))),
    outputs: node.outputs.map((_, i) => (i === 0 ? image : vector)),
  };
}

/** What per-channel arithmetic needs to know about an image that is not blocked. */
class Channels {
  /** Places per channel. */
  readonly places: number;
  /** Physical axes that are not the channels'. */
  readonly axes: readonly number[];
  private readonly shape: readonly number[];

  constructor(
    private readonly e: Emitter,
    shape: readonly number[],
    layout: Layout,
  ) {
    const rank = shape.length;
    const count = shape[rank - 1]!;
    this.places = sizeOf(shape) / count;
    const order = axesOf(layout, rank);
    this.axes = order.flatMap((axis, i) => (axis === rank - 1 ? [] : [i]));
    this.shape = order.map(axis => (axis === rank - 1 ? count : 1));
  }

  /** A vector per channel, ready to broadcast over the image. */
  spread(name: string): string {
    return this.shape.length === 1 ? name : this.e.reshape(name, this.shape);
  }

  sum(name: string): string {
    return this.e.reduce('ReduceSum', name, this.axes);
  }

  mean(name: string): string {
    return this.e.reduce('ReduceMean', name, this.axes);
  }
}

const inverseDeviation = (e: Emitter, variance: string, epsilon: number) =>
  e.op('Reciprocal', [e.op('Sqrt', [e.add(variance, e.scalar(epsilon))])]);

interface Attributes {
  readonly epsilon: number;
  /** Whether there is a scale (inference). */
  readonly scaled?: boolean;
  /** What fusion added: an activation after the normalization and the sum with the fourth input. */
  readonly activation?: 'Relu';
}

const attributesOf = (node: Node) => node.attributes as unknown as Attributes;

/** What {@link affineOf} needs to know of a normalization. */
export type Normal = Pick<Attributes, 'epsilon' | 'scaled'>;

/** Normalization by given statistics as factor and bias; `vectors` are mean, variance and, where there are, scale and offset. */
export function affineOf(e: Emitter, vectors: readonly string[], { epsilon, scaled }: Normal) {
  const [mean, variance, ...rest] = vectors;
  const scale = scaled ? rest.shift() : undefined;
  const offset = rest[0];
  const inverse = inverseDeviation(e, variance!, epsilon);
  const factor = scale ? e.mul(inverse, scale) : inverse;
  const shift = e.mul(mean!, factor);
  return { factor, bias: offset ? e.sub(offset, shift) : e.op('Neg', [shift]) };
}

/** Normalization by given statistics: x, mean, variance and, where there are, scale and offset. */
export const batchNorm: Operation = {
  name: 'FusedBatchNorm',
  layouts: (node, given) => channelwise(node, given, [0]),
  emit(node, [x, ...vectors], e, { inputs }) {
    const { factor, bias } = affineOf(e, vectors, attributesOf(node));
    if (inputs[0]!.kind === 'blocked') {
      const channels = new BlockedChannels(e, node.inputs[0]!.shape);
      return channels.affine(x!, channels.pad(factor), { bias: channels.pad(bias) });
    }
    const channels = new Channels(e, node.inputs[0]!.shape, inputs[0]!);
    return e.add(e.mul(x!, channels.spread(factor)), channels.spread(bias));
  },
};

/**
 * Normalization by the batch's own statistics: gives y, mean and (biased) variance. A fourth input, where fusion put
 * one, is added to y before the activation.
 */
export const trainingBatchNorm: Operation = {
  name: 'TrainingBatchNorm',
  layouts: (node, given) => channelwise(node, given, node.inputs.length > 3 ? [0, 3] : [0]),
  emit(node, [x, scale, offset, sum], e, { inputs }) {
    const { epsilon, activation } = attributesOf(node);
    const { shape } = node.inputs[0]!;
    // The image is centred before it is squared: the difference of two large moments would lose the variance.
    if (inputs[0]!.kind === 'blocked') {
      const channels = new BlockedChannels(e, shape);
      const mean = channels.mean(x!);
      const centred = channels.minus(x!, mean);
      const variance = e.mul(channels.dot(centred, centred), e.scalar(1 / channels.places));
      const factor = e.mul(channels.pad(scale!), inverseDeviation(e, variance, epsilon));
      const options = { bias: channels.pad(offset!), ...(sum === undefined ? {} : { sum }), activation };
      return [channels.affine(centred, factor, options), channels.unpad(mean), channels.unpad(variance)];
    }
    const channels = new Channels(e, shape, inputs[0]!);
    const mean = channels.mean(x!);
    const centred = e.sub(x!, channels.spread(mean));
    const squares = e.reduce('ReduceSumSquare', centred, channels.axes);
    const variance = e.mul(squares, e.scalar(1 / channels.places));
    const factor = e.mul(scale!, inverseDeviation(e, variance, epsilon));
    const y = e.add(e.mul(centred, channels.spread(factor)), channels.spread(offset!));
    const total = sum === undefined ? y : e.add(y, sum);
    return [activation ? e.op(activation, [total]) : total, mean, variance];
  },
};

/** Gradients of x, scale and offset: dx = factor (dy - dOffset / n - centred inverse dScale / n), an affine form. */
const trainingBatchNormGrad: Operation = {
  name: 'TrainingBatchNormGrad',
  layouts: (node, given) => channelwise(node, given, [0, 1]),
  emit(node, [dy, x, mean, variance, scale], e, { inputs }) {
    const { epsilon } = attributesOf(node);
    const { shape } = node.inputs[0]!;
    const blocked = inputs[0]!.kind === 'blocked' ? new BlockedChannels(e, shape) : undefined;
    const plain = new Channels(e, shape, inputs[0]!);
    const full = (name: string) => (blocked ? blocked.pad(name) : name);
    const share = e.scalar(1 / plain.places);

    const inverse = inverseDeviation(e, full(variance!), epsilon);
    const factor = e.mul(full(scale!), inverse);
    const centred = blocked ? blocked.minus(x!, full(mean!)) : e.sub(x!, plain.spread(mean!));
    const dOffset = blocked ? e.mul(blocked.mean(dy!), e.scalar(plain.places)) : plain.sum(dy!);
    const product = blocked ? blocked.dot(dy!, centred) : plain.sum(e.mul(dy!, centred));
    const dScale = e.mul(product, inverse);
    const slope = e.op('Neg', [e.mul(e.mul(e.mul(factor, inverse), dScale), share)]);
    const constant = e.op('Neg', [e.mul(e.mul(factor, dOffset), share)]);
    if (blocked) {
      const fromDy = blocked.affine(dy!, factor, {});
      const dx = blocked.affine(centred, slope, { bias: constant, sum: fromDy });
      return [dx, blocked.unpad(dScale), blocked.unpad(dOffset)];
    }
    const fromDy = e.add(e.mul(dy!, plain.spread(factor)), plain.spread(constant));
    return [e.add(fromDy, e.mul(centred, plain.spread(slope))), dScale, dOffset];
  },
};

/** Normalization over the last axis. */
const layerNorm: Operation = {
  name: 'LayerNorm',
  emit: (node, inputs, e) => e.op('LayerNormalization', inputs, normalOf(node)),
};

const normalOf = (node: Node) => ({ axis: -1, epsilon: float(attributesOf(node).epsilon) });

/**
 * Gradients of x, scale and offset: with g = dy scale and n the normalized x, dx = (g - mean g - n mean(g n)) / deviation.
 * Sums over rows and over the last axis are products with vectors.
 */
const layerNormGrad: Operation = {
  name: 'LayerNormGrad',
  emit(node, [dy, x, scale], e) {
    const { shape } = node.inputs[0]!;
    const channels = shape.at(-1)!;
    const rows = sizeOf(shape) / channels;
    const vectorOf = (value: number, length: number) => e.expand(e.scalar(value), [length]);
    const normalize = [e.reshape(x!, [rows, channels]), vectorOf(1, channels), vectorOf(0, channels)];
    const [n, , inverse] = e.ops('LayerNormalization', normalize, 3, normalOf(node)) as [string, string, string];
    const flat = e.reshape(dy!, [rows, channels]);
    const ones = e.expand(e.scalar(1), [1, rows]);
    const total = (matrix: string) => e.reshape(e.op('MatMul', [ones, matrix]), [channels]);
    const share = e.reshape(e.mul(scale!, e.scalar(1 / channels)), [channels, 1]);
    const product = e.mul(flat, n);
    const centred = e.sub(e.mul(flat, scale!), e.op('MatMul', [flat, share]));
    const dx = e.mul(e.sub(centred, e.mul(n, e.op('MatMul', [product, share]))), inverse);
    return [e.reshape(dx, shape), total(product), total(flat)];
  },
};

/** Something of the shape of x, and two vectors with an element per channel. */
const imageAndVectors = ({ shape }: TensorInfo): OutputSpec[] => {
  const channels = shape.slice(-1);
  return [
    [shape, 'float32'],
    [channels, 'float32'],
    [channels, 'float32'],
  ];
};

const inference: Kernel = ({ inputs: { x, scale, offset, mean, variance }, attributes }, r) => {
  const present = [x, mean, variance, scale, offset].filter(t => t !== undefined && t !== null);
  if (!allFloat(...present) || present.slice(1).some(t => t.shape.length !== 1)) return undefined;
  const options = { epsilon: (attributes['varianceEpsilon'] as number | undefined) ?? 0.001, scaled: Boolean(scale) };
  return r.add(
    batchNorm,
    present.map(t => r.value(t)),
    options,
    x!.shape,
  );
};

const training: Kernel = ({ inputs: { x, scale, offset }, attributes: { epsilon } }, r) => {
  return r.addMany(
    trainingBatchNorm,
    [r.value(x!), r.value(scale!), r.value(offset!)],
    { epsilon },
    imageAndVectors(x!),
  );
};

const trainingGrad: Kernel = ({ inputs: { dy, x, mean, variance, scale }, attributes: { epsilon } }, r) => {
  const inputs = [dy, x, mean, variance, scale].map(t => r.value(t!));
  return r.addMany(trainingBatchNormGrad, inputs, { epsilon }, imageAndVectors(x!));
};

const layerNormKernel: Kernel = ({ inputs: { x, scale, offset }, attributes: { epsilon } }, r) =>
  r.add(layerNorm, [r.value(x!), r.value(scale!), r.value(offset!)], { epsilon }, x!.shape);

const layerNormGradKernel: Kernel = ({ inputs: { dy, x, scale }, attributes: { epsilon } }, r) => {
  return r.addMany(layerNormGrad, [r.value(dy!), r.value(x!), r.value(scale!)], { epsilon }, imageAndVectors(x!));
};

/** Kernels of normalization. */
export const kernels: Kernels = {
  FusedBatchNorm: inference,
  TrainingBatchNorm: training,
  TrainingBatchNormGrad: trainingGrad,
  LayerNorm: layerNormKernel,
  LayerNormGrad: layerNormGradKernel,
};
