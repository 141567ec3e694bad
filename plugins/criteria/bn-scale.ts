import { defineCriterion } from '../../kernel/plugin.ts';

/** Scores BatchNorm members only, so that a group without one stays whole. */
export const bnScale = defineCriterion({
  id: 'bn-scale',
  title: 'absolute scale of batch norm',
  paper: 'Liu et al. 2017, Learning Efficient Convolutional Networks through Network Slimming',
  scores: ({ role, op }) => role === 'scale' && op === 'batch-norm',
  element: Math.abs,
});
