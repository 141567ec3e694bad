import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normalizations, type Normalization } from '../../../kernel/prune/normalize.ts';

const scores = fc
  .array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 })
  .map(values => Float64Array.from(values));
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-9 * (1 + Math.abs(b)), `${a} is not ${b}`);
const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);

describe('normalize', () => {
  it('mean: every group has mean 1', () =>
    fc.assert(fc.property(scores, s => near(sum(normalizations.mean(s)) / s.length, 1))));
  it('sum: every group has sum 1', () => fc.assert(fc.property(scores, s => near(sum(normalizations.sum(s)), 1))));
  it('max: the largest is 1', () => fc.assert(fc.property(scores, s => near(Math.max(...normalizations.max(s)), 1))));
  it('gaussian: mean 0 and deviation 1, or all 0', () =>
    fc.assert(
      fc.property(scores, s => {
        const g = normalizations.gaussian(s);
        if (s.every(x => x === s[0])) return assert.ok(g.every(x => x === 0));
        if (Math.max(...s) / Math.min(...s) < 1.001) return;
        assert.ok(Math.abs(sum(g)) < 1e-6 * s.length);
        assert.ok(Math.abs(sum(g.map(x => x * x)) / s.length - 1) < 1e-6);
      }),
    ));
  it('lamp: the share of a unit in all that are not smaller, by definition', () => {
    assert.deepEqual([...normalizations.lamp(Float64Array.of(1, 4, 2))], [1 / 7, 1, 2 / 6]);
    assert.deepEqual([...normalizations.lamp(Float64Array.of(2, 2))], [0.5, 1]);
    assert.deepEqual([...normalizations.gaussian(Float64Array.of(0.1, 0.1, 0.1))], [0, 0, 0]);
  });
  it('a scale changes none but the unnormalised', () =>
    fc.assert(
      fc.property(scores, fc.constantFrom(0.25, 0.5, 2, 64), (s, scale) => {
        for (const name of Object.keys(normalizations) as Normalization[]) {
          if (name === 'none' || name === 'gaussian' || name === 'standardize') continue;
          const [a, b] = [normalizations[name](s), normalizations[name](s.map(x => x * scale))];
          a.forEach((x, i) => near(b[i]!, x));
        }
      }),
    ));
  it('zeros and equal scores give numbers', () => {
    for (const normalize of Object.values(normalizations))
      for (const s of [new Float64Array(3), new Float64Array(3).fill(2), Float64Array.of(5)])
        assert.ok(normalize(s).every(Number.isFinite));
  });
});
