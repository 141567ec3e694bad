import { defineCriterion } from '../../kernel/plugin.ts';

export const lamp = defineCriterion({
  id: 'lamp',
  title: "a unit's squared weights as a share of those of all units that are not smaller",
  paper: 'Lee et al. 2021, Layer-adaptive Sparsity for the Magnitude-based Pruning',
  normalize: 'lamp',
  element: w => w * w,
});
