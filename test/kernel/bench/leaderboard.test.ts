import assert from 'node:assert/strict';
import { standings } from '../../../kernel/bench/leaderboard.ts';
import { leaderboardTable } from '../../../kernel/bench/tables.ts';
import { recordOf } from './records.ts';

const pick = <K extends string>(rows: readonly Record<K, unknown>[], ...keys: K[]) =>
  rows.map(row => keys.map(key => row[key]));
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

describe('leaderboard', () => {
  it('ranks within a strategy and speed-up, best first; equal scores share a rank', () => {
    const rows = standings([
      recordOf({ criterion: 'c', score: 0.7 }),
      recordOf({ criterion: 'b', score: 0.8 }),
      recordOf({ criterion: 'a', score: 0.8 }),
      recordOf({ criterion: 'a', score: 0.5, speedup: 4 }),
      recordOf({ criterion: 'a', score: 0.6, strategy: 'local' }),
    ]);
    assert.deepEqual(pick(rows, 'strategy', 'speedup', 'method', 'rank'), [
      ['global', 2, 'a', 1],
      ['global', 2, 'b', 1],
      ['global', 2, 'c', 3],
      ['global', 4, 'a', 1],
      ['local', 2, 'a', 1],
    ]);
  });

  it('derives delta and ratios from what the record holds', () => {
    const [row] = standings([recordOf({ criterion: 'a', score: 0.85, before: 0.3, latency: 4 })]);
    near(row!.base, 90);
    near(row!.before, 30);
    near(row!.score, 85);
    near(row!.delta, -5);
    near(row!.paramsLeft, 50);
    near(row!.macsLeft, 40);
    near(row!.reached, 2.5);
    near(row!.latencyRatio!, 2.5);
    near(row!.stepSeconds, 0.2);
    assert.deepEqual(pick([row!], 'model', 'runs', 'spread'), [['net x0.5', 1, null]]);
  });

  it('several seeds give mean and spread', () => {
    const [row] = standings([1, 2, 3].map(seed => recordOf({ criterion: 'a', score: 0.6 + seed / 10, seed })));
    near(row!.score, 80);
    near(row!.spread!, 10);
    assert.equal(row!.runs, 3);
  });

  it('without latency there is no ratio', () =>
    assert.equal(standings([recordOf({ criterion: 'a', score: 1 })])[0]!.latencyRatio, null));
  it('no records give no rows', () => assert.deepEqual(standings([]), []));

  it('as a table it names only columns that tell rows apart', () => {
    const one = leaderboardTable([recordOf({ criterion: 'a', score: 0.8 })]);
    assert.ok(!one.columns.includes('strategy') && !one.columns.includes('spread'));
    const two = leaderboardTable([
      recordOf({ criterion: 'a', score: 0.8 }),
      recordOf({ criterion: 'a', score: 0.8, strategy: 'local' }),
    ]);
    assert.ok(two.columns.includes('strategy'));
  });
});
