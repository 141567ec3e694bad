import { defineCriterion } from '../../kernel/plugin.ts';

/** Sum of Euclidean distances to the other slices. */
export const fpgm = defineCriterion({
  id: 'fpgm',
  title: 'distance to the geometric median',
  paper: 'He et al. 2019, Filter Pruning via Geometric Median for Deep Convolutional Neural Networks Acceleration',
  scores: ({ role }) => role === 'out' || role === 'in',
  pair: (a, b, ab) => Math.sqrt(Math.max(0, a + b - 2 * ab)),
});
