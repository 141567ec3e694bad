import { table, type Table } from '../jupyter/table.ts';
import type { Pruned } from '../prune/prune.ts';
import type { Graph } from '../graph/graph.ts';
import { groups } from '../graph/groups.ts';
import { standings } from './leaderboard.ts';
import type { RunRecord } from './record.ts';

const fixed = (digits: number) => (value: number | null) => (value === null ? '' : value.toFixed(digits));
const milliseconds = (seconds: number | null) => (seconds === null ? '' : `${(1000 * seconds).toFixed(1)} ms`);
const signed = (value: number) => (value > 0 ? '+' : '') + value.toFixed(2);

/**
 * The leaderboard of records as a table, best first. `before` is the score right after pruning, `recalibrated` the one
 * with new statistics in the batch norms, `score` the one after fine-tuning, `delta` its difference to `base`. `left` is
 * the share of the parameters, `reached` the speed-up in multiply-adds and `latency` the one in measured time, `step` the
 * time of a step of the pruning schedule, `regularizer` what the regularizer adds to a training step.
 */
export function leaderboardTable(records: readonly RunRecord[], caption?: string): Table {
  const rows = standings(records);
  const several = (column: 'model' | 'dataset' | 'protocol' | 'strategy') =>
    new Set(rows.map(row => row[column])).size > 1;
  const seeds = rows.some(({ runs }) => runs > 1);
  return table(rows, {
    ...(caption === undefined ? {} : { caption }),
    limit: rows.length,
    columns: [
      ...(['model', 'dataset', 'protocol', 'strategy'] as const).filter(several),
      'speedup',
      'rank',
      'method',
      'base',
      'before',
      ...(rows.some(({ recalibrated }) => recalibrated !== null) ? ['recalibrated'] : []),
      'score',
      ...(seeds ? ['spread', 'runs'] : []),
      'delta',
      'paramsLeft',
      'reached',
      'latencyRatio',
      'stepSeconds',
      ...(rows.some(({ regularizerSeconds }) => regularizerSeconds !== null) ? ['regularizerSeconds'] : []),
    ],
    headings: {
      speedup: 'speed-up',
      paramsLeft: 'left',
      latencyRatio: 'latency',
      stepSeconds: 'step',
      regularizerSeconds: 'regularizer',
    },
    format: {
      speedup: (value: number) => `${value}x`,
      base: fixed(2),
      before: fixed(2),
      recalibrated: fixed(2),
      score: fixed(2),
      spread: fixed(2),
      delta: signed,
      paramsLeft: (value: number) => `${value.toFixed(1)} %`,
      reached: (value: number) => `${value.toFixed(2)}x`,
      latencyRatio: (value: number | null) => (value === null ? '' : `${value.toFixed(2)}x`),
      stepSeconds: milliseconds,
      regularizerSeconds: milliseconds,
    },
  });
}

/** Every group of a graph: what it holds and whether it can be pruned. */
export function groupTable(graph: Graph): Table {
  const rows = groups(graph).map(({ id, units, members, protected: reason }) => ({
    group: id,
    units,
    members: members.length,
    protected: reason ?? '',
  }));
  return table(rows, { caption: `${graph.name}: ${rows.length} dependency groups`, limit: rows.length });
}

/** Units per group before and after. */
export function layerTable({ groups: results, speedup }: Pick<Pruned, 'groups' | 'speedup'>): Table {
  const rows = results.map(({ id, units, kept, whole }) => ({
    group: id,
    before: units,
    after: kept.length,
    left: `${((100 * kept.length) / units).toFixed(0)} %`,
    whole: whole ?? '',
  }));
  return table(rows, { caption: `${speedup.toFixed(2)}x fewer multiply-adds`, limit: rows.length });
}
