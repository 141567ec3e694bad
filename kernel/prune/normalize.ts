/** How scores of one group become comparable with those of another. */
export type Normalization = keyof typeof normalizations;

function mean(scores: Float64Array): number {
  let sum = 0;
  for (const score of scores) sum += score;
  return sum / scores.length;
}
const deviation = (scores: Float64Array) => {
  const m = mean(scores);
  return Math.sqrt(scores.reduce((a, b) => a + (b - m) ** 2, 0) / scores.length);
};
const sizes = (scores: Float64Array) => scores.map(Math.abs);
/** Division, by what is not negative so that the order stays; it leaves a group of zeros at zero. */
function divided(scores: Float64Array, by: number): Float64Array {
  const result = scores.slice();
  if (by !== 0) for (let i = 0; i < result.length; i++) result[i]! /= by;
  return result;
}

/** Ways to normalize the scores of a group, by name. */
export const normalizations = {
  none: (scores: Float64Array) => scores.slice(),
  /** Every group has mean 1, in absolute values. */
  mean: (scores: Float64Array) => divided(scores, mean(sizes(scores))),
  sum: (scores: Float64Array) => divided(scores, mean(sizes(scores)) * scores.length),
  max: (scores: Float64Array) => divided(scores, Math.max(...sizes(scores))),
  /** Least 0, most 1; a group of equal scores is all 0. */
  standardize(scores: Float64Array) {
    const least = Math.min(...scores);
    return divided(
      scores.map(s => s - least),
      Math.max(...scores) - least,
    );
  },
  /** Mean 0, deviation 1; a group of equal scores is all 0. */
  gaussian(scores: Float64Array) {
    if (scores.every(s => s === scores[0])) return new Float64Array(scores.length);
    const m = mean(scores);
    return divided(
      scores.map(s => s - m),
      deviation(scores),
    );
  },
  /** Share of a unit in the sum of all that are not smaller (Lee et al. 2021); the largest gets 1. Negative ones have no share. */
  lamp(scores: Float64Array) {
    const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]! || a - b);
    const result = new Float64Array(scores.length);
    let sum = 0;
    for (let i = order.length - 1; i >= 0; i--) {
      const unit = order[i]!;
      sum += scores[unit]!;
      result[unit] = sum === 0 ? 1 : scores[unit]! / sum;
    }
    return result;
  },
} satisfies Record<string, (scores: Float64Array) => Float64Array>;
