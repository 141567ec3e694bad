import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';

/** A computation to compare between backends; it makes its own inputs. */
export type Case = () => Tensor | Tensor[];

/** A function of an image [1, 8, 8, 4], to compare in value and gradient. */
export type Differentiable = (x: Tensor4D) => Tensor;

/** Repeatable pseudo-random numbers from a normal distribution. */
export function normal(shape: number[], deviation = 1, seed = 1): Tensor {
  const size = tf.util.sizeFromShape(shape);
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const values = Float32Array.from(
    { length: size },
    () => deviation * Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random()),
  );
  return tf.tensor(values, shape);
}

/** The shape of {@link image}. */
export const shape: [number, number, number, number] = [1, 8, 8, 4];
/** What the differentiable cases are given. */
export const image = () => normal(shape, 1, 3) as Tensor4D;
const w = <T extends Tensor>(dims: number[], seed = 5) => normal(dims, 0.5, seed) as T;
const w4 = (...dims: number[]) => w<Tensor4D>(dims);
const mask = () =>
  tf.tensor4d(
    Uint8Array.from({ length: 256 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    shape,
    'bool',
  );
const ints = () =>
  tf.tensor2d(
    [
      [5, -7],
      [3, 0],
      [-2, 9],
    ],
    [3, 2],
    'int32',
  );
const int = (value: number) => tf.scalar(value, 'int32');
const list = (...values: number[]) => tf.tensor1d(values);
const indices = (...values: number[]) => tf.tensor1d(values, 'int32');

/** Element by element. */
export const elementwise: Record<string, Differentiable> = {
  relu: x => tf.relu(x),
  relu6: x => tf.relu6(tf.mul(x, 4)),
  sigmoid: x => tf.sigmoid(x),
  tanh: x => tf.tanh(x),
  softplus: x => tf.softplus(x),
  elu: x => tf.elu(x),
  selu: x => tf.selu(x),
  abs: x => tf.abs(x),
  exp: x => tf.exp(x),
  erf: x => tf.erf(x),
  sin: x => tf.sin(x),
  cos: x => tf.cos(x),
  tan: x => tf.tan(tf.mul(x, 0.2)),
  square: x => tf.square(x),
  neg: x => tf.neg(x),
  log: x => tf.log(tf.add(tf.abs(x), 0.1)),
  log1p: x => tf.log1p(tf.abs(x)),
  expm1: x => tf.expm1(x),
  atan: x => tf.atan(x),
  asin: x => tf.asin(tf.mul(x, 0.1)),
  acos: x => tf.acos(tf.mul(x, 0.1)),
  sinh: x => tf.sinh(x),
  cosh: x => tf.cosh(x),
  asinh: x => tf.asinh(x),
  acosh: x => tf.acosh(tf.add(tf.abs(x), 1.5)),
  atanh: x => tf.atanh(tf.mul(x, 0.1)),
  reciprocal: x => tf.reciprocal(tf.add(tf.abs(x), 0.5)),
  step: x => tf.mul(x, tf.step(x, 0.3)),
  leakyRelu: x => tf.leakyRelu(x, 0.1),
  silu: x => tf.mul(x, tf.sigmoid(x)),
  gelu: x => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.div(x, Math.SQRT2)))),
  clip: x => tf.clipByValue(x, -1, 1),
  sqrt: x => tf.sqrt(tf.abs(x)),
  rsqrt: x => tf.rsqrt(tf.add(tf.abs(x), 1)),
  pow: x => tf.pow(x, 2),
  maximum: x => tf.maximum(x, 0.2),
  minimum: x => tf.minimum(x, 0.2),
  where: x => tf.where(mask(), x, tf.neg(x)),
  squaredDifference: x => tf.squaredDifference(x, tf.ones([4])),
  div: x => tf.div(x, w([4])),
  'div by image': x => tf.div(w([4]), tf.add(tf.abs(x), 1)),
  mod: x => tf.mod(x, 0.7),
  'mod negative': x => tf.mod(x, -0.7),
  floorDiv: x => tf.add(x, tf.floorDiv(x, 0.3)),
  prelu: x => tf.prelu(x, w([4])),
  addN: x => tf.addN([x, x, tf.neg(x)]),
  broadcast: x => tf.add(x, w([1, 8, 1, 4])),
  'broadcast over a convolution': x => tf.add(tf.conv2d(x, w4(3, 3, 4, 4), 1, 'same'), w([8, 1, 1])),
  'broadcast smaller with constant': x => tf.mul(tf.slice(x, [0, 0, 0, 0], [1, 1, 1, 4]), tf.ones([1, 8, 8, 4])),
  'convolution times constant': x => tf.mul(tf.conv2d(x, w4(3, 3, 4, 4), 1, 'same'), tf.fill(shape, 0.5)),
};

