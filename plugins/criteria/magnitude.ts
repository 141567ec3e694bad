import { defineCriterion } from '../../kernel/plugin.ts';

const paper = 'Li et al. 2017, Pruning Filters for Efficient ConvNets';

export const magnitudeL1 = defineCriterion({
  id: 'magnitude-l1',
  title: 'sum of absolute weights',
  paper,
  element: Math.abs,
});

export const magnitudeL2 = defineCriterion({
  id: 'magnitude-l2',
  title: 'sum of squared weights',
  paper,
  element: w => w * w,
});
