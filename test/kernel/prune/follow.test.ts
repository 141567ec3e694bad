import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cut } from '../../../kernel/graph/cut.ts';
import { groups, restrict } from '../../../kernel/graph/groups.ts';
import { Follower } from '../../../kernel/prune/follow.ts';
import { isScored, score, type Scoring } from '../../../kernel/prune/score.ts';
import { Sums } from '../../../kernel/prune/sums.ts';
import { random } from '../../../kernel/random.ts';
import { fpgm, magnitudeL1, magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { graphs } from '../graph/graphs.ts';
import { randomKept, scrambled } from '../graph/oracle.ts';

describe('scores that follow', () => {
  it('sums of what is not negative never are, by rounding either', () => {
    const weights = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(weights, some => {
        const values = Float32Array.from([...some, 0]);
        const sums = new Sums({ values, matrices: 1, rows: 1, columns: values.length }, w => w * w);
        sums.remove(1, [...some.keys()].reverse());
        assert.ok(sums.scores(0)[0]! >= 0, `${sums.scores(0)[0]}`);
      }),
    );
  });
  for (const criterion of [magnitudeL1, magnitudeL2, fpgm])
    it(`${criterion.id}: after any removals they are those of the cut network`, () =>
      fc.assert(
        fc.asyncProperty(graphs, fc.nat(1000), async (bare, seed) => {
          const graph = scrambled(bare, seed);
          const scoring: Scoring = { criterion, options: {}, reduce: 'mean', normalize: 'none' };
          const all = groups(graph);
          const pruned = all.filter(group => !group.protected && isScored(criterion, group));
          const kept = randomKept(graph, random(seed, 'kept'));
          const follower = await Follower.of(graph, pruned, scoring);
          // Half of the units that go, group by group, then the others: what went before must not be counted again.
          for (const half of [0, 1])
            pruned.forEach(({ id, units }, g) => {
              const gone = Array.from({ length: units }, (_, unit) => unit).filter(
                unit => kept.get(id)?.[unit] === false,
              );
              follower.remove(
                g,
                gone.filter(unit => unit % 2 === half),
              );
            });
          const ids = new Set(pruned.map(({ id }) => id));
          const left = restrict(all, kept).filter(({ id }) => ids.has(id));
          const expected = await score(cut(graph, kept), left, scoring, random(0));
          follower.scores().forEach((scores, g) => {
            assert.equal(scores.length, expected[g]!.length);
            scores.forEach((s, unit) => {
              const e = expected[g]![unit]!;
              assert.ok(Math.abs(s - e) < 1e-4 * (1 + e), `${left[g]!.id} ${unit}: ${s} is not ${e}`);
            });
          });
        }),
        { numRuns: 300 },
      ));
});