/** Reductions and normalizations. */
export const reductions: Record<string, Differentiable> = {
  sum: x => tf.sum(x, [1, 3]),
  'sum, dims kept': x => tf.sum(x, [2], true),
  mean: x => tf.mean(x, [1, 2]),
  'mean of everything': x => tf.mean(x),
  max: x => tf.max(x, 3),
  min: x => tf.min(x),
  prod: x => tf.prod(tf.slice(x, [0, 0, 0, 0], [1, 2, 2, 2]), 3),
  logSumExp: x => tf.logSumExp(x, 3),
  softmax: x => tf.softmax(x),
  logSoftmax: x => tf.logSoftmax(x),
  'softmax of a convolution': x => tf.softmax(tf.conv2d(x, w4(1, 1, 4, 5), 1, 'same')),
  cumsum: x => tf.cumsum(x, 3),
  'cumsum backwards': x => tf.cumsum(x, 3, true, true),
  variance: x => tf.moments(x, [0, 1, 2]).variance,
  norm: x => tf.norm(x),
  'sum of a convolution': x => tf.sum(tf.conv2d(x, w4(3, 3, 4, 5), 1, 'same'), [0, 3]),
  'mean of a convolution': x => tf.mean(tf.conv2d(x, w4(3, 3, 4, 5), 1, 'same'), [1, 2]),
  'l2 normalization': x => tf.mul(x, tf.rsqrt(tf.sum(tf.square(x), 3, true))),
  'batch norm': x =>
    tf.batchNorm(x, w<Tensor1D>([4]), tf.square(w<Tensor1D>([4], 7)), w<Tensor1D>([4]), w<Tensor1D>([4], 6)),
  'batch norm by moments': x => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean as Tensor1D, variance as Tensor1D, w<Tensor1D>([4]), w<Tensor1D>([4], 6));
  },
  'layer norm': x => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  },
};

const filtered =
  (filter: Tensor4D, stride: number | [number, number], pad: 'same' | 'valid' | number): Differentiable =>
  x =>
    tf.conv2d(x, filter, stride, pad);

