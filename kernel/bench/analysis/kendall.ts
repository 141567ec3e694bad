/** How far two lists order the same things alike. */
export interface Kendall {
  /** Kendall's tau-b: 1 for the same order, -1 for the opposite one, 0 for no relation; NaN where a list is one tie. */
  readonly tau: number;
  /** Chance of a tau at least as far from 0 where the lists have nothing to do with one another. */
  readonly p: number;
  /** Length of the lists. */
  readonly n: number;
}

/**
 * Kendall's tau-b of two lists of the same length (Kendall 1945), ties allowed. `p` is two-sided; it is exact for up to
 * 60 values without ties, and else by the normal distribution, with its variance corrected for ties. Throws where the
 * lengths differ or a value is no number.
 */
export function kendall(x: readonly number[], y: readonly number[]): Kendall {
  const n = x.length;
  if (y.length !== n) throw new Error(`kendall: ${n} values against ${y.length}`);
  if ([...x, ...y].some(Number.isNaN)) throw new Error('kendall: a value is not a number');
  const { tau, balance, untied } = tauB(x, y);
  return { tau, n, p: Number.isNaN(tau) ? NaN : untied && n <= mostExact ? exact(n, balance) : normal(x, y, balance) };
}

/** Counting permutations takes the cube of it; the normal distribution is within a hundredth of p by then. */
const mostExact = 60;

/** Tau-b without `p`; `balance` is the number of pairs that both lists order alike, less those they order the other way. */
export function tauB(
  x: readonly number[],
  y: readonly number[],
): { readonly tau: number; readonly balance: number; readonly untied: boolean } {
  let [balance, ordered, orderedX, orderedY] = [0, 0, 0, 0];
  for (let i = 1; i < x.length; i++)
    for (let j = 0; j < i; j++) {
      const a = Math.sign(x[i]! - x[j]!);
      const b = Math.sign(y[i]! - y[j]!);
      balance += a * b;
      orderedX += a * a;
      orderedY += b * b;
      ordered += 1;
    }
  const tau = balance / Math.sqrt(orderedX * orderedY);
  return { tau, balance, untied: orderedX === ordered && orderedY === ordered };
}

/** Share of all permutations whose balance of concordant and discordant pairs is at least as large. */
function exact(n: number, balance: number): number {
  const pairs = (n * (n - 1)) / 2;
  // Share of permutations of so many things by their inversions: the next thing makes 0 to `size` more.
  let shares = [1];
  for (let size = 1; size < n; size++) {
    const next = new Array<number>(shares.length + size).fill(0);
    for (const [inversions, share] of shares.entries())
      for (let more = 0; more <= size; more++) next[inversions + more]! += share / (size + 1);
    shares = next;
  }
  const extreme = shares.filter((_, inversions) => Math.abs(pairs - 2 * inversions) >= Math.abs(balance));
  return Math.min(
    1,
    extreme.reduce((sum, share) => sum + share, 0),
  );
}

/** As above, by the normal distribution; variance of the balance with ties after Kendall 1970, Rank Correlation Methods. */
function normal(x: readonly number[], y: readonly number[], balance: number): number {
  const n = x.length;
  const [a, b] = [tiesOf(x), tiesOf(y)];
  const sum = (ties: readonly number[], term: (t: number) => number) => ties.reduce((total, t) => total + term(t), 0);
  const spread = (t: number) => t * (t - 1) * (2 * t + 5);
  const pairs = (t: number) => t * (t - 1);
  const triples = (t: number) => t * (t - 1) * (t - 2);
  const variance =
    (spread(n) - sum(a, spread) - sum(b, spread)) / 18 +
    (n > 2 ? (sum(a, triples) * sum(b, triples)) / (9 * triples(n)) : 0) +
    (sum(a, pairs) * sum(b, pairs)) / (2 * pairs(n));
  return erfc(Math.abs(balance) / Math.sqrt(2 * variance));
}

/** How many values are equal, for each value. */
function tiesOf(values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}

/** Complementary error function for x from 0: a series near 0, a continued fraction beyond; to about 1e-12. */
function erfc(x: number): number {
  if (x < 2.5) {
    let [sum, term] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17; k++) {
      term *= -(x * x) / k;
      sum += term / (2 * k + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let k = 60; k > 0; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
