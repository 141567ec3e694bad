import type { TopLevelSpec } from 'vega-lite';
import { chart, type Chart } from '../jupyter/chart.ts';
import { labelsOf } from './labels.ts';
import { standings, type Standing } from './leaderboard.ts';
import { byMethod } from './method-colours.ts';
import type { EpochRecord } from '../train/run-state.ts';
import { distinct, type RunRecord } from './record.ts';

const size = { width: 420, height: 280 };
const spec = (part: object): Chart => chart({ ...size, ...part } as TopLevelSpec);

/** Score against the multiply-adds that are left, a line per method, a panel per strategy; the base model as a rule. */
export function scoreChart(records: readonly RunRecord[]): Chart {
  const rows = standings(records);
  const [first] = rows;
  const title = first ? `${first.model} on ${first.dataset}` : 'no records';
  const layer = [
    {
      mark: { type: 'rule', strokeDash: [4, 4], color: '#888' },
      encoding: { y: { field: 'base', aggregate: 'mean', type: 'quantitative' } },
    },
    {
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'macsLeft', type: 'quantitative', title: 'multiply-adds left, %', scale: { zero: false } },
        y: { field: 'score', type: 'quantitative', title: 'score after fine-tuning, %', scale: { zero: false } },
        color: byMethod(rows),
        tooltip: ['method', 'strategy', 'speedup', 'score', 'delta', 'reached'].map(field => ({ field })),
      },
    },
  ];
  const strategies = [...new Set(rows.map(({ strategy }) => strategy))];
  if (strategies.length < 2) return spec({ title, data: { values: rows }, layer });
  return chart({
    title,
    data: { values: rows },
    facet: { field: 'strategy', type: 'nominal' },
    columns: 3,
    spec: { width: 240, height: 240, layer },
  } as unknown as TopLevelSpec);
}

/** Names of the methods by their best score. */
const byScore = (rows: readonly Standing[]): string[] => [
  ...new Set([...rows].sort((a, b) => b.score - a.score).map(({ method }) => method)),
];

const moments = { before: 'after pruning', recalibrated: 'norms recalibrated', score: 'after fine-tuning' };

/** Score right after pruning, with recalibrated norms, and after fine-tuning, per method. */
export function recoveryChart(records: readonly RunRecord[]): Chart {
  const rows = standings(records);
  const several = new Set(rows.map(({ strategy, speedup }) => `${strategy} ${speedup}`)).size > 1;
  const layers = {
    ...size,
    height: { step: 22 },
    encoding: {
      y: { field: 'method', type: 'nominal', title: null, sort: byScore(rows) },
      x: { type: 'quantitative', title: 'score, %' },
    },
    layer: [
      {
        mark: { type: 'rule', color: '#7b828e66', strokeWidth: 3 },
        encoding: { x: { field: 'before' }, x2: { field: 'score' } },
      },
      {
        transform: [
          { fold: Object.keys(moments), as: ['when', 'percent'] },
          { filter: 'isValid(datum.percent)' },
          { calculate: `${JSON.stringify(moments)}[datum.when]`, as: 'moment' },
        ],
        mark: { type: 'point', filled: true, size: 90, opacity: 1 },
        encoding: {
          x: { field: 'percent' },
          color: {
            field: 'moment',
            type: 'nominal',
            title: null,
            scale: { domain: Object.values(moments), range: ['#e08a3c', '#8fb4a0', '#3d8fc2'] },
          },
          tooltip: ['method', 'strategy', 'speedup', 'before', 'recalibrated', 'score', 'base'].map(field => ({
            field,
          })),
        },
      },
    ],
  };
  return chart({
    title: 'before and after fine-tuning',
    data: { values: rows },
    transform: [{ calculate: "datum.strategy + ', ' + datum.speedup + 'x'", as: 'setting' }],
    ...(several ? { facet: { row: { field: 'setting', type: 'nominal', title: null } }, spec: layers } : layers),
  } as unknown as TopLevelSpec);
}

/** Rank of every method at every speed-up. */
export function rankChart(records: readonly RunRecord[]): Chart {
  const rows = standings(records);
  const half = Math.max(0, ...rows.map(({ rank }) => rank)) / 2;
  return spec({
    title: 'ranks',
    data: { values: rows },
    height: { step: 26 },
    width: { step: 60 },
    encoding: {
      y: { field: 'method', type: 'nominal', title: null, sort: { field: 'rank', op: 'mean' } },
      x: { field: 'speedup', type: 'ordinal', title: 'speed-up', axis: { labelAngle: 0 } },
      column: { field: 'strategy', type: 'nominal', title: null },
    },
    layer: [
      {
        mark: 'rect',
        encoding: { color: { field: 'rank', type: 'quantitative', scale: { scheme: 'blues', reverse: true } } },
      },
      {
        mark: 'text',
        encoding: {
          text: { field: 'rank' },
          // the first are dark
          color: { condition: { test: `datum.rank <= ${half}`, value: '#fff' }, value: '#222' },
        },
      },
    ],
  });
}

