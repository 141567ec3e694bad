import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineRegularizer } from '../../kernel/plugin.ts';
import { UnitDecay, weightsPerUnit } from '../../kernel/prune/unit-decay.ts';

const options = z.object({
  reg: z
    .number()
    .positive()
    .optional()
    .describe('weight of the penalty (default 1e-4, and 1e-5 where it is over scales of norms alone)'),
  epsilon: z.number().positive().default(1e-8).describe('added to the norm of a unit'),
});

/**
 * Penalty `reg * sum over units of sqrt(p) * norm`, with p weights in a unit and the Euclidean norm over all of them:
 * gradient `reg * sqrt(p) * w / (norm + epsilon)`.
 */
export const groupLasso = defineRegularizer<z.infer<typeof options>>({
  id: 'group-lasso',
  title: 'norms of whole units, so that they vanish together',
  paper: 'Yuan and Lin 2006, Model Selection and Estimation in Regression with Grouped Variables',
  options,
  start({ graph, groups }, { epsilon, ...given }) {
    const onlyScales = groups.every(({ members }) => members.every(({ role }) => role === 'scale'));
    const reg = given.reg ?? (onlyScales ? 1e-5 : 1e-4);
    const decay = new UnitDecay(groups);
    const weights = groups.map(group =>
      weightsPerUnit(group, name => graph.parameters.get(name)!.size).map(p => reg * Math.sqrt(p)),
    );
    return {
      gradients: parameters =>
        decay.gradients(parameters, (squares, g) => tf.div(weights[g]!, tf.add(tf.sqrt(squares), epsilon))),
    };
  },
});
