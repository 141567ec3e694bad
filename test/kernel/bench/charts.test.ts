import assert from 'node:assert/strict';
import { costChart } from '../../../kernel/bench/analysis/charts.ts';
import { latencyChart, scoreChart } from '../../../kernel/bench/charts.ts';
import { standings } from '../../../kernel/bench/leaderboard.ts';
import type { Chart } from '../../../kernel/jupyter/chart.ts';
import { costs, paretoChart } from '../../../kernel/leaderboard/page-chart.ts';
import { recordOf } from './records.ts';

const recordsOf = (criteria: readonly string[], strategies = ['global']) =>
  strategies.flatMap(strategy =>
    criteria.flatMap((criterion, i) =>
      [2, 4].map(speedup => recordOf({ criterion, strategy, speedup, score: 0.9 - i / 10 / speedup, latency: 5 + i })),
    ),
  );

/** Colours by method, as a chart's specification has them. */
function coloursIn({ spec }: Chart): Map<string, string> {
  const found = new Map<string, string>();
  JSON.stringify(spec, (_key, value: { field?: string; scale?: { domain: string[]; range: string[] } } | null) => {
    if (value?.field === 'method' && value.scale)
      value.scale.domain.forEach((method, i) => found.set(method, value.scale!.range[i]!));
    return value;
  });
  return found;
}

describe('charts of records', () => {
  it('a method has one colour in all of them, whoever else is there', () => {
    const all = recordsOf(['b', 'c', 'd']);
    const some = recordsOf(['a', 'c', 'd']);
    const charts = [scoreChart(all), latencyChart(some), costChart(standings(some)), scoreChart(recordsOf(['d']))];
    const seen = charts.concat(costs.map(cost => paretoChart(standings(some), cost))).map(coloursIn);
    for (const colours of seen) assert.ok(colours.size > 0);
    for (const method of ['a', 'b', 'c', 'd'])
      assert.equal(new Set(seen.flatMap(colours => colours.get(method) ?? [])).size, 1, method);
    assert.equal(new Set(['a', 'b', 'c', 'd'].map(method => seen.find(c => c.has(method))!.get(method))).size, 4);
  });

  it('score: three strategies stand beside one another, more go into further rows', async () => {
    const width = async (n: number) => {
      const strategies = ['local', 'global', 'protected', 'own', 'other'].slice(0, n);
      return Number(/<svg[^>]* width="([\d.]+)"/.exec(await scoreChart(recordsOf(['a', 'b'], strategies)).toSvg())![1]);
    };
    const [three, five] = [await width(3), await width(5)];
    assert.ok(three > 3 * 240);
    assert.ok(five < three + 20, `${five}, ${three}`);
  });
});
