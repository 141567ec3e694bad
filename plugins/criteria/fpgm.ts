import * as tf from '@tensorflow/tfjs';
import { defineCriterion } from '../../kernel/plugin.ts';

/** Sum of Euclidean distances to the other slices, from one Gram matrix. */
export const fpgm = defineCriterion({
  id: 'fpgm',
  title: 'distance to the geometric median',
  paper: 'He et al. 2019, Filter Pruning via Geometric Median for Deep Convolutional Neural Networks Acceleration',
  scores: ({ role }) => role === 'out' || role === 'in',
  local: slices => {
    const gram = tf.matMul(slices, slices, false, true);
    const squares = tf.sum(tf.square(slices), 1);
    const distances = tf.sub(tf.add(tf.expandDims(squares, 1), squares), tf.mul(gram, 2));
    return tf.sum(tf.sqrt(tf.maximum(distances, 0)), 1);
  },
});
