import * as tf from '@tensorflow/tfjs';

/** Values of an intermediate product that are in memory at a time. */
const atOnce = 1 << 25;

/** Values `[batch, ...places, channels]` as `[batch, groups, places, channels / groups]`. */
export function perGroupOf(x: tf.Tensor, groups: number): tf.Tensor4D {
  const [batch, channels] = [x.shape[0]!, x.shape[x.rank - 1]!];
  const places = x.size / (batch * channels);
  if (groups === 1) return tf.reshape(x, [batch, 1, places, channels]);
  return tf.transpose(tf.reshape(x, [batch, places, groups, channels / groups]), [0, 2, 1, 3]);
}

/**
 * The gradient of a kernel is, for each sample, a sum over places of products of what was read and the gradient of what
 * came out; this is the sum over samples of its squares.
 * @param x `[batch, groups, places, in]`
 * @param dy `[batch, groups, places, out]`
 * @returns `[groups, in, out]`
 */
export function sumOfSquares(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor3D {
  const [batch, groups, places, input] = x.shape;
  const output = dy.shape[3];
  if (places === 1) {
    const rows = (y: tf.Tensor4D) => tf.transpose(tf.square(tf.squeeze<tf.Tensor3D>(y, [2])), [1, 0, 2]);
    return tf.matMul(rows(x), rows(dy), true, false);
  }
  const samples = Math.max(1, Math.floor(atOnce / (groups * input * output)));
  const parts: tf.Tensor3D[] = [];
  for (let from = 0; from < batch; from += samples) {
    const some = (y: tf.Tensor4D) => tf.slice(y, from, Math.min(samples, batch - from));
    parts.push(tf.sum(tf.square(tf.matMul(some(x), some(dy), true, false)), 0));
  }
  return tf.addN(parts);
}

/** The same for the scale of a norm, whose gradient is the sum over places of normalised input times gradient. */
export function squaredScale(normalized: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const products = tf.mul(normalized, dy);
  const axes = [...products.shape.keys()].slice(1, -1);
  return tf.sum(tf.square(axes.length > 0 ? tf.sum(products, axes) : products), 0);
}