/** Convolutions; the gradient of the filter is taken by {@link filterGradients}. */
export const convolutions: Record<string, Differentiable> = {
  '3x3': x => filtered(w4(3, 3, 4, 5), 1, 'same')(x),
  '3x3 stride 2': x => filtered(w4(3, 3, 4, 5), 2, 'same')(x),
  '3x3 stride 2 valid': x => filtered(w4(3, 3, 4, 5), 2, 'valid')(x),
  '1x1': x => filtered(w4(1, 1, 4, 5), 1, 'same')(x),
  '1x1 stride 2': x => filtered(w4(1, 1, 4, 5), 2, 'same')(x),
  '5x5 stride 2 pad 2': x => filtered(w4(5, 5, 4, 5), 2, 2)(x),
  '3x3 pad 1': x => filtered(w4(3, 3, 4, 5), 1, 1)(x),
  '3x3 stride 2 pad 1': x => filtered(w4(3, 3, 4, 5), 2, 1)(x),
  '7x7 stride 2 pad 3': x => filtered(w4(7, 7, 4, 5), 2, 3)(x),
  '1x3': x => filtered(w4(1, 3, 4, 5), 1, 'same')(x),
  '2x2 padded by 2': x => filtered(w4(2, 2, 4, 5), 1, 2)(x),
  'uneven padding': x =>
    tf.conv2d(x, w4(3, 3, 4, 5), 1, [
      [0, 0],
      [1, 2],
      [0, 1],
      [0, 0],
    ]),
  '4x4 stride 3': x => filtered(w4(4, 4, 4, 5), 3, 'same')(x),
  'uneven stride': x => filtered(w4(3, 3, 4, 5), [2, 1], 'same')(x),
  transposed: x => tf.conv2dTranspose(x, w4(2, 2, 3, 4), [1, 16, 16, 3], 2, 'same'),
  depthwise: x => tf.depthwiseConv2d(x, w4(3, 3, 4, 1), 1, 'same'),
  'depthwise stride 2': x => tf.depthwiseConv2d(x, w4(3, 3, 4, 1), 2, 'same'),
  'depthwise, multiplied': x => tf.depthwiseConv2d(x, w4(3, 3, 4, 2), 2, 'same'),
  'depthwise, multiplied, stride 1': x => tf.depthwiseConv2d(x, w4(3, 3, 4, 2), 1, 'same'),
  separable: x => tf.separableConv2d(x, w4(3, 3, 4, 1), w4(1, 1, 4, 6), 1, 'same'),
  fused: x =>
    tf.fused.conv2d({ x, filter: w4(3, 3, 4, 5), strides: 1, pad: 'same', bias: w([5]), activation: 'relu' }) as Tensor,
  'two after each other': x => tf.conv2d(tf.relu(tf.conv2d(x, w4(3, 3, 4, 8), 1, 'same')), w4(3, 3, 8, 8), 2, 'same'),
  'wide blocks': x => {
    const wide = tf.relu(tf.conv2d(x, w4(3, 3, 4, 32), 1, 'same'));
    const half = tf.relu(tf.conv2d(wide, w4(3, 3, 32, 16), 2, 'same'));
    const sum = tf.add(half, tf.conv2d(wide, w4(1, 1, 32, 16), 2, 'same'));
    return tf.conv2d(sum as Tensor4D, w4(1, 1, 16, 32), 1, 'same');
  },
  'wide blocks, pad 1': x => {
    const wide = tf.conv2d(x, w4(3, 3, 4, 32), 1, 1);
    const half = tf.conv2d(wide, w4(3, 3, 32, 16), 2, 1);
    return tf.mean(tf.add(half, w([16])), [1, 2]);
  },
  'padded blocks': x => {
    const wide = tf.relu(tf.conv2d(x, w4(3, 3, 4, 30), 1, 'same'));
    const act = tf.add(tf.sigmoid(wide), tf.mul(tf.exp(tf.mul(wide, 0.1)), 0.5));
    const pooled = tf.maxPool(tf.add(act, w([30])) as Tensor4D, 2, 2, 'same');
    return tf.concat([tf.conv2d(pooled, w4(3, 3, 30, 15), 1, 1), tf.avgPool(wide as Tensor4D, 2, 2, 'same')], 3);
  },
  'wide depthwise': x => tf.depthwiseConv2d(tf.conv2d(x, w4(1, 1, 4, 32), 1, 'same'), w4(3, 3, 32, 1), 1, 'same'),
  'wide depthwise stride 2': x => tf.depthwiseConv2d(tf.conv2d(x, w4(1, 1, 4, 32), 1, 1), w4(3, 3, 32, 1), 2, 1),
  'wide pools': x => {
    const wide = tf.conv2d(x, w4(1, 1, 4, 32), 1, 'same');
    return tf.concat([tf.maxPool(wide, 2, 2, 'same'), tf.avgPool(wide, 2, 2, 'same')], 3);
  },
};

/** Pooling. */
export const pools: Record<string, Differentiable> = {
  'max 2': x => tf.maxPool(x, 2, 2, 'same'),
  'max 3 stride 2': x => tf.maxPool(x, 3, 2, 'same'),
  'max 3 stride 1': x => tf.maxPool(x, 3, 1, 'same'),
  'max 3 pad 1': x => tf.maxPool(x, 3, 2, 1),
  'avg 2': x => tf.avgPool(x, 2, 2, 'same'),
  'avg 3 stride 2 valid': x => tf.avgPool(x, 3, 2, 'valid'),
  'max of a convolution': x => tf.maxPool(tf.conv2d(x, w4(3, 3, 4, 6), 1, 'same'), 2, 2, 'valid'),
};

/** Images of other sizes. */
export const sizes: Record<string, Differentiable> = {
  'nearest, twice': x => tf.image.resizeNearestNeighbor(x, [16, 16]),
  'nearest, twice, of a convolution': x =>
    tf.image.resizeNearestNeighbor(tf.conv2d(x, w4(3, 3, 4, 30), 1, 1), [16, 24]),
  'nearest, uneven': x => tf.image.resizeNearestNeighbor(x, [11, 5]),
  'nearest, corners aligned': x => tf.image.resizeNearestNeighbor(x, [16, 12], true),
  bilinear: x => tf.image.resizeBilinear(x, [16, 13]),
  'bilinear, smaller': x => tf.image.resizeBilinear(x, [5, 3]),
  'bilinear, corners aligned': x => tf.image.resizeBilinear(x, [16, 16], true),
};

