import { table, type Table } from '../jupyter/table.ts';
import type { Pruned } from '../prune/prune.ts';
import type { Graph } from '../graph/graph.ts';
import { groups } from '../graph/groups.ts';
import { standings, type Standing } from './leaderboard.ts';
import type { RunRecord } from './record.ts';

const fixed = (digits: number) => (value: number | null) => (value === null ? '' : value.toFixed(digits));
const milliseconds = (seconds: number | null) => (seconds === null ? '' : `${(1000 * seconds).toFixed(1)} ms`);
/** Points, with their sign. */
export const signed = (value: number): string => (value > 0 ? '+' : '') + value.toFixed(2);

/** What the columns of `leaderboardTable` mean, by heading. */
export const legend: Readonly<Record<string, string>> = {
  'speed-up': 'multiply-adds before over after, as asked for',
  base: 'score of the model before pruning, %',
  before: 'score right after pruning, %',
  recalibrated: 'the same with new statistics in the batch norms, no weight changed, %',
  score: 'score after fine-tuning, %',
  spread: 'sample deviation of the score over seeds, points',
  runs: 'seeds',
  delta: 'score less base, points',
  left: 'parameters that are left',
  reached: 'multiply-adds before over after, as reached',
  latency: 'measured time before over after',
  step: 'time of a step of the pruning schedule',
  regularizer: 'what the regularizer adds to a training step',
  status: 'reported; differs, re-run (within the tolerance) or reproduced (the same numbers) where it was run again',
};

/** The leaderboard of records as a table, best first; `legend` has what its columns mean. */
export const leaderboardTable = (records: readonly RunRecord[], caption?: string): Table =>
  standingsTable(standings(records), caption);

/** Standings as a table; what is the same in all of them is said once, in the caption. */
export function standingsTable(rows: readonly Standing[], caption = captionOf(rows)): Table {
  const several = (column: 'model' | 'dataset' | 'protocol' | 'strategy') =>
    new Set(rows.map(row => row[column])).size > 1;
  const entries = rows.some(({ entry }) => entry !== null);
  const seeds = rows.some(({ runs }) => runs > 1);
  return table(rows, {
    caption,
    limit: rows.length,
    columns: [
      ...(['model', 'dataset', 'protocol', 'strategy'] as const).filter(several),
      ...(entries ? ['division'] : []),
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
      ...(entries ? ['status', 'by', 'entry'] : []),
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

/** As in `resnet18 x0.25 on shapes, protocol quick, strategy local`: what is the same in all rows. */
export function captionOf(rows: readonly Standing[]): string {
  const the = (column: 'model' | 'dataset' | 'protocol' | 'strategy') => {
    const [value, ...others] = new Set(rows.map(row => row[column]));
    return others.length === 0 ? value : undefined;
  };
  const [model, dataset, protocol, strategy] = [the('model'), the('dataset'), the('protocol'), the('strategy')];
  const subject = [model ?? 'models', dataset === undefined ? '' : `on ${dataset}`].filter(Boolean).join(' ');
  if (rows.length === 0) return 'no records';
  return [subject, protocol && `protocol ${protocol}`, strategy && `strategy ${strategy}`].filter(Boolean).join(', ');
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
