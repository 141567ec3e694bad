import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bootstrap } from '../../../../kernel/bench/analysis/bootstrap.ts';
import {
  latencyDelivery,
  parametersKept,
  regularizerTimes,
  scoreTrend,
  stepTimes,
} from '../../../../kernel/bench/analysis/costs.ts';
import { gainSummaries, regularizerGains, signTest } from '../../../../kernel/bench/analysis/gains.ts';
import { kendall } from '../../../../kernel/bench/analysis/kendall.ts';
import { agreement, differenceOf, pairsOf, rankRows, tauOf } from '../../../../kernel/bench/analysis/rankings.ts';
import { boards, criteriaAlone, partsOf, ranks } from '../../../../kernel/bench/analysis/result.ts';
import { standings } from '../../../../kernel/bench/leaderboard.ts';
import { random } from '../../../../kernel/random.ts';
import { recordOf } from '../records.ts';
import { boardOf, resultOf } from './results.ts';

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

describe('boards', () => {
  it('are told apart by all that a leaderboard is of, and sorted best first', () => {
    const list = boards([
      ...boardOf({ a: 80, b: 85 }, { speedup: 8 }),
      ...boardOf({ a: 80, b: 85 }),
      ...boardOf({ a: 70 }, { strategy: 'local' }),
    ]);
    assert.deepEqual(
      list.map(({ name, results }) => [name, results.map(({ method }) => method)]),
      [
        ['net, data, global, 2x', ['b', 'a']],
        ['net, data, global, 8x', ['b', 'a']],
        ['net, data, local, 2x', ['a']],
      ],
    );
  });

  it('refuse a method that is twice on one', () =>
    assert.throws(
      () => boards([...boardOf({ a: 80 }), ...boardOf({ a: 81 })]),
      /a is twice on the board of net, data, test, global, 2/,
    ));

  it('are of standings too, with the ranks that these have', () => {
    const lines = standings([
      recordOf({ criterion: 'a', score: 0.5 }),
      recordOf({ criterion: 'b', score: 0.8 }),
      recordOf({ criterion: 'c', score: 0.8 }),
    ]);
    const [board] = boards(lines);
    assert.deepEqual(
      [...ranks(board!)],
      lines.map(({ method, rank }) => [method, rank]),
    );
  });

  it('know criterion and regularizer by the name of the method', () => {
    assert.deepEqual(partsOf({ method: 'a + b:p=1' }), { criterion: 'a', regularizer: 'b:p=1' });
    assert.deepEqual(
      criteriaAlone(boardOf({ a: 1, 'a + b': 2 })).map(({ method }) => method),
      ['a'],
    );
  });
});

