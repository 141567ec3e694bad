import assert from 'node:assert/strict';
import fc from 'fast-check';
import { paretoFront } from '../../../kernel/leaderboard/front.ts';
import { countedSpeedupOf, outcomeOf, rerunOf, statusOf, toleranceOf } from '../../../kernel/leaderboard/outcome.ts';
import { recordOf } from '../bench/records.ts';

const records = [0.7, 0.8].map((score, seed) => recordOf({ criterion: 'a', score, seed }));
const runs = records.map(rerunOf);

describe('what a re-run comes to', () => {
  it('the same numbers are reproduced, whatever the tolerance', () =>
    assert.equal(outcomeOf(records, runs, 0), 'reproduced'));
  it('one seed of several can be reproduced', () => assert.equal(outcomeOf(records, [runs[1]!], 0), 'reproduced'));
  for (const change of [
    { base: 0.91 },
    { before: 0.11 },
    { recalibrated: null },
    { params: 499 },
    { groups: '0'.repeat(12) },
  ])
    it(`another ${Object.keys(change)[0]} is no reproduction`, () =>
      assert.equal(outcomeOf(records, [runs[0]!, { ...runs[1]!, ...change }], 0), 're-run'));
  const moved = (...points: number[]) => runs.map((run, i) => ({ ...run, score: run.score + points[i]! / 100 }));
  it('the mean score counts, and the tolerance is within', () => {
    assert.equal(outcomeOf(records, moved(3, -3), 0.1), 're-run');
    assert.equal(outcomeOf(records, moved(2, 2), 2), 're-run');
    assert.equal(outcomeOf(records, moved(2, 2.1), 2), 'differs');
    assert.equal(outcomeOf(records, moved(-2, -2.1), 2), 'differs');
  });
  it('a seed is held against the same seed', () => {
    assert.equal(outcomeOf(records, [{ ...runs[1]!, before: 0 }], 1), 're-run');
    assert.equal(outcomeOf(records, [{ ...runs[1]!, seed: 0 }], 1), 'differs');
  });
  it('a speed-up that is not reached differs', () =>
    assert.equal(outcomeOf(records, [{ ...runs[0]!, macs: 2001 }], 100), 'differs'));
  it('a speed-up in time is not judged by multiply-adds, in a re-run as in a check', () => {
    const timed = records.map(record => {
      const { configuration } = record;
      return {
        ...record,
        configuration: { ...configuration, protocol: { ...configuration.protocol, count: 'latency' as const } },
      };
    });
    const slower = { ...runs[0]!, macs: 2001 };
    assert.equal(outcomeOf(timed, [slower], 100), 're-run');
    assert.equal(countedSpeedupOf(timed[0]!, slower), Infinity);
    assert.ok(countedSpeedupOf(records[0]!, slower) < 2);
  });
  it('the tolerance is twice the spread, half a point at least, one point for one seed', () => {
    assert.ok(Math.abs(toleranceOf(records) - 2 * Math.sqrt(50)) < 1e-9);
    assert.equal(toleranceOf([records[0]!, { ...records[0]! }]), 0.5);
    assert.equal(toleranceOf([records[0]!]), 1);
  });
  it('the best verification is the status', () => {
    const status = (...outcomes: string[]) =>
      statusOf({ verifications: outcomes.map(outcome => ({ outcome })) as never });
    assert.deepEqual(
      [status(), status('differs'), status('re-run', 'differs'), status('re-run', 'reproduced')],
      ['reported', 'differs', 're-run', 'reproduced'],
    );
  });
});

describe('Pareto front', () => {
  it('is those that no other beats', () => {
    const point = fc.record({ x: fc.integer({ min: 0, max: 6 }), y: fc.integer({ min: 0, max: 6 }) });
    fc.assert(
      fc.property(fc.array(point), points => {
        const beaten = (p: (typeof points)[number]) =>
          points.some(q => q.x <= p.x && q.y >= p.y && (q.x < p.x || q.y > p.y));
        const expected = new Set(points.filter(p => !beaten(p)));
        const front = paretoFront(
          points,
          ({ x }) => x,
          ({ y }) => y,
        );
        assert.deepEqual(new Set(front), expected);
      }),
    );
  });
});