/** Products of matrices. */
export const products: Record<string, Differentiable> = {
  matMul: x => tf.matMul(tf.reshape(x, [8, 32]), w([32, 5])),
  'left transposed': x => tf.matMul(tf.reshape(x, [2, 16, 8]), tf.reshape(x, [2, 16, 8]), true, false),
  'right transposed, broadcast': x => tf.matMul(tf.reshape(x, [2, 4, 4, 8]), w([1, 4, 4, 8]), false, true),
  'both transposed': x => tf.matMul(tf.reshape(x, [8, 32]), w([5, 8]), true, true),
  'of a transpose': x => tf.matMul(tf.transpose(tf.reshape(x, [8, 32]) as Tensor2D), w([8, 5])),
  fused: x => tf.fused.matMul({ a: tf.reshape(x, [8, 32]), b: w([32, 5]), bias: w([5]), activation: 'relu' }),
};

/** Moving elements. */
export const shapes: Record<string, Differentiable> = {
  concat: x => tf.concat(tf.split(x, 2, 3).reverse(), 3),
  'concat of convolutions': x => tf.concat([tf.conv2d(x, w4(1, 1, 4, 3), 1, 'same'), x], 3),
  'concat of wide convolutions': x => {
    const wide = [32, 16, 48].map(n => tf.conv2d(x, w4(1, 1, 4, n), 1, 'same'));
    return tf.concat([...wide, tf.split(wide[2]!, 3, 3)[1]!], 3);
  },
  'concat of wide convolutions along other axes': x => {
    const wide = tf.conv2d(x, w4(1, 1, 4, 32), 1, 'same');
    return [0, 1, 2].reduce<Tensor>((y, axis) => tf.concat([y, y], axis), wide);
  },
  'slices of a wide convolution': x => {
    const wide = tf.conv2d(x, w4(1, 1, 4, 48), 1, 'same');
    const parts = [tf.slice(wide, [0, 0, 0, 16], [1, 8, 8, 32]), tf.slice(wide, [0, 2, 1, 16], [1, 4, 5, 16])];
    return tf.concat(
      [...parts, tf.slice(wide, [0, 0, 3, 8], [1, 8, 2, 16])].map(part => tf.reshape(part, [-1])),
      0,
    );
  },
  slice: x => tf.slice(x, [0, 1, 2, 0], [1, 4, 3, 2]),
  'slice of a convolution': x => tf.slice(tf.conv2d(x, w4(3, 3, 4, 5), 1, 'same'), [0, 1, 2, 1], [1, 4, 3, 2]),
  stack: x => tf.stack([x, tf.neg(x)], 2),
  unstack: x => tf.unstack(x, 3)[1]!,
  pad: x =>
    tf.pad(
      x,
      [
        [0, 0],
        [1, 2],
        [0, 1],
        [1, 0],
      ],
      0.5,
    ),
  tile: x => tf.tile(x, [2, 1, 3, 1]),
  transpose: x => tf.transpose(x, [0, 3, 1, 2]),
  'transpose of a convolution': x => tf.transpose(tf.conv2d(x, w4(3, 3, 4, 5), 1, 'same'), [3, 1, 0, 2]),
  'reshape of a convolution': x => tf.reshape(tf.conv2d(x, w4(3, 3, 4, 5), 1, 'same'), [8, 40]),
  'squeeze of a convolution': x => tf.squeeze(tf.conv2d(x, w4(3, 3, 4, 5), 1, 'same'), [0]),
  reverse: x => tf.reverse(x, [1]),
  gather: x => tf.gather(x, indices(0, 2, 2), 3),
  'gather of rows': x =>
    tf.gather(
      tf.reshape(x, [8, 32]),
      tf.tensor2d(
        [
          [0, 2],
          [2, 7],
        ],
        [2, 2],
        'int32',
      ),
    ),
  broadcastTo: x => tf.broadcastTo(tf.slice(x, [0, 0, 0, 0], [1, 8, 1, 4]), shape),
};

