import * as tf from '@tensorflow/tfjs';
import { constant, type Corners } from './boxes.ts';

/** Bins of the distribution over the distance of a side, in strides: 0 to 15. */
export const bins = 16;
/** Values of an anchor before its class logits: a distribution for each of left, top, right, bottom. */
export const sides = 4 * bins;

/** Stride of a level of the network's outputs, the finest first: 8, 16, 32. */
export const strideOf = (level: number): number => 8 * 2 ** level;

/** Places at which a network predicts, those of all levels one after another, row by row. */
export interface Anchors {
  readonly count: number;
  /** Centres in pixels. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly stride: Float32Array;
}

/** Checks the outputs, `[batch, height, width, 64 + classes]` per level, and returns what they have in common. */
export function sizesOf(outputs: readonly tf.Tensor[], images: number): { classes: number; sizes: [number, number][] } {
  const [first] = outputs;
  if (!first) throw new Error('detection: the network has no outputs');
  const channels = first.shape[3] ?? 0;
  const sizes = outputs.map(({ shape }, level): [number, number] => {
    const [batch, height, width, depth] = shape as [number, number, number, number];
    const expected = first.shape.slice(1, 3).map(size => size / 2 ** level);
    if (shape.length !== 4 || batch !== images || depth !== channels || channels <= sides)
      throw new RangeError(
        `detection: output ${level + 1} is [${shape.join(', ')}], needs [${images}, height, width, ${sides} + classes]`,
      );
    if (height !== expected[0] || width !== expected[1])
      throw new RangeError(
        `detection: output ${level + 1} is ${height} x ${width}, needs ${expected.join(' x ')}: half of the level before`,
      );
    return [height, width];
  });
  return { classes: channels - sides, sizes };
}

export function anchorsOf(sizes: readonly (readonly [height: number, width: number])[]): Anchors {
  const count = sizes.reduce((sum, [height, width]) => sum + height * width, 0);
  const [x, y, stride] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
  let at = 0;
  sizes.forEach(([height, width], level) => {
    const step = strideOf(level);
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++, at++) {
        x[at] = (column + 0.5) * step;
        y[at] = (row + 0.5) * step;
        stride[at] = step;
      }
  });
  return { count, x, y, stride };
}

/** All levels as `[batch, anchors, 64 + classes]`. */
export function joined(outputs: readonly tf.Tensor[]): tf.Tensor3D {
  const [batch, , , channels] = outputs[0]!.shape as [number, number, number, number];
  return tf.concat(
    outputs.map(output => tf.reshape(output, [batch, -1, channels]) as tf.Tensor3D),
    1,
  );
}

/** Expected distances to left, top, right and bottom in strides, `[..., 4]`, from logits `[..., 4, 16]`. */
export function distances(logits: tf.Tensor): tf.Tensor {
  const values = constant(() => tf.range(0, bins));
  return tf.sum(tf.mul(tf.softmax(logits), values), -1);
}

/** Boxes around centres; all in the same unit. `distances` is `[..., 4]`, centres have its shape without the last axis. */
export function boxesAround(x: tf.Tensor, y: tf.Tensor, distances: tf.Tensor): Corners {
  const [left, top, right, bottom] = tf.unstack(distances, -1);
  return { left: tf.sub(x, left!), top: tf.sub(y, top!), right: tf.add(x, right!), bottom: tf.add(y, bottom!) };
}
