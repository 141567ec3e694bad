import * as aq from 'arquero';
import { countKey } from '../prune/speedup.ts';
import { labelsOf } from './labels.ts';
import { distinct, type RunRecord } from './record.ts';

/** What an entry of a leaderboard says of its records; records of one's own runs have none of it. */
export interface EntryLabels {
  /** Id of the entry. */
  readonly entry: string | null;
  readonly by: string | null;
  readonly division: 'closed' | 'open' | null;
  /** What verifications say: whether the numbers are reported, or came out again. */
  readonly status: 'reported' | 'differs' | 're-run' | 'reproduced' | null;
}

const noEntry: EntryLabels = { entry: null, by: null, division: null, status: null };

/** A line of a leaderboard: one method at one speed-up under one strategy, over all seeds. */
export interface Standing extends EntryLabels {
  readonly model: string;
  readonly dataset: string;
  readonly protocol: string;
  readonly strategy: string;
  /** The speed-up that was asked for. */
  readonly speedup: number;
  /** Among those of the same model, data set, division, protocol, strategy and speed-up; equal scores share a rank. */
  readonly rank: number;
  readonly method: string;
  /** How many seeds there are. */
  readonly runs: number;
  /** Score of the base model, before fine-tuning and after; in percent where the score is a share. */
  readonly base: number;
  readonly before: number;
  /** Before fine-tuning, with recalibrated batch norms; null where that was not done. */
  readonly recalibrated: number | null;
  readonly score: number;
  /** Sample deviation of the score over seeds; null for one. */
  readonly spread: number | null;
  readonly delta: number;
  readonly params: number;
  /** Parameters and MACs left, in percent. */
  readonly paramsLeft: number;
  readonly macsLeft: number;
  /** MACs before over MACs after. */
  readonly reached: number;
  /** Latency before over latency after at the smallest batch that was measured; null where none was. */
  readonly latencyRatio: number | null;
  /** A step of the pruning schedule. */
  readonly stepSeconds: number;
  /** What the regularizer adds to a training step; null where there is none. */
  readonly regularizerSeconds: number | null;
}

/**
 * Ranks records, best first within each strategy and speed-up. Everything is computed from the records; one that is
 * given twice counts once. Names have the options in which records differ, so that only runs of the same are put
 * together, and only those of one entry where `entryOf` says which they are of.
 */
export function standings(
  given: readonly RunRecord[],
  entryOf: (record: RunRecord) => EntryLabels = () => noEntry,
): Standing[] {
  const records = distinct(given);
  const labels = labelsOf(records);
  const rows = records.map(record => {
    const { configuration: c, base, pruned, latency, seconds, score } = record;
    const count = countKey(c.protocol.count);
    const [measured] = [...latency].sort((a, b) => a.batch - b.batch);
    return {
      ...labels(record),
      ...entryOf(record),
      speedup: c.speedup,
      base: 100 * base.scores[score]!,
      before: 100 * pruned.before[score]!,
      recalibrated: pruned.recalibrated ? 100 * pruned.recalibrated[score]! : NaN,
      score: 100 * pruned.scores[score]!,
      params: pruned.params,
      paramsLeft: (100 * pruned.params) / base.params,
      macsLeft: (100 * pruned[count]) / base[count],
      reached: base[count] / pruned[count],
      latencyRatio: measured ? measured.base / measured.pruned : NaN,
      stepSeconds: seconds.prune / Math.max(1, seconds.steps),
      regularizerSeconds: seconds.regularizer ?? NaN,
    };
  });
  if (rows.length === 0) return [];
  const keys = ['model', 'dataset', 'division', 'protocol', 'strategy', 'speedup'];
  const { op } = aq;
  return aq
    .from(rows)
    .groupby(...keys, 'method', 'entry', 'by', 'status')
    .rollup({
      runs: () => op.count(),
      base: (d: Row) => op.mean(d.base),
      before: (d: Row) => op.mean(d.before),
      recalibrated: (d: Row) => op.mean(d.recalibrated),
      spread: (d: Row) => op.stdev(d.score),
      score: (d: Row) => op.mean(d.score),
      params: (d: Row) => op.mean(d.params),
      paramsLeft: (d: Row) => op.mean(d.paramsLeft),
      macsLeft: (d: Row) => op.mean(d.macsLeft),
      reached: (d: Row) => op.mean(d.reached),
      latencyRatio: (d: Row) => op.mean(d.latencyRatio),
      stepSeconds: (d: Row) => op.mean(d.stepSeconds),
      regularizerSeconds: (d: Row) => op.mean(d.regularizerSeconds),
    })
    .derive({ delta: (d: Row) => d.score - d.base })
    .orderby('method')
    .reify()
    .orderby(...keys, aq.desc('score'))
    .groupby(...keys)
    .derive({ rank: () => op.rank() })
    .ungroup()
    .objects()
    .map(row => {
      const { runs, spread, recalibrated, latencyRatio, regularizerSeconds } = row as Standing;
      return {
        ...(row as Standing),
        spread: runs > 1 ? spread : null,
        recalibrated: orNull(recalibrated),
        latencyRatio: orNull(latencyRatio),
        regularizerSeconds: orNull(regularizerSeconds),
      };
    });
}

const orNull = (value: number | null): number | null => (Number.isFinite(value) ? value : null);

type Row = { [column in keyof Standing]: number };