/** Lowered kernels whose results have no gradient, and integers. */
export const exact: Record<string, Case> = {
  oneHot: () => tf.oneHot(indices(0, 3, 1, 9), 4),
  'oneHot with values': () =>
    tf.oneHot(
      tf.tensor2d(
        [
          [0, 3],
          [-1, 2],
        ],
        [2, 2],
        'int32',
      ),
      4,
      2,
      -1,
    ),
  argMax: () => tf.argMax(image(), 3),
  'argMax of a convolution': () => tf.argMax(tf.conv2d(image(), w4(3, 3, 4, 5), 1, 'same'), 3),
  'argMax takes the first of equals': () => tf.argMax(list(1, 3, 3, 2)),
  argMin: () => tf.argMin(image(), 1),
  'equal integers': () => tf.equal(ints(), int(3)),
  'not equal': () => tf.notEqual(ints(), int(3)),
  less: () => tf.less(ints(), int(0)),
  'logical and': () => tf.logicalAnd(mask(), tf.logicalNot(mask())),
  'logical xor': () => tf.logicalXor(mask(), tf.equal(image(), image())),
  any: () => tf.any(mask()),
  all: () => tf.all(mask(), 1),
  isNaN: () => tf.isNaN(list(NaN, 1, Infinity)),
  isInf: () => tf.isInf(list(NaN, 1, -Infinity)),
  isFinite: () => tf.isFinite(list(NaN, 1, Infinity)),
  'add integers': () => tf.add(ints(), ints()),
  'large integers': () => tf.add(tf.mul(indices(16777217, -16777219, 33554435), int(3)), int(1)),
  'multiply integers': () => tf.mul(ints(), int(3)),
  'floorDiv of integers': () => tf.floorDiv(ints(), int(2)),
  'floorDiv of large integers': () => tf.floorDiv(indices(33554435, -33554435), int(2)),
  'mod of integers': () => tf.mod(ints(), int(4)),
  'sum of integers': () => tf.sum(ints(), 1),
  'mean of integers': () => tf.mean(ints()),
  'max of integers': () => tf.max(ints(), 0),
  'min of large integers': () => tf.min(indices(16777219, 16777217, 16777218)),
  'sum of bools': () => tf.sum(mask(), 3),
  'mean of bools': () => tf.mean(tf.cast(mask(), 'float32')),
  'float to int': () => tf.cast(list(1.9, -1.9, 2.5), 'int32'),
  'float to bool': () => tf.cast(list(0, 0.3, -2), 'bool'),
  'bool to float': () => tf.cast(mask(), 'float32'),
  'integer power': () => tf.pow(tf.abs(ints()), int(2)),
  'relu of integers': () => tf.relu(ints()),
  'clip integers': () => tf.clipByValue(ints(), -3, 4),
  'minimum of integers': () => tf.minimum(ints(), int(1)),
  'square integers': () => tf.square(ints()),
  'concat integers': () => tf.concat([ints(), ints()]),
  'pad integers': () =>
    tf.pad(ints(), [
      [1, 0],
      [0, 2],
    ]),
  'tile integers': () => tf.tile(ints(), [2, 2]),
  'where of integers': () => tf.where(tf.greater(ints(), int(0)), ints(), tf.neg(ints())),
  'where of bools': () => tf.where(mask(), tf.logicalNot(mask()), mask()),
  'concat bools': () => tf.concat([mask(), mask()], 1),
  'slice bools': () => tf.slice(mask(), [0, 1, 0, 0], [1, 2, 8, 4]),
  'cumsum of integers': () => tf.cumsum(ints(), 0),
  'gather integers': () => tf.gather(ints(), indices(2, 0)),
  gatherND: () => tf.gatherND(image(), tf.tensor2d([0, 1, 0, 7], [2, 2], 'int32')),
  stridedSlice: () => tf.stridedSlice(image(), [0, 0, 0, 0], [1, 8, 8, 4], [1, 2, 2, 1]),
  'stridedSlice backwards': () => tf.stridedSlice(image(), [0, 7, 5, 0], [1, 0, 1, 4], [1, -2, -1, 1]),
  einsum: () => tf.einsum('bhwc,ck->bhwk', image(), w([4, 3])),
  depthToSpace: () => tf.depthToSpace(image(), 2, 'NHWC'),
  'batch norm without scale': () => tf.batchNorm(image(), w<Tensor1D>([4]), tf.square(w<Tensor1D>([4], 7))),
  round: () => tf.round(list(0.5, 1.5, 2.5, -0.5, -1.5)),
  floor: () => tf.floor(list(-1.5, 1.5)),
  ceil: () => tf.ceil(list(-1.5, 1.5)),
  sign: () => tf.sign(list(-2, 0, 3)),
  'step of NaN-free values': () => tf.step(list(-2, 0, 3, 1e-30)),
  'relu of NaN': () => tf.relu(list(NaN, -1, 1)),
  'maximum with NaN': () => tf.maximum(list(NaN, 1), 0),
  'max of NaN': () => tf.max(list(NaN, 1, 2)),
  'division by zero': () => tf.div(list(1, -1, 0), 0),
  divNoNan: () => tf.divNoNan(list(1, -1, 0), list(0, 2, 0)),
  'powers of negatives': () => tf.pow(list(-2, 2), list(3, 0.5)),
  'log1p near zero': () => tf.log1p(list(1e-8, -1e-8, 1e-4, 0, Infinity, -1, -2)),
  'expm1 near zero': () => tf.expm1(list(1e-8, -1e-8, 1e-4, 0, Infinity, -Infinity, 3, -80, 100)),
  'mirrored pad': () =>
    tf.mirrorPad(
      image(),
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
      'reflect',
    ),
  'dilated convolution': () => tf.conv2d(image(), w4(3, 3, 4, 5), 1, 'same', 'NHWC', 2),
  conv1d: () => tf.conv1d(normal([2, 8, 4]) as tf.Tensor3D, w<tf.Tensor3D>([3, 4, 5]), 1, 'same'),
  'average pool with padding': () => tf.avgPool(image(), 3, 2, 'same'),
  'nothing added': () => tf.concat([tf.zeros([0, 3]), tf.ones([2, 3])]),
  linspace: () => tf.linspace(0, 1, 4),
  range: () => tf.range(0, 5),
  eye: () => tf.eye(3),
  fill: () => tf.add(tf.fill([2, 3], 4), tf.ones([2, 3])),
  zerosLike: () => tf.zerosLike(image()),
  topk: () => {
    const { values, indices: at } = tf.topk(tf.reshape(image(), [-1, 8]), 3);
    return [values, at];
  },
  'topk of equals': () => {
    const { values, indices: at } = tf.topk(indices(3, 1, 3, 2, 3), 4);
    return [values, at];
  },
  scatterND: () => tf.scatterND(tf.tensor2d([[1], [3], [1]], [3, 1], 'int32'), list(5, 6, 1), [5]),
  'scatterND of rows': () => tf.scatterND(tf.tensor2d([[2], [0]], [2, 1], 'int32'), w([2, 3, 2]), [3, 3, 2]),
  'resize by half-pixel centres': () => [
    tf.image.resizeNearestNeighbor(image(), [11, 5], false, true),
    tf.image.resizeBilinear(image(), [11, 5], false, true),
  ],
};

