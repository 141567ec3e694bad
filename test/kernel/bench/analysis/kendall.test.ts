import assert from 'node:assert/strict';
import fc from 'fast-check';
import { kendall } from '../../../../kernel/bench/analysis/kendall.ts';

const near = (a: number, b: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1e-9, Math.abs(b)) || a === b, `${a} is not ${b}`);

/** From statistics of scipy 1.17, `kendalltau`: x, y, tau-b, p. */
const scipy: [number[], number[], number, number][] = [
  [[1, 2, 3, 4, 5], [3, 1, 2, 5, 4], 0.4, 0.48333333333333334],
  [[12, 2, 1, 12, 2], [1, 4, 7, 1, 0], -0.4714045207910316, 0.28274545993277467],
  [[1, 1, 2, 2, 3, 3], [1, 2, 2, 3, 3, 4], 0.8006407690254358, 0.04010390753457623],
  [[1, 1, 1, 2, 3, 3, 3, 4], [2, 2, 1, 2, 3, 4, 4, 4], 0.8181818181818181, 0.012554918596966533],
  [[5, 3, 8, 1, 9, 2, 7], [4, 3, 9, 2, 8, 1, 6], 0.8095238095238096, 0.010714285714285714],
  [
    Array.from({ length: 12 }, (_, i) => i),
    [0, 3, 1, 2, 7, 5, 4, 6, 11, 9, 8, 10],
    0.696969696969697,
    0.0009744810873283095,
  ],
  [Array.from({ length: 12 }, (_, i) => i), Array.from({ length: 12 }, (_, i) => -i), -1, 4.17535139757362e-9],
  [
    [75.93, 75.8, 75.79, 75.72, 75.72, 75.51, 75.49],
    [73.83, 73.53, 72.72, 74.01, 73.99, 73.68, 73.18],
    0.09759000729485331,
    0.7612636496364197,
  ],
  [
    Array.from({ length: 20 }, (_, i) => i),
    Array.from({ length: 20 }, (_, i) => (i < 6 ? 0 : i < 12 ? 1 : 2)),
    0.8335087534664907,
    4.489784498638626e-6,
  ],
];

/** The definition: a correlation of the signs of all differences. */
function byDefinition(x: readonly number[], y: readonly number[]): number {
  const signs = (list: readonly number[]) => list.flatMap(a => list.map(b => Math.sign(a - b)));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const [a, b] = [signs(x), signs(y)];
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length < 2) return [[...values]];
  return values.flatMap((value, i) =>
    permutations([...values.slice(0, i), ...values.slice(i + 1)]).map(rest => [value, ...rest]),
  );
}

const lists = fc
  .integer({ min: 2, max: 14 })
  .chain(n =>
    fc.tuple(
      fc.array(fc.integer({ min: -4, max: 4 }), { minLength: n, maxLength: n }),
      fc.array(fc.integer({ min: -4, max: 4 }), { minLength: n, maxLength: n }),
    ),
  );
const same = (a: number, b: number) => assert.ok(Object.is(a, b) || Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

describe('kendall', () => {
  it('agrees with scipy, with ties and without', () => {
    for (const [x, y, tau, p] of scipy) {
      const found = kendall(x, y);
      near(found.tau, tau);
      near(found.p, p, 1e-9);
      assert.equal(found.n, x.length);
    }
  });

  it('is what its definition says', () =>
    fc.assert(fc.property(lists, ([x, y]) => same(kendall(x, y).tau, byDefinition(x, y)))));

  it('has the p that all permutations have, without ties', () => {
    const order = [0, 1, 2, 3, 4, 5];
    const all = permutations(order);
    const taus = all.map(other => kendall(order, other).tau);
    for (const other of all.filter((_, i) => i % 37 === 0)) {
      const { tau, p } = kendall(order, other);
      near(p, taus.filter(one => Math.abs(one) >= Math.abs(tau) - 1e-12).length / taus.length, 1e-9);
    }
  });

  it('goes by the normal distribution for long lists, as its table has it', () => {
    const n = 400;
    const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
    for (const [z, expected] of [
      [1.959964, 0.05],
      [0.67449, 0.5],
      [3.290527, 0.001],
    ] as const) {
      // So many inversions: the largest come first, the last of them as far in front as is left.
      let inversions = Math.round(((n * (n - 1)) / 2 - z * deviation) / 2);
      const order: number[] = [];
      for (let value = 0; value < n; value++) {
        const jump = Math.min(inversions, value);
        inversions -= jump;
        order.splice(value - jump, 0, value);
      }
      const { p } = kendall([...order.keys()], order);
      near(p, expected, 3e-3);
    }
  });

  it('lies in [-1, 1], and p in [0, 1], or both are NaN where a list is one tie', () =>
    fc.assert(
      fc.property(lists, ([x, y]) => {
        const { tau, p } = kendall(x, y);
        if (new Set(x).size === 1 || new Set(y).size === 1) assert.ok(Number.isNaN(tau) && Number.isNaN(p));
        else assert.ok(Math.abs(tau) <= 1 + 1e-12 && p >= 0 && p <= 1, `${tau}, ${p}`);
      }),
    ));

  it('does not change under increasing maps, and turns round under decreasing ones', () =>
    fc.assert(
      fc.property(lists, ([x, y]) => {
        const { tau, p } = kendall(x, y);
        const mapped = kendall(
          x.map(value => 3 * value ** 3 - 7),
          y.map(Math.exp),
        );
        same(mapped.tau, tau);
        same(mapped.p, p);
        const turned = kendall(
          x,
          y.map(value => -value),
        ).tau;
        same(turned + 0, -tau + 0);
      }),
    ));

  it('does not mind the order of the things, nor which list comes first', () =>
    fc.assert(
      fc.property(lists, ([x, y]) => {
        same(kendall(y, x).tau, kendall(x, y).tau);
        same(kendall(x.toReversed(), y.toReversed()).tau, kendall(x, y).tau);
      }),
    ));

  it('refuses lists of different lengths and what is no number', () => {
    assert.throws(() => kendall([1, 2], [1]), /kendall: 2 values against 1/);
    assert.throws(() => kendall([1, NaN], [1, 2]), /kendall: a value is not a number/);
  });
});
