import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineRegularizer } from '../../kernel/plugin.ts';

const options = z.object({ reg: z.number().positive().default(1e-5).describe('weight of the penalty') });

/** L1 penalty on the scale of every batch norm: gradient `reg * sign(scale)`. */
export const bnScale = defineRegularizer<z.infer<typeof options>>({
  id: 'bn-scale',
  title: 'sparse scales of batch norm',
  paper: 'Liu et al. 2017, Learning Efficient Convolutional Networks through Network Slimming',
  options,
  acts: ({ role, op }) => role === 'scale' && op === 'batch-norm',
  start({ graph }, { reg }) {
    const scales = graph.nodes.filter(node => node.op === 'batch-norm').map(node => node.parameters.scale!);
    return {
      gradients: parameters =>
        Object.fromEntries(scales.map(name => [name, tf.mul(tf.sign(parameters.get(name)!), reg)])),
    };
  },
});