/** Kernels that are left to the cpu backend. */
export const others: Record<string, Case> = {
  'sum of nothing': () => tf.sum(tf.zeros([0, 3]), 0),
  'add to nothing': () => tf.add(tf.zeros([0, 3]), 1),
  'reshape strings': () => tf.reshape(tf.tensor1d(['a', 'bc']), [2, 1]),
  'slice strings': () => tf.slice(tf.tensor1d(['a', 'bc']), [1], [1]),
  unique: () => tf.unique(list(1, 1, 2)).values,
  'non-maximum suppression': () =>
    tf.image.nonMaxSuppression(tf.tensor2d([0, 0, 1, 1, 0, 0, 1, 1.1, 2, 2, 3, 3], [3, 4]), list(0.9, 0.8, 0.7), 3),
  'complex parts': () => [tf.real(tf.complex([1, 2], [3, 4])), tf.imag(tf.complex([1, 2], [3, 4]))],
  fft: () => tf.real(tf.spectral.fft(tf.complex([1, 2], [3, 4]))),
  'complex product': () => tf.imag(tf.mul(tf.complex([1, 2], [3, 4]), tf.complex([5, 6], [7, 8]))),
  dropout: () => tf.sum(tf.dropout(tf.ones([100]), 0.5, undefined, 3)),
  'response normalization': () => tf.localResponseNormalization(image()),
  'confusion matrix': () => tf.math.confusionMatrix(indices(0, 1, 1), indices(0, 1, 0), 2),
  atan2: () => tf.atan2(list(1, -1, 0), list(2, 2, -1)),
  'symmetric pad': () => tf.mirrorPad(list(1, 2, 3), [[1, 2]], 'symmetric'),
};
