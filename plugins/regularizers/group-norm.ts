import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineRegularizer } from '../../kernel/plugin.ts';
import { UnitDecay } from '../../kernel/prune/unit-decay.ts';

const options = z.object({ reg: z.number().positive().default(1e-4).describe('weight of the penalty') });

/**
 * Decay that is 1 for the strongest unit of a group and 16 times as strong for the weakest: with I the Euclidean norm of
 * a unit, `2 ** (4 (Imax - I) / (Imax - Imin))`; gradient `reg * that * w`. Where all are equal it is 1.
 */
export const groupNorm = defineRegularizer<z.infer<typeof options>>({
  id: 'group-norm',
  title: 'decay that grows as the norm of a unit falls behind',
  paper: 'Fang et al. 2023, DepGraph: Towards Any Structural Pruning',
  options,
  start({ groups }, { reg }) {
    const decay = new UnitDecay(groups);
    return {
      gradients: parameters =>
        decay.gradients(parameters, squares => {
          const norms = tf.sqrt(squares);
          const largest = tf.max(norms);
          const range = tf.sub(largest, tf.min(norms));
          // Without a range there is nothing to tell units apart by: 0 / 1.
          const behind = tf.div(tf.sub(largest, norms), tf.add(range, tf.cast(tf.equal(range, 0), 'float32')));
          return tf.mul(tf.exp(tf.mul(behind, 4 * Math.LN2)), reg);
        }),
    };
  },
});
