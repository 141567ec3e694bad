import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as strategies from '../../../plugins/strategies/index.ts';

const ranked = fc
  .array(
    fc.record({ extra: fc.nat(20), scores: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map(groups =>
    groups.map(({ extra, scores }, g) => ({
      id: `group${g}`,
      original: scores.length + extra,
      scores: Float64Array.from(scores),
    })),
  );
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('global strategies', () => {
  const { global, protectedGlobal } = strategies;

  it('global leaves the asked share exactly, unless a group would be empty', () =>
    fc.assert(
      fc.property(ranked, share, (groups, left) => {
        const kept = global.keep(groups, left, {}).reduce((a, b) => a + b, 0);
        const alive = groups.reduce((n, { scores }) => n + scores.length, 0);
        const asked = Math.round(groups.reduce((n, { original }) => n + original, 0) * left);
        assert.equal(kept, Math.min(alive, Math.max(groups.length, asked)));
      }),
    ));

  it('what goes scores no higher than what stays', () =>
    fc.assert(
      fc.property(ranked, share, (groups, left) => {
        const kept = global.keep(groups, left, {});
        const sorted = groups.map(({ scores }) => scores.slice().sort());
        const gone = sorted.flatMap((scores, g) => [...scores.subarray(0, scores.length - kept[g]!)]);
        // A group of one unit keeps it, whatever its score.
        const stay = sorted.flatMap((scores, g) =>
          kept[g] === 1 ? [] : [...scores.subarray(scores.length - kept[g]!)],
        );
        assert.ok(Math.max(...gone, -Infinity) <= Math.min(...stay, Infinity));
      }),
    ));

  it('protected-global keeps a tenth of the original units, as far as they are there', () =>
    fc.assert(
      fc.property(ranked, share, (groups, left) => {
        protectedGlobal.keep(groups, left, { floor: 0.1 }).forEach((n, g) => {
          const { original, scores } = groups[g]!;
          assert.ok(n >= Math.min(scores.length, original * 0.1));
        });
      }),
    ));

  it('equal scores go from the earlier group first', () => {
    const groups = [0, 1].map(g => ({ id: `${g}`, original: 4, scores: new Float64Array(4).fill(1) }));
    assert.deepEqual(global.keep(groups, 0.75, {}), [2, 4]);
    assert.deepEqual(global.keep(groups, 0.5, {}), [1, 3]);
  });
});
