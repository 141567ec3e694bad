import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineOp, free, imageSizes } from '../op.ts';
import { pairOf } from './window.ts';

const attributes = z.strictObject({ scale: pairOf });

/** An image whose every place is repeated `scale` times along height and width (nearest neighbour). */
export const upsample = defineOp<z.infer<typeof attributes>>({
  attributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { scale }, inputs: [x] }) {
    const [height, width, channels] = imageSizes(`upsample ${id}`, x!);
    return [height * scale[0], width * scale[1], channels];
  },
  couple: (_node, [input]) => input!,
  forward({ attributes: { scale } }, [x]) {
    const window = [...scale] as [number, number];
    const [height, width] = x!.shape.slice(1, 3) as [number, number];
    // The sum over a place's repetitions, since tfjs's own gradient on cpu is wrong from the second image on.
    const sum = (dy: tf.Tensor) => tf.mul(tf.avgPool(dy as tf.Tensor4D, window, window, 'valid'), scale[0] * scale[1]);
    const enlarge = tf.customGrad(image => ({
      value: tf.image.resizeNearestNeighbor(image as tf.Tensor4D, [height * scale[0], width * scale[1]]),
      gradFunc: sum,
    }));
    return enlarge(x!);
  },
  work: () => free,
  onnx: ({ attributes: { scale } }, [x], writer) =>
    writer.op('Resize', [x!, '', writer.constant(Float32Array.of(1, 1, ...scale), [4])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
});
