import type { Ranked } from '../plugin.ts';

/** Positions of the `count` lowest scores, in their order; of equal ones the first are taken. */
export function lowest(scores: Float64Array, count: number): number[] {
  if (count <= 0) return [];
  const threshold = lowestFirst(scores.slice(), count)[count - 1]!;
  let ties = count - countUpTo(scores, threshold).below;
  const positions: number[] = [];
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position]!;
    if (score < threshold || (score === threshold && ties-- > 0)) positions.push(position);
  }
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
    const count = alive[g]! - Math.min(alive[g]!, Math.max(1, floor(group)));
    return lowestFirst(group.scores.slice(), count).subarray(0, count);
  });
  const candidates = new Float64Array(removable.reduce((n, scores) => n + scores.length, 0));
  let at = 0;
  for (const scores of removable) {
    candidates.set(scores, at);
    at += scores.length;
  }
  if (toRemove >= candidates.length) return removable.map((scores, g) => alive[g]! - scores.length);
  const threshold = lowestFirst(candidates, toRemove)[toRemove - 1]!;
  const counts = removable.map(scores => countUpTo(scores, threshold));
  let ties = toRemove - counts.reduce((n, { below }) => n + below, 0);
  return counts.map(({ below, equal }, g) => {
    const tied = Math.min(ties, equal);
    ties -= tied;
    return alive[g]! - below - tied;
  });
}

/** How many values are below a threshold and how many are equal to it. */
function countUpTo(values: Float64Array, threshold: number): { below: number; equal: number } {
  let [below, equal] = [0, 0];
  for (const value of values)
    if (value < threshold) below++;
    else if (value === threshold) equal++;
  return { below, equal };
}

/** Reorders values so that the `count` lowest come first, the highest of these last among them (Hoare's selection). */
function lowestFirst(values: Float64Array, count: number): Float64Array {
  let [left, right] = [0, values.length - 1];
  while (left < right) {
    const pivot = values[(left + right) >> 1]!;
    let [i, j] = [left, right];
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (count - 1 <= j) right = j;
    else if (count - 1 >= i) left = i;
    else break;
  }
  return values;
}

/**
 * The number of kept units as a multiple of `to`: the nearest one that is no less than `least`, never none and never more
 * than there are.
 */
export function roundKept(keep: number, alive: number, to: number, least: number): number {
  const rounded = to <= 1 ? keep : Math.max(1, Math.round(keep / to), Math.ceil(least / to)) * to;
  return Math.min(Math.max(1, rounded), alive);
}
