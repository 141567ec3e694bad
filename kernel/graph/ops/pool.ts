import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, integers, type NodeView, size, type Work } from '../op.ts';
import { isPadded, onnxPads, padded, paddedFor, pairOf, windowAttributes, windowed } from './window.ts';

const attributes = z.strictObject({ ...windowAttributes, kernel: pairOf });
type PoolAttributes = z.infer<typeof attributes>;

type Pool = (x: tf.Tensor, attributes: PoolAttributes) => tf.Tensor;

const pool = (name: 'max-pool' | 'average-pool', f: Pool, type: string) =>
  defineOp<PoolAttributes>({
    attributes,
    roles: [],
    arity: [1, 1],
    shape: ({ id, attributes: a, inputs }) => [
      ...windowed(`${name} ${id}`, inputs[0]!, a.kernel, a),
      channelsOf(inputs[0]!),
    ],
    couple: (_node, [input]) => input!,
    forward: ({ attributes }, [x]) => f(x!, attributes),
    work: visits,
    onnx: ({ attributes: a }, [x], writer) =>
      writer.op(type, [x!], { kernel_shape: a.kernel, strides: a.stride, pads: onnxPads(a) }),
  });

/** Torch-Pruning counts one operation per element that a pool reads. */
function visits({ inputs }: NodeView<unknown>): Work {
  return { plain: 0, extra: size(inputs[0]!) };
}

export const maxPool = pool(
  'max-pool',
  (image, a) => {
    const [x, padding] = paddedFor(image, a, -Infinity);
    return tf.maxPool(x, [...a.kernel], [...a.stride], padding);
  },
  'MaxPool',
);

/**
 * The mean over the places of the window that lie in the image. The image is padded here, since tfjs's own gradient
 * counts the places outside as well.
 */
export const averagePool = pool(
  'average-pool',
  (image, a) => {
    const average = (x: tf.Tensor) => tf.avgPool(padded(x, a), [...a.kernel], [...a.stride], 'valid');
    if (!isPadded(a)) return average(image);
    return tf.div(average(image), average(tf.ones([1, ...image.shape.slice(1, 3), 1])));
  },
  'AveragePool',
);

/** The mean over all places: an image or tokens become a vector. */
export const globalAveragePool = defineOp({
  attributes: z.strictObject({}),
  roles: [],
  arity: [1, 1],
  shape({ id, inputs: [x] }) {
    if (x!.length !== 3 && x!.length !== 2)
      throw new RangeError(
        `global-average-pool ${id}: needs [height, width, channels] or [tokens, channels], got [${x!.join(', ')}]`,
      );
    return [channelsOf(x!)];
  },
  couple: (_node, [input]) => input!,
  forward: ({ inputs: [shape] }, [x]) => tf.mean(x!, shape!.length === 3 ? [1, 2] : 1),
  work: visits,
  onnx: ({ inputs: [shape] }, [x], writer) =>
    shape!.length === 3
      ? writer.op('Flatten', [writer.op('GlobalAveragePool', [x!])])
      : writer.op('ReduceMean', [x!, integers([1], writer)], { keepdims: 0 }),
});
