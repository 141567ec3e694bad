import type { TopLevelSpec } from 'vega-lite';
import { chart, type Chart } from '../../jupyter/chart.ts';
import type { Gain } from './gains.ts';
import { byMethod } from '../method-colours.ts';
import { geometricMean, mean } from '../statistics.ts';
import { pairsOf, tauOf } from './rankings.ts';
import { boards, groupBy, ranks, type Board, type Result } from './result.ts';

/** Model and data set of a board, and what else is in its name but the speed-up. */
const subjectOf = ({ name, speedup }: Board): string => name.slice(0, name.lastIndexOf(`, ${speedup}x`));

/** A panel for each value. */
const facet = (field: string, sort?: readonly string[]) => ({
  field,
  type: 'nominal',
  title: null,
  header: { labelFontSize: 13, labelFontWeight: 'bold', labelColor: '#262b36' },
  ...(sort ? { sort } : {}),
});

/**
 * Ranks from speed-up to speed-up, a panel for each model and data set: lines that cross are methods that change places.
 * Methods with equal scores stand beside one another, in the order of their names; the number is the rank that they share.
 */
export function bumpChart(results: readonly Result[]): Chart {
  const list = boards(results);
  const speedups = [...new Set(results.map(({ speedup }) => speedup))].sort((a, b) => a - b);
  const rows = groupBy(list, subjectOf).flatMap(members => {
    // Panels whose speed-ups differ share no axis, so a place is counted from the left.
    const last = members.at(-1)!;
    return members.flatMap(board => {
      const among = ranks(board);
      return board.results.map(({ method, score, speedup }, i) => ({
        panel: subjectOf(board),
        method,
        place: i + 1,
        rank: among.get(method)!,
        score,
        speedup: `${speedup}x`,
        label: board === last ? method : '',
      }));
    });
  });
  const longest = Math.max(0, ...rows.map(({ method }) => method.length));
  const most = Math.max(1, ...rows.map(({ place }) => place));
  const x = {
    field: 'speedup',
    type: 'ordinal',
    title: null,
    sort: speedups.map(speedup => `${speedup}x`),
    axis: { labelAngle: 0, domain: false, ticks: false, orient: 'top', labelFontSize: 12 },
  };
  const y = { field: 'place', type: 'quantitative', axis: null, scale: { domain: [0.5, most + 0.5], reverse: true } };
  return chart({
    data: { values: rows },
    facet: facet('panel'),
    columns: 2,
    spacing: { column: 30 + 6.5 * longest, row: 24 },
    spec: {
      width: { step: 78 },
      height: 22 * most,
      encoding: { x, y, color: { ...byMethod(results), legend: null } },
      layer: [
        { mark: { type: 'line', strokeWidth: 2 } },
        {
          mark: { type: 'circle', size: 300, opacity: 1 },
          encoding: { tooltip: ['method', 'speedup', 'rank', 'score'].map(field => ({ field })) },
        },
        {
          mark: { type: 'text', fontSize: 10, fontWeight: 'bold' },
          encoding: { text: { field: 'rank' }, color: { value: 'white' } },
        },
        {
          mark: { type: 'text', align: 'left', dx: 14 },
          encoding: { text: { field: 'label' }, color: { value: '#4a5162' } },
        },
      ],
    },
    // Panels of other speed-ups have other axes.
    resolve: { scale: { x: 'independent' }, axis: { x: 'independent' } },
  } as unknown as TopLevelSpec);
}

/**
 * Kendall's tau between boards, over the methods that two have in common. The diagonal is left out, and so are pairs in
 * which all scores of a board are the same.
 */
