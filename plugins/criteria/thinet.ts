import { defineCriterion } from '../../kernel/plugin.ts';
import { reconstruction } from './reconstruction.ts';

/**
 * The turn in which a unit goes, when each time the one goes that adds least to the squared sum of all contributions
 * that are gone.
 */
export const thinet = defineCriterion({
  id: 'thinet',
  title: 'greedy reconstruction of what the next layers compute',
  paper: 'Luo et al. 2017, ThiNet: A Filter Level Pruning Method for Deep Neural Network Compression',
  ...reconstruction(greedy),
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
