import assert from 'node:assert/strict';
import fc from 'fast-check';
import { scrambled, smallGraphs } from '../../../kernel/contract/small-graphs.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { defineCriterion } from '../../../kernel/plugin.ts';
import { normalizations, type Normalization } from '../../../kernel/prune/normalize.ts';
import { scoringOf } from '../../../kernel/prune/prune.ts';
import { scorerOf } from '../../../kernel/prune/scorer.ts';

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
  it('none changes the order within a group, whatever the signs', () => {
    const signed = fc
      .array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 2, maxLength: 20 })
      .map(values => Float64Array.from(values));
    const names = (Object.keys(normalizations) as Normalization[]).filter(name => name !== 'lamp');
    fc.assert(
      fc.property(signed, fc.constantFrom(...names), (s, name) => {
        const normalized = normalizations[name](s);
        const order = [...s.keys()].sort((a, b) => s[a]! - s[b]!);
        order.slice(1).forEach((unit, i) => assert.ok(normalized[unit]! >= normalized[order[i]!]!, name));
      }),
    );
    assert.deepEqual([...normalizations.mean(Float64Array.of(-3, -1))], [-1.5, -0.5]);
  });
  it('lamp refuses scores below 0', async () => {
    const criterion = defineCriterion({ id: 'below', element: w => -w * w, normalize: 'lamp' });
    const graph = scrambled(smallGraphs.vectors());
    const all = groups(graph).filter(group => !group.protected);
    const kept = new Map(all.map(({ id, units }) => [id, new Uint8Array(units).fill(1)]));
    const scorer = await scorerOf(graph, all, kept, scoringOf(criterion), { seed: 0 });
    assert.throws(
      () => scorer.scores(1, graph),
      /RangeError: criterion below: unit 0 of \w+ scores -[\d.]+, lamp takes finite scores from 0 on/,
    );
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