describe('rankings', () => {
  const pair = (x: Record<string, number>, y: Record<string, number>) =>
    boards([...boardOf(x), ...boardOf(y, { speedup: 4 })]);

  it('tau is of the methods in common', () => {
    const [a, b] = pair({ a: 3, b: 2, c: 1, only: 9 }, { a: 30, c: 20, b: 10, other: 0 });
    assert.deepEqual(tauOf([a!, b!]), kendall([3, 2, 1], [30, 10, 20]));
    assert.equal(differenceOf([a!, b!]), 'speedup');
  });

  it('rank rows count among the methods in common', () => {
    const rows = rankRows(pair({ a: 3, b: 2, c: 1, only: 9 }, { b: 30, c: 20, a: 20 }));
    assert.deepEqual(
      rows.map(({ method, ranks }) => [method, ...ranks]),
      [
        ['a', 1, 2],
        ['b', 2, 1],
        ['c', 3, 2],
      ],
    );
  });

  it('agreement is the mean of the taus', () => {
    const list = [
      { a: 3, b: 2, c: 1 },
      { a: 3, b: 1, c: 2 },
      { a: 1, b: 2, c: 3 },
    ].flatMap((scores, i) => boardOf(scores, { speedup: i + 2 }));
    const pairs = pairsOf(boards(list));
    const { tau, pairs: count, methods } = agreement(pairs, { resamples: 20 });
    assert.deepEqual([count, methods], [3, 3]);
    near(tau, (1 / 3 - 1 - 1 / 3) / 3);
  });

  it('agreement of equal boards is 1 and no accident, of unrelated ones neither', () => {
    const names = [...'abcdefghij'];
    const scores = (draw: () => number) => Object.fromEntries(names.map(name => [name, draw()]));
    const source = random(1);
    const related = [2, 4, 8].flatMap(speedup =>
      boardOf(
        scores(
          (
            i => () =>
              i++
          )(0),
        ),
        { speedup },
      ),
    );
    const alike = agreement(pairsOf(boards(related)), { resamples: 200 });
    near(alike.tau, 1);
    near(alike.low, 1);
    assert.ok(alike.p <= 1 / 201 + 1e-9);
    const unrelated = [2, 4, 8].flatMap(speedup => boardOf(scores(source.uniform), { speedup }));
    const chance = agreement(pairsOf(boards(unrelated)), { resamples: 200 });
    assert.ok(chance.low < 0 && chance.high > 0 && chance.p > 0.05, JSON.stringify(chance));
  });

  it('p is as often small as it should be where nothing is related', () => {
    const source = random(2);
    const small = Array.from({ length: 100 }, () => {
      const list = [2, 4].flatMap(speedup =>
        boardOf(Object.fromEntries([...'abcdefgh'].map(name => [name, source.uniform()])), { speedup }),
      );
      return agreement(pairsOf(boards(list)), { resamples: 99 }).p <= 0.2;
    }).filter(Boolean).length;
    assert.ok(small > 8 && small < 35, `${small} of 100 are at most 0.2`);
  });

  it('p counts what agrees just as well: of two methods, half of all deals do', () => {
    const { p } = agreement(pairsOf(pair({ a: 2, b: 1 }, { a: 2, b: 1 })), { resamples: 400 });
    assert.ok(Math.abs(p - 0.5) < 0.1, String(p));
  });

  it('is the same under the same seed', () => {
    const pairs = pairsOf(pair({ a: 3, b: 2, c: 1, d: 5 }, { a: 3, b: 1, c: 2, d: 0 }));
    assert.deepEqual(agreement(pairs, { resamples: 50 }), agreement(pairs, { resamples: 50 }));
  });
});

describe('regularizer gains', () => {
  it('are of pairs whose criterion is on the same board', () => {
    const list = regularizerGains([
      ...boardOf({ a: 80, 'a + r': 81.5, 'b + r': 90 }),
      ...boardOf({ 'a + r': 70 }, { speedup: 4 }),
      ...boardOf({ a: 60 }, { model: 'other', speedup: 4 }),
    ]);
    assert.deepEqual(
      list.map(({ method, speedup, gain }) => [method, speedup, gain]),
      [['a + r', 2, 1.5]],
    );
  });

  it('are summed up by method; a model and data set is one witness', () => {
    const gainsOf = (model: string, values: number[]) =>
      values.flatMap((gain, i) => boardOf({ a: 80, 'a + r': 80 + gain }, { model, speedup: i + 2 }));
    const [summary] = gainSummaries(
      regularizerGains([...gainsOf('x', [1, 2, 3]), ...gainsOf('y', [-1, 0, 0]), ...gainsOf('z', [4, 4, 5])]),
    );
    const { boards: count, better, worse, mean, median, p, low, high } = summary!;
    assert.deepEqual([count, better, worse, mean, median], [9, 6, 1, 2, 2]);
    near(p, 1);
    near(low, -1 / 3);
    near(high, 13 / 3);
  });

  it('sign test agrees with scipy, and is symmetric', () => {
    near(signTest(14, 4), 0.0308837890625);
    near(signTest(5, 2), 0.453125);
    near(signTest(0, 0), 1);
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), (a, b) => {
        near(signTest(a, b), signTest(b, a));
        assert.ok(signTest(a, b) > 0 && signTest(a, b) <= 1);
      }),
    );
  });
});

