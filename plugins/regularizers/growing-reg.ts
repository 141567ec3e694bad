import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineRegularizer } from '../../kernel/plugin.ts';
import { UnitDecay } from '../../kernel/prune/unit-decay.ts';

const options = z.object({
  reg: z.number().positive().default(1e-4).describe('factor of the penalty in the first epoch'),
  delta: z.number().positive().default(1e-5).describe('what the weakest unit of a group gets on top in each epoch'),
});

/**
 * Decay with a factor for each unit, which grows once an epoch, most for the weakest: with S the sum of squares of a
 * unit, `lambda += delta * (Smax - S) / (Smax - Smin + 1e-8)`; gradient `lambda * w`.
 */
export const growingReg = defineRegularizer<z.infer<typeof options>>({
  id: 'growing-reg',
  title: 'decay that grows from epoch to epoch, most for weak units',
  paper: 'Wang et al. 2021, Neural Pruning via Growing Regularization',
  options,
  start({ groups }, { reg, delta }) {
    const decay = new UnitDecay(groups);
    const lambdas = groups.map(({ units }) => tf.tidy(() => tf.variable(tf.fill([units], reg), false)));
    return {
      slots: new Map(groups.map(({ id }, g) => [`lambda/${id}`, lambdas[g]!])),
      gradients: (parameters, { epoch, epochs, step, steps }) =>
        decay.gradients(parameters, (squares, g) => {
          const lambda = lambdas[g]!;
          if (epoch > 0 && step % (steps / epochs) === 0) lambda.assign(tf.add(lambda, growth(squares, delta)));
          return lambda as unknown as tf.Tensor1D;
        }),
    };
  },
});

function growth(squares: tf.Tensor1D, delta: number): tf.Tensor {
  const largest = tf.max(squares);
  const range = tf.add(tf.sub(largest, tf.min(squares)), 1e-8);
  return tf.mul(tf.div(tf.sub(largest, squares), range), delta);
}
