import { z } from 'zod';
import { defineCriterion } from '../../kernel/plugin.ts';
import { contributionProducts } from '../../kernel/prune/contributions.ts';
import { lassoEntries } from './lasso.ts';

const options = z.object({
  positions: z.int().positive().default(10).describe('sampled outputs per image of every layer that reads a unit'),
});

/**
 * The penalty at which a unit drops out, when factors of units are fitted to what the layers that read them compute,
 * under a penalty on the factors' absolute values (LASSO). The paper prunes one layer at a time by its only reader; what
 * it means for groups is ours.
 */
export const cp = defineCriterion<z.infer<typeof options>>({
  id: 'cp',
  title: 'LASSO selection of channels by what the next layers compute',
  paper: 'He et al. 2017, Channel Pruning for Accelerating Very Deep Neural Networks',
  options,
  scores: ({ role }) => role === 'in',
  async estimate(calibration, { positions }) {
    const products = await contributionProducts(calibration, { positions });
    const entries = [...products].map(([group, gram]) => {
      const units = Math.sqrt(gram.length);
      // The target is the sum of all contributions.
      const target = Float64Array.from({ length: units }, (_, unit) =>
        gram.subarray(unit * units, (unit + 1) * units).reduce((a, b) => a + b, 0),
      );
      return [group, lassoEntries(gram, target)] as const;
    });
    return { units: new Map(entries) };
  },
});