/** Share of its channels that each group keeps, from the first layer to the last, a row per method. */
export function layersChart(records: readonly RunRecord[], speedup?: number): Chart {
  const shown = speedup ?? Math.max(...records.map(record => record.configuration.speedup));
  const labels = labelsOf(records);
  const rows = distinct(records)
    .filter(record => record.configuration.speedup === shown)
    .flatMap(record => {
      const { method, strategy } = labels(record);
      return record.groups
        .filter(({ whole }) => whole === undefined)
        .map(({ id, units, kept }, position) => ({
          method,
          strategy,
          group: id,
          position,
          left: kept.length / units,
          units: `${kept.length} of ${units}`,
        }));
    });
  return spec({
    title: `channels kept per group at ${shown}x`,
    data: { values: rows },
    height: { step: 26 },
    width: { step: 18 },
    mark: 'rect',
    encoding: {
      x: { field: 'group', type: 'nominal', title: null, sort: { field: 'position' }, axis: { labelAngle: -60 } },
      y: { field: 'method', type: 'nominal', title: null },
      color: {
        field: 'left',
        type: 'quantitative',
        title: 'kept',
        scale: { domain: [0, 1], scheme: 'viridis' },
        legend: { format: '.0%' },
      },
      tooltip: ['method', 'group', 'units'].map(field => ({ field })),
      ...(new Set(rows.map(({ strategy }) => strategy)).size > 1
        ? { row: { field: 'strategy', type: 'nominal', title: null } }
        : {}),
    },
  });
}

/** Measured latency against multiply-adds: a point per pruned model and batch size, and the line where both agree. */
export function latencyChart(records: readonly RunRecord[]): Chart {
  const labels = labelsOf(records);
  const rows = distinct(records).flatMap(record => {
    const { method, strategy } = labels(record);
    return record.latency.map(({ batch, base: before, pruned: after }) => ({
      method,
      strategy,
      batch: `batch ${batch}`,
      macs: record.base.macs / record.pruned.macs,
      latency: before / after,
    }));
  });
  const top = Math.max(1, ...rows.map(({ macs }) => macs));
  return spec({
    title: 'what fewer multiply-adds come to on this machine',
    layer: [
      {
        data: { values: [{ x: 1 }, { x: top }] },
        mark: { type: 'line', strokeDash: [4, 4], color: '#888' },
        encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'x', type: 'quantitative' } },
      },
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, size: 70 },
        encoding: {
          x: { field: 'macs', type: 'quantitative', title: 'multiply-adds, times fewer', scale: { zero: false } },
          y: { field: 'latency', type: 'quantitative', title: 'latency, times shorter', scale: { zero: false } },
          color: byMethod(rows),
          shape: { field: 'batch', type: 'nominal', title: null },
          tooltip: ['method', 'strategy', 'batch', 'macs', 'latency'].map(field => ({ field })),
        },
      },
    ],
  });
}

/** Loss and score by epoch of a training; by default the score is the first number that its evaluations give. */
export function trainingChart(history: readonly EpochRecord[], score = scoreOf(history)): Chart {
  const rows = history.map(({ epoch, loss, scores }) => ({ epoch, loss, score: scores?.[score] ?? null }));
  return spec({
    title: 'training',
    height: 200,
    data: { values: rows },
    encoding: { x: { field: 'epoch', type: 'quantitative', axis: wholeTicks(rows.map(({ epoch }) => epoch)) } },
    layer: [
      {
        mark: { type: 'line', color: '#dd5555' },
        encoding: {
          y: { field: 'loss', type: 'quantitative', title: 'training loss', axis: { titleColor: '#dd5555' } },
        },
      },
      {
        mark: { type: 'line', color: '#5b8def', point: true },
        encoding: {
          y: {
            field: 'score',
            type: 'quantitative',
            title: `test ${score}`,
            axis: { titleColor: '#5b8def', format: '.0%' },
            scale: { zero: false },
          },
        },
      },
    ],
    resolve: { scale: { y: 'independent' } },
  });
}

/** Few whole numbers have a tick each; the ticks that vega makes of them have fractions. */
const wholeTicks = (values: readonly number[]) => (values.length > 10 ? { format: 'd' } : { format: 'd', values });

const scoreOf = (history: readonly EpochRecord[]): string =>
  history.flatMap(({ scores }) => Object.keys(scores ?? {}))[0] ?? 'score';