export function tauChart(list: readonly Board[]): Chart {
  const rows = pairsOf(list).flatMap(pair => {
    const { tau, n, p } = tauOf(pair);
    const [a, b] = pair.map(({ name }) => name);
    if (Number.isNaN(tau)) return [];
    const row = { tau, methods: n, p };
    return [
      { ...row, a, b },
      { ...row, a: b, b: a },
    ];
  });
  const names = list.map(({ name }) => name);
  return chart({
    data: { values: rows },
    width: { step: 30 },
    height: { step: 22 },
    encoding: {
      x: {
        field: 'a',
        type: 'nominal',
        title: null,
        scale: { domain: names },
        axis: { labelAngle: -60, labelLimit: 0 },
      },
      y: { field: 'b', type: 'nominal', title: null, scale: { domain: names }, axis: { labelLimit: 0 } },
      tooltip: ['a', 'b', 'tau', 'p', 'methods'].map(field => ({ field })),
    },
    layer: [
      {
        mark: 'rect',
        encoding: {
          color: {
            field: 'tau',
            type: 'quantitative',
            title: 'tau',
            scale: { domain: [-1, 1], domainMid: 0, range: ['#b2582f', '#f7f5f2', '#2f6f8f'] },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 10 },
        encoding: {
          text: { field: 'tau', type: 'quantitative', format: '.1f' },
          color: { condition: { test: 'abs(datum.tau) > 0.6', value: 'white' }, value: '#4a5162' },
        },
      },
    ],
  } as unknown as TopLevelSpec);
}

/**
 * Time of a pruning step, on a logarithmic axis, against the points lost: a point per method, by geometric mean and mean
 * over the speed-ups, a panel for each model and data set.
 */
export function costChart(results: readonly Result[]): Chart {
  const rows = groupBy(boards(results), subjectOf).flatMap(members =>
    groupBy(
      members.flatMap(board => board.results),
      ({ method }) => method,
    ).map(list => ({
      panel: subjectOf(members[0]!),
      method: list[0]!.method,
      seconds: geometricMean(list.map(({ stepSeconds }) => stepSeconds)),
      delta: mean(list.map(({ delta }) => delta)),
    })),
  );
  return chart({
    data: { values: rows },
    facet: facet('panel'),
    columns: 2,
    spacing: 28,
    spec: {
      width: 280,
      height: 200,
      mark: { type: 'point', filled: true, size: 90, opacity: 1 },
      encoding: {
        x: {
          field: 'seconds',
          type: 'quantitative',
          title: 'seconds per pruning step',
          scale: { type: 'log', nice: true },
          axis: { format: '~g', tickCount: 6, grid: false },
        },
        y: { field: 'delta', type: 'quantitative', title: 'score against base, points', scale: { zero: false } },
        color: { ...byMethod(results), title: null },
        tooltip: ['method', 'seconds', 'delta'].map(field => ({ field })),
      },
    },
    resolve: { scale: { x: 'independent', y: 'independent' }, axis: { x: 'independent', y: 'independent' } },
  } as unknown as TopLevelSpec);
}

/** What regularizers add to their criterion: a bar per board, a column of panels per method. */
export function gainChart(list: readonly Gain[]): Chart {
  const rows = list.map(gain => ({ ...gain, board: `${gain.model}, ${gain.dataset}, ${gain.speedup}x` }));
  return chart({
    data: { values: rows },
    facet: facet('method'),
    columns: 3,
    spacing: 24,
    spec: {
      width: 190,
      height: { step: 16 },
      mark: 'bar',
      encoding: {
        x: {
          field: 'gain',
          type: 'quantitative',
          title: 'points more than the criterion alone',
          scale: { type: 'symlog' },
        },
        y: {
          field: 'board',
          type: 'nominal',
          title: null,
          axis: { labelLimit: 0 },
          sort: [...new Set(rows.map(({ board }) => board))],
        },
        color: { condition: { test: 'datum.gain < 0', value: '#b2582f' }, value: '#2f6f8f' },
        tooltip: ['method', 'board', 'gain'].map(field => ({ field })),
      },
    },
  } as unknown as TopLevelSpec);
}

/** Parameters left against the score at equal multiply-adds: a point per method, a panel for each board. */
export function paramsChart(results: readonly Result[]): Chart {
  const list = boards(results);
  const rows = list.flatMap(({ name, results: members }) =>
    members.map(({ method, paramsLeft, score }) => ({ panel: name, method, paramsLeft, score })),
  );
  return chart({
    data: { values: rows },
    facet: facet(
      'panel',
      list.map(({ name }) => name),
    ),
    columns: 3,
    spacing: 24,
    spec: {
      width: 190,
      height: 150,
      mark: { type: 'point', filled: true, size: 80, opacity: 1 },
      encoding: {
        x: { field: 'paramsLeft', type: 'quantitative', title: 'parameters left, %' },
        y: { field: 'score', type: 'quantitative', title: 'score, %', scale: { zero: false } },
        color: { ...byMethod(results), title: null },
        tooltip: ['method', 'paramsLeft', 'score'].map(field => ({ field })),
      },
    },
    resolve: { scale: { x: 'independent', y: 'independent' }, axis: { x: 'independent', y: 'independent' } },
  } as unknown as TopLevelSpec);
}
