import assert from 'node:assert/strict';
import { besidePublished, besideTable, conclusions } from '../../../../kernel/bench/analysis/beside.ts';
import { boardOf } from './results.ts';

const ours = boardOf({ a: 88, b: 86, random: 80, own: 70 }, { model: 'small', dataset: 'shapes' });
const theirs = (scores: Readonly<Record<string, number>>, speedup = 2) =>
  boardOf(scores, { model: 'large', dataset: 'photos', protocol: 'published', speedup });

describe('results beside published ones', () => {
  it('meet at their speed-up, whatever network and data are called, in methods that both have', () => {
    const list = besidePublished(ours, [...theirs({ a: 50, b: 49, random: 48, c: 1 }), ...theirs({ a: 1 }, 4)]);
    assert.equal(list.length, 1);
    assert.equal(list[0]!.agreement.tau, 1);
    const rows = besideTable(list).rows.map(({ method, rank, publishedRank, delta, publishedDelta }) => [
      method,
      rank,
      publishedRank,
      delta,
      publishedDelta,
    ]);
    assert.deepEqual(rows, [
      ['a', 1, 1, -2, -40],
      ['b', 2, 2, -4, -41],
      ['random', 3, 3, -10, -42],
      ['own', 4, null, -20, null],
      ['c', null, 4, null, -89],
    ]);
    assert.match(String(besideTable(list)), /own +4 +-20\.00/);
  });

  it('are those of one table', () => {
    const two = [...theirs({ a: 1 }), ...boardOf({ a: 1 }, { model: 'other' })];
    assert.throws(() => besidePublished(ours, two), /large, photos, published, 2x and other.* give one table/);
  });

  it('come to sentences that follow from the numbers', () => {
    const six = { a: 88, b: 86, c: 85, d: 84, random: 80, own: 70 };
    const list = boardOf(six, { model: 'small' });
    const dealt = (...scores: number[]) =>
      theirs(Object.fromEntries(Object.keys(six).map((method, i) => [method, scores[i]!])));
    const same = conclusions(list, dealt(50, 49, 48, 47, 46, 45));
    assert.match(
      same,
      /the base model has 90\.00 %\. Best is \*\*a\*\* with 88\.00 % \(-2\.00\), last is own with 70\.00 %/,
    );
    assert.match(same, /4 of 5 methods are better than removing channels at random/);
    assert.match(same, /tau is 1\.00 .*6 methods in common\); the two orders have something in common/);
    assert.match(conclusions(list, dealt(1, 2, 3, 4, 5, 6)), /tau is -1\.00 .*the two orders contradict each other/);
    assert.match(conclusions(list, dealt(4, 6, 3, 1, 2, 5)), /that is no evidence/);
    assert.match(conclusions(list, dealt(5, 5, 5, 5, 5, 5)), /nothing to rank/);
    assert.match(conclusions(ours, theirs({ a: 50, b: 49, c: 1 })), /2 methods in common are too few/);
    const tied = conclusions(boardOf({ a: 88, b: 88 }));
    assert.match(tied, /Best are \*\*a\*\* and \*\*b\*\* .*last are a and b/);
    assert.doesNotMatch(tied, /at random|paper/);
  });
});
