import { z } from 'zod';
import { defineCriterion } from '../../kernel/plugin.ts';
import { contributionProducts } from '../../kernel/prune/contributions.ts';

const options = z.object({
  positions: z.int().positive().default(10).describe('sampled outputs per image of every layer that reads a unit'),
});

/**
 * The turn in which a unit goes, when each time the one goes that adds least to the squared sum of all contributions
 * that are gone. Layers that read a unit add up. The paper prunes one layer at a time by its only reader; what it means
 * for groups is ours.
 */
export const thinet = defineCriterion<z.infer<typeof options>>({
  id: 'thinet',
  title: 'greedy reconstruction of what the next layers compute',
  paper: 'Luo et al. 2017, ThiNet: A Filter Level Pruning Method for Deep Neural Network Compression',
  options,
  scores: ({ role }) => role === 'in',
  async estimate(calibration, { positions }) {
    const products = await contributionProducts(calibration, { positions });
    return { units: new Map([...products].map(([group, gram]) => [group, greedy(gram)])) };
  },
});

/** Turns from 1 on in which units go, from the inner products of their contributions, `[units, units]`. */
export function greedy(gram: Float64Array): Float64Array {
  const units = Math.sqrt(gram.length);
  const turns = new Float64Array(units);
  /** Inner products with the sum of all that are gone. */
  const gone = new Float64Array(units);
  for (let turn = 1; turn <= units; turn++) {
    let next = -1;
    let least = Infinity;
    for (let unit = 0; unit < units; unit++) {
      const cost = 2 * gone[unit]! + gram[unit * units + unit]!;
      if (turns[unit] === 0 && (next < 0 || cost < least)) [next, least] = [unit, cost];
    }
    turns[next] = turn;
    for (let unit = 0; unit < units; unit++) gone[unit]! += gram[next * units + unit]!;
  }
  return turns;
}
