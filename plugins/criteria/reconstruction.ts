import { z } from 'zod';
import type { Calibration, Estimate, MemberView } from '../../kernel/plugin.ts';
import { contributionProducts } from '../../kernel/prune/contributions.ts';

export const reconstructionOptions = z.object({
  positions: z.int().positive().default(10).describe('sampled outputs per image of every layer that reads a unit'),
});
type Options = z.infer<typeof reconstructionOptions>;

/**
 * What criteria have in common that score units by how much layers that read them depend on them: scores of a group's
 * units follow from the inner products of their contributions, `[units, units]`. Layers that read a unit add up. The
 * papers prune one layer at a time by its only reader; what that means for groups is ours.
 */
export const reconstruction = (scores: (products: Float64Array) => Float64Array) => ({
  options: reconstructionOptions,
  scores: ({ role }: MemberView) => role === 'in',
  async estimate(calibration: Calibration, { positions }: Options): Promise<Estimate> {
    const products = await contributionProducts(calibration, { positions });
    return { units: new Map([...products].map(([group, own]) => [group, scores(own)])) };
  },
});
