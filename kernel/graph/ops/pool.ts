import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, size, type Work, type NodeView } from '../op.ts';
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

/** The mean over height and width: an image becomes a vector. */
export const globalAveragePool = defineOp({
  attributes: z.strictObject({}),
  roles: [],
  arity: [1, 1],
  shape({ id, inputs }) {
    if (inputs[0]!.length !== 3)
      throw new RangeError(
        `global-average-pool ${id}: needs an image [height, width, channels], got [${inputs[0]!.join(', ')}]`,
      );
    return [channelsOf(inputs[0]!)];
  },
  couple: (_node, [input]) => input!,
  forward: (_node, [x]) => tf.mean(x!, [1, 2]),
  work: visits,
  onnx: (_node, [x], writer) => writer.op('Flatten', [writer.op('GlobalAveragePool', [x!])]),
});
