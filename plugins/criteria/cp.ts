import { defineCriterion } from '../../kernel/plugin.ts';
import { lassoEntries } from './lasso.ts';
import { reconstruction } from './reconstruction.ts';

/**
 * The penalty at which a unit drops out, when factors of units are fitted to what the layers that read them compute,
 * under a penalty on the factors' absolute values (LASSO).
 */
export const cp = defineCriterion({
  id: 'cp',
  title: 'LASSO selection of channels by what the next layers compute',
  paper: 'He et al. 2017, Channel Pruning for Accelerating Very Deep Neural Networks',
  ...reconstruction(products => {
    const units = Math.sqrt(products.length);
    // The target is the sum of all contributions.
    const target = Float64Array.from({ length: units }, (_, unit) =>
      products.subarray(unit * units, (unit + 1) * units).reduce((a, b) => a + b, 0),
    );
    return lassoEntries(products, target);
  }),
});
