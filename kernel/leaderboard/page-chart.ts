import type { TopLevelSpec } from 'vega-lite';
import type { Standing } from '../bench/leaderboard.ts';
import { byMethod } from '../bench/method-colours.ts';
import { chart, type Chart } from '../jupyter/chart.ts';
import { paretoFront } from './front.ts';

/** What a pruned model costs, in percent of the model before. */
export interface Cost {
  readonly title: string;
  of(row: Standing): number | null;
}

export const costs: readonly Cost[] = [
  { title: 'multiply-adds left, %', of: ({ macsLeft }) => macsLeft },
  { title: 'latency left, %', of: ({ latencyRatio }) => (latencyRatio === null ? null : 100 / latencyRatio) },
];

/** Score against a cost, a point for each entry, which leads to its row; the line is the Pareto front of all of them. */
export function paretoChart(standings: readonly Standing[], cost: Cost): Chart {
  const rows = standings.flatMap(row => {
    const value = cost.of(row);
    return value === null ? [] : [{ ...row, cost: value, link: `#e-${row.entry}`, text: textOf(row) }];
  });
  const front = paretoFront(
    rows,
    row => row.cost,
    row => row.score,
  );
  const x = { field: 'cost', type: 'quantitative', title: cost.title, scale: { zero: false } };
  const y = { field: 'score', type: 'quantitative', title: 'score after fine-tuning, %', scale: { zero: false } };
  return chart({
    width: 340,
    height: 260,
    layer: [
      {
        data: { values: front },
        mark: { type: 'line', interpolate: 'step-after', color: '#9aa2ae', strokeDash: [4, 3] },
        encoding: { x, y, order: { field: 'cost' } },
      },
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, size: 90, opacity: 0.9 },
        encoding: {
          x,
          y,
          color: { ...byMethod(rows), ...legend('method', rows) },
          shape: { field: 'strategy', type: 'nominal', ...legend('strategy', rows) },
          href: { field: 'link' },
          description: { field: 'text' },
        },
      },
    ],
    config: { legend: { orient: 'bottom', columns: 2, labelLimit: 150 } },
  } as TopLevelSpec);
}

const legend = (field: 'method' | 'strategy', rows: readonly Standing[]) => ({
  title: null,
  // One value needs no explanation.
  ...(new Set(rows.map(row => row[field])).size > 1 ? {} : { legend: null }),
});

const textOf = ({ method, strategy, speedup, score, by }: Standing): string =>
  `${method}, ${strategy}, ${speedup}x, ${score.toFixed(2)} %, by ${by}`;
