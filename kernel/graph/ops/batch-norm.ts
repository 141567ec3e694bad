import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, size } from '../op.ts';
import { squaredScale } from './per-sample.ts';
import { native } from '../../own-kernels.ts';

const attributes = z.strictObject({
  epsilon: z.number().positive(),
  /** Share of the batch's statistics in the running ones, as in PyTorch. */
  momentum: z.number().min(0).max(1),
});

/** Batch normalisation over all axes but the last. The running variance is the unbiased one, as in PyTorch. */
export const batchNorm = defineOp<z.infer<typeof attributes>>({
  attributes,
  roles: ['scale', 'offset', 'mean', 'variance'],
  arity: [1, 1],
  shape({ id, inputs, parameters }) {
    const channels = channelsOf(inputs[0]!);
    for (const [role, [n]] of Object.entries(parameters))
      if (n !== channels) throw new RangeError(`batch-norm ${id}: ${channels} input channels, ${role} has ${n}`);
    return inputs[0]!;
  },
  couple({ names }, [input], coupling) {
    coupling.place(names.scale!, 0, 'scale', input!.ids);
    coupling.place(names.offset!, 0, 'offset', input!.ids);
    coupling.place(names.mean!, 0, 'statistic', input!.ids);
    coupling.place(names.variance!, 0, 'statistic', input!.ids);
    return { ids: input!.ids, zero: true };
  },
  forward({ attributes: { epsilon, momentum }, names }, [x], { scale, offset, mean, variance }, mode) {
    if (!mode.training) return infer(x!, scale!, offset!, mean!, variance!, epsilon);
    const [y, batchMean, batchVariance] = normalize(x!, scale!, offset!, epsilon);
    if (mode.update) {
      const share = mode.momentum ?? momentum;
      const count = x!.size / channelsOf(x!.shape);
      const blend = (role: string, old: tf.Tensor, value: tf.Tensor, correction: number) => {
        const [keep, take] = [1 - share, share * correction];
        const blended = native('Blend', { old, value }, { keep, take }) as tf.Tensor | undefined;
        mode.update!(names[role]!, blended ?? tf.add(tf.mul(old, keep), tf.mul(value, take)));
      };
      blend('mean', mean!, batchMean, 1);
      blend('variance', variance!, batchVariance, count > 1 ? count / (count - 1) : 1);
    }
    return y;
  },
  work: (_node, output) => ({ plain: 0, extra: 2 * size(output) }),
  squaredGradients({ attributes: { epsilon } }, [x], { mean, variance }, dy) {
    return { scale: squaredScale(tf.mul(tf.sub(x!, mean!), tf.rsqrt(tf.add(variance!, epsilon))), dy) };
  },
  onnx: ({ attributes: { epsilon }, names }, [x], writer) =>
    writer.op(
      'BatchNormalization',
      [x!, ...['scale', 'offset', 'mean', 'variance'].map(role => writer.parameter(names[role]!))],
      { epsilon },
    ),
});

/** Normalised by running statistics; with a gradient of its own, since that of tfjs spreads them over the whole image. */
function infer(
  input: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  const normalize = tf.customGrad((...args: unknown[]) => {
    const [x, gamma, beta, save] = args as [tf.Tensor, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    save([x, gamma]);
    return {
      value: tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, beta, gamma, epsilon),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, gamma] = saved as [tf.Tensor, tf.Tensor];
        const factor = tf.rsqrt(tf.add(variance, epsilon));
        const places = [...x.shape.keys()].slice(0, -1);
        const ofScale = tf.mul(tf.sum(tf.mul(dy, tf.sub(x, mean)), places), factor);
        return [tf.mul(dy, tf.mul(gamma, factor)), ofScale, tf.sum(dy, places)];
      },
    };
  });
  return normalize(input, scale, offset);
}

/** Output, batch mean and biased batch variance; one kernel where the backend has one, with its own gradient. */
function normalize(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const outputs = native('TrainingBatchNorm', { x, scale, offset }, { epsilon });
  if (outputs) return outputs as [tf.Tensor, tf.Tensor, tf.Tensor];
  const { mean, variance } = tf.moments(x, [...x.shape.keys()].slice(0, -1));
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
  return [tf.add(tf.mul(tf.sub(x, mean), factor), offset), mean, variance];
}