describe('costs', () => {
  const timed = (times: Record<string, number>, what: object = {}) =>
    Object.entries(times).map(([method, stepSeconds]) => resultOf({ method, score: 1, stepSeconds, ...what }));

  it('times are ratios on a board, so seconds of another machine do not count', () => {
    const rows = [
      ...timed({ 'magnitude-l2': 1, slow: 8 }),
      ...timed({ 'magnitude-l2': 100, slow: 200 }, { model: 'other' }),
      ...timed({ slow: 1 }, { model: 'without' }),
    ];
    assert.deepEqual(
      stepTimes(rows).map(({ method, boards, least, most }) => [method, boards, least, most]),
      [
        ['magnitude-l2', 2, 1, 1],
        ['slow', 2, 2, 8],
      ],
    );
    near(stepTimes(rows)[1]!.ratio, 4);
  });

  it('of regularizers are against the shortest', () => {
    const of = (method: string, regularizerSeconds: number | null) =>
      resultOf({ method, score: 1, regularizerSeconds });
    const rows = regularizerTimes([of('a', null), of('a + r', 6), of('a + s', 2)]);
    assert.deepEqual(
      rows.map(({ method, ratio }) => [method, Math.round(1e6 * ratio) / 1e6]),
      [
        ['a + s', 1],
        ['a + r', 3],
      ],
    );
  });

  it('parameters kept are against the multiply-adds that the speed-up leaves', () => {
    const [row] = parametersKept([resultOf({ method: 'a', score: 1, paramsLeft: 50, speedup: 4 })]);
    near(row!.ratio, 2);
  });

  it('trends are taken board by board', () => {
    const rows = [
      ...[1, 2, 3].map(i => resultOf({ method: `m${i}`, score: i, paramsLeft: 10 * i })),
      ...[1, 2, 3].map(i => resultOf({ method: `m${i}`, score: 90 + i, paramsLeft: i, model: 'other' })),
    ];
    const { tau, boards: count } = scoreTrend(rows, ({ paramsLeft }) => paramsLeft);
    assert.deepEqual([tau, count], [1, 2]);
    assert.equal(scoreTrend(rows, ({ paramsLeft }) => -paramsLeft).tau, -1);
  });

  it('latency is compared where it was measured', () => {
    assert.equal(latencyDelivery(standings([recordOf({ criterion: 'a', score: 0.5 })])), null);
    const found = latencyDelivery(
      standings([
        recordOf({ criterion: 'a', score: 0.5, latency: 4 }),
        recordOf({ criterion: 'b', score: 0.5, latency: 5 }),
        recordOf({ criterion: 'c', score: 0.5 }),
      ]),
    )!;
    assert.equal(found.models, 2);
    near(found.promised, 2.5);
    near(found.measured, Math.sqrt(5));
    near(found.least, 0.8);
    near(found.most, 1);
  });
});

describe('bootstrap', () => {
  it('of a mean has about the interval of the normal distribution', () => {
    const source = random(3);
    const values = Array.from({ length: 400 }, source.normal);
    const { low, high } = bootstrap(400, drawn => drawn.reduce((sum, i) => sum + values[i]!, 0) / 400);
    const width = (2 * 1.96) / Math.sqrt(400);
    assert.ok(Math.abs(high - low - width) < 0.2 * width, `${high - low} is not about ${width}`);
  });

  it('leaves out draws without a value', () => {
    const { low, high } = bootstrap(2, ([a, b]) => (a === b ? NaN : 5));
    assert.deepEqual([low, high], [5, 5]);
    assert.ok(Number.isNaN(bootstrap(1, () => NaN).low));
  });
});
