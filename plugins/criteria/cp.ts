import { z } from 'zod';
import { defineCriterion } from '../../kernel/plugin.ts';
import { lassoEntries } from './lasso.ts';
import { reconstruction, reconstructionOptions } from './reconstruction.ts';
import { refit } from './refit.ts';

const options = reconstructionOptions.extend({
  refit: z.boolean().default(false).describe('whether the layers that read pruned units are fitted anew at the end'),
  refitPositions: z.int().positive().default(50).describe('sampled outputs per image and layer for that'),
});

/**
 * The penalty at which a unit drops out, when factors of units are fitted to what the layers that read them compute,
 * under a penalty on the factors' absolute values (LASSO). With `refit`, all weights of the layers that read units which
 * are gone are then fitted to what these layers computed.
 */
export const cp = defineCriterion<z.infer<typeof options>>({
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
  options,
  finish: async (ending, { refit: wanted, refitPositions: positions }) =>
    wanted ? refit(ending, { positions }) : new Map(),
});
