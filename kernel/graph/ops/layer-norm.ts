import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, size } from '../op.ts';
import { squaredScale } from './per-sample.ts';
import { native } from '../../own-kernels.ts';

const attributes = z.strictObject({ epsilon: z.number().positive() });

function normalized(x: tf.Tensor, epsilon: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
}

/** Layer normalisation over the last axis; its statistics are those of the channels that are there. */
export const layerNorm = defineOp<z.infer<typeof attributes>>({
  attributes,
  roles: ['scale', 'offset'],
  arity: [1, 1],
  shape({ id, inputs, parameters }) {
    const channels = channelsOf(inputs[0]!);
    for (const [role, [n]] of Object.entries(parameters))
      if (n !== channels) throw new RangeError(`layer-norm ${id}: ${channels} input channels, ${role} has ${n}`);
    return inputs[0]!;
  },
  couple({ id, names }, [input], coupling) {
    coupling.consume(input!, `layer-norm ${id}`);
    coupling.place(names.scale!, 0, 'scale', input!.ids);
    coupling.place(names.offset!, 0, 'offset', input!.ids);
    return { ids: input!.ids, zero: true };
  },
  forward({ attributes: { epsilon } }, [x], { scale, offset }) {
    const y = native('LayerNorm', { x: x!, scale: scale!, offset: offset! }, { epsilon });
    if (y) return y as tf.Tensor;
    return tf.add(tf.mul(normalized(x!, epsilon), scale!), offset!);
  },
  work: (_node, output) => ({ plain: 0, extra: 2 * size(output) }),
  squaredGradients: ({ attributes: { epsilon } }, [x], _parameters, dy) => ({
    scale: squaredScale(normalized(x!, epsilon), dy),
  }),
  onnx({ attributes: { epsilon }, inputs, names }, [x], writer) {
    const norm = (value: string) =>
      writer.op('LayerNormalization', [value, writer.parameter(names.scale!), writer.parameter(names.offset!)], {
        axis: -1,
        epsilon,
      });
    if (inputs[0]!.length !== 3) return norm(x!);
    const last = norm(writer.op('Transpose', [x!], { perm: [0, 2, 3, 1] }));
    return writer.op('Transpose', [last], { perm: [0, 3, 1, 2] });
  },
});
