import type { Ranked } from '../plugin.ts';

/** Positions of the `count` lowest scores, in their order; of equal ones the first are taken. */
export function lowest(scores: Float64Array, count: number): number[] {
  if (count <= 0) return [];
  const threshold = scores.slice().sort()[count - 1]!;
  let ties = count;
  for (const score of scores) if (score < threshold) ties--;
  const positions: number[] = [];
  scores.forEach((score, position) => {
    if (score < threshold || (score === threshold && ties-- > 0)) positions.push(position);
  });
  return positions;
}

/**
 * Units per group after a ranking over all groups, until `left` of all original units are left: the lowest score goes
 * first, of equal ones the one in the earlier group. A group keeps at least `floor` of its units, and never less than
 * one.
 */
export function rankTogether(groups: readonly Ranked[], left: number, floor: (group: Ranked) => number): number[] {
  const alive = groups.map(group => group.scores.length);
  const total = groups.reduce((n, group) => n + group.original, 0);
  const toRemove = alive.reduce((a, b) => a + b, 0) - Math.round(total * left);
  if (toRemove <= 0) return alive;
  // A group can lose its lowest units only, down to its floor.
  const removable = groups.map((group, g) => {
    const least = Math.min(alive[g]!, Math.max(1, floor(group)));
    return group.scores
      .slice()
      .sort()
      .subarray(0, alive[g]! - least);
  });
  const candidates = new Float64Array(removable.reduce((n, scores) => n + scores.length, 0));
  let at = 0;
  for (const scores of removable) {
    candidates.set(scores, at);
    at += scores.length;
  }
  if (toRemove >= candidates.length) return removable.map((scores, g) => alive[g]! - scores.length);
  const threshold = candidates.sort()[toRemove - 1]!;
  const below = removable.map(scores => firstAtLeast(scores, threshold));
  let ties = toRemove - below.reduce((a, b) => a + b, 0);
  return removable.map((scores, g) => {
    let gone = below[g]!;
    for (; ties > 0 && gone < scores.length && scores[gone] === threshold; ties--) gone++;
    return alive[g]! - gone;
  });
}

/** Position of the first value that is not below `threshold` in ascending values. */
function firstAtLeast(values: Float64Array, threshold: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The number of kept units as a multiple of `to`, the nearest one, never none and never more than there are. */
export function roundKept(keep: number, alive: number, to: number): number {
  const rounded = to <= 1 ? keep : Math.max(to, Math.round(keep / to) * to);
  return Math.min(Math.max(1, rounded), alive);
}
