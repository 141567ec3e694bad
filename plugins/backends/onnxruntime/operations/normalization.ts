import type { TensorInfo } from '@tensorflow/tfjs';
import { allFloat, type Kernel, type Kernels } from '../kernel.ts';
import { axesOf, channelsFirst, rowMajor, sizeOf, type Layout } from '../layout.ts';
import type { Emitter } from '../emitter.ts';
import type { Layouts, Node, Operation } from '../value.ts';

const vector = rowMajor(1);

/** The image in the order it has, everything per channel as vectors. `images` says which inputs are images. */
function channelwise(node: Node, given: readonly Layout[], images: readonly number[]): Layouts {
  const rank = node.inputs[0]!.shape.length;
  const found = images.map(i => given[i]!).find(layout => layout.kind === 'permuted');
  const image = rank === 4 ? channelsFirst : (found ?? rowMajor(rank));
  return {
    inputs: node.inputs.map((value, i) => (images.includes(i) ? image : rowMajor(value.shape.length))),
    outputs: node.outputs.map((_, i) => (i === 0 ? image : vector)),
  };
}

/** What per-channel arithmetic needs to know about an image. */
class Channels {
  readonly count: number;
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
    this.count = shape[rank - 1]!;
    this.places = sizeOf(shape) / this.count;
    const order = axesOf(layout, rank);
    this.axes = order.flatMap((axis, i) => (axis === rank - 1 ? [] : [i]));
    this.shape = order.map(axis => (axis === rank - 1 ? this.count : 1));
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

const epsilonOf = (node: Node) => node.attributes['epsilon'] as number;

/** Normalization by given statistics: x, mean, variance and, where there are, scale and offset. */
const batchNorm: Operation = {
  name: 'FusedBatchNorm',
  layouts(node, given) {
    const { inputs, outputs } = channelwise(node, given, [0]);
    return { inputs, outputs };
  },
  emit(node, [x, mean, variance, ...rest], e, { inputs }) {
    const channels = new Channels(e, node.inputs[0]!.shape, inputs[0]!);
    const scale = node.attributes['scaled'] ? rest.shift() : undefined;
    const offset = rest[0];
    const inverse = inverseDeviation(e, variance!, epsilonOf(node));
    const factor = scale ? e.mul(inverse, scale) : inverse;
    const centred = e.sub(x!, channels.spread(mean!));
    const scaled = e.mul(centred, channels.spread(factor));
    return offset ? e.add(scaled, channels.spread(offset)) : scaled;
  },
};

/** Normalization by the batch's own statistics: gives y, mean and (biased) variance. */
export const trainingBatchNorm: Operation = {
  name: 'TrainingBatchNorm',
  layouts: (node, given) => channelwise(node, given, [0]),
  emit(node, [x, scale, offset], e, { inputs }) {
    const channels = new Channels(e, node.inputs[0]!.shape, inputs[0]!);
    const mean = channels.mean(x!);
    // Centred before it is squared: the difference of two large moments would lose the variance.
    const centred = e.sub(x!, channels.spread(mean));
    const squares = e.reduce('ReduceSumSquare', centred, channels.axes);
    const variance = e.mul(squares, e.scalar(1 / channels.places));
    const factor = e.mul(scale!, inverseDeviation(e, variance, epsilonOf(node)));
    const y = e.add(e.mul(centred, channels.spread(factor)), channels.spread(offset!));
    return [y, mean, variance];
  },
};

/** Gradients of x, scale and offset. */
export const trainingBatchNormGrad: Operation = {
  name: 'TrainingBatchNormGrad',
  layouts: (node, given) => channelwise(node, given, [0, 1]),
  emit(node, [dy, x, mean, variance, scale], e, { inputs }) {
    const channels = new Channels(e, node.inputs[0]!.shape, inputs[0]!);
    const share = e.scalar(1 / channels.places);
    const inverse = inverseDeviation(e, variance!, epsilonOf(node));
    const centred = e.sub(x!, channels.spread(mean!));
    const dOffset = channels.sum(dy!);
    const dScale = e.mul(channels.sum(e.mul(dy!, centred)), inverse);
    // dx = factor (dy - dOffset / n - centred inverse dScale / n), as one affine form of dy and centred.
    const factor = e.mul(scale!, inverse);
    const slope = e.op('Neg', [e.mul(e.mul(e.mul(factor, inverse), dScale), share)]);
    const constant = e.op('Neg', [e.mul(e.mul(factor, dOffset), share)]);
    const fromDy = e.add(e.mul(dy!, channels.spread(factor)), channels.spread(constant));
    return [e.add(fromDy, e.mul(centred, channels.spread(slope))), dScale, dOffset];
  },
};

const channelsOf = (x: TensorInfo) => x.shape[x.shape.length - 1]!;

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

const training: Kernel = ({ inputs: { x, scale, offset }, attributes }, r) => {
  const channels = [channelsOf(x!)];
  return r.addMany(trainingBatchNorm, [r.value(x!), r.value(scale!), r.value(offset!)], attributes, [
    [x!.shape, 'float32'],
    [channels, 'float32'],
    [channels, 'float32'],
  ]);
};

const trainingGrad: Kernel = ({ inputs: { dy, x, mean, variance, scale }, attributes }, r) => {
  const channels = [channelsOf(x!)];
  const inputs = [dy, x, mean, variance, scale].map(t => r.value(t!));
  return r.addMany(trainingBatchNormGrad, inputs, attributes, [
    [x!.shape, 'float32'],
    [channels, 'float32'],
    [channels, 'float32'],
  ]);
};

/** Kernels of normalization by channel. */
export const kernels: Kernels = {
  FusedBatchNorm: inference,
  TrainingBatchNorm: training,
  TrainingBatchNormGrad: trainingGrad,
};
