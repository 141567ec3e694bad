import { hashOf, type RunRecord } from '../bench/record.ts';
import { mean } from '../bench/statistics.ts';
import { countKey } from '../prune/speedup.ts';
import { outcomes, type Entry, type Rerun } from './entry.ts';

/** What verifications say of an entry; without one it is `reported`. */
export type Status = 'reported' | Outcome;
/**
 * `reproduced`: every number is the same, to the last digit. `re-run`: the mean score is within the tolerance, and the
 * speed-up was reached, where it is one of multiply-adds. Else it `differs`.
 */
export type Outcome = (typeof outcomes)[number];

/** The numbers of a record that a verification holds against those of another. */
export function rerunOf({ configuration, score, base, pruned, groups }: RunRecord): Rerun {
  const { params, macs, macsCompatible } = pruned;
  return {
    seed: configuration.seed,
    base: base.scores[score]!,
    before: pruned.before[score]!,
    recalibrated: pruned.recalibrated?.[score] ?? null,
    score: pruned.scores[score]!,
    params,
    macs,
    macsCompatible,
    groups: hashOf(groups.map(({ id, kept }) => [id, kept])),
  };
}

/**
 * Multiply-adds of a record's base model over those of what it was pruned to, as the protocol counts them. Where it goes by
 * measured time, that cannot be counted again, on another machine least of all: any speed-up is taken as reached.
 */
export function countedSpeedupOf(
  { configuration: { protocol }, base }: RunRecord,
  pruned: Pick<Rerun, 'macs' | 'macsCompatible'>,
): number {
  if (protocol.count === 'latency') return Infinity;
  const count = countKey(protocol.count);
  return base[count] / pruned[count];
}

/** What runs of an entry's seeds come to, held against its records. */
export function outcomeOf(records: readonly RunRecord[], runs: readonly Rerun[], tolerance: number): Outcome {
  const bySeed = new Map(records.map(record => [record.configuration.seed, record]));
  const pairs = runs.map(run => ({ run, record: bySeed.get(run.seed)! }));
  if (pairs.every(({ run, record }) => hashOf(run) === hashOf(rerunOf(record)))) return 'reproduced';
  const reached = pairs.every(({ run, record }) => countedSpeedupOf(record, run) >= record.configuration.speedup);
  const points = 100 * Math.abs(mean(pairs.map(({ run, record }) => run.score - rerunOf(record).score)));
  // Both sides are decimals, so that a difference of just the tolerance may come out a hair above it.
  return reached && points <= tolerance + 1e-9 ? 're-run' : 'differs';
}

/** The best that a verification said. */
export const statusOf = ({ verifications }: Pick<Entry, 'verifications'>): Status =>
  [...outcomes].reverse().find(outcome => verifications.some(one => one.outcome === outcome)) ?? 'reported';

/**
 * Points of score by which a re-run may differ: twice the spread over the entry's seeds, but half a point at least; one
 * point where there is one seed, since nothing says then how far runs are apart.
 */
export function toleranceOf(records: readonly RunRecord[]): number {
  if (records.length < 2) return 1;
  const scores = records.map(record => 100 * rerunOf(record).score);
  const centre = mean(scores);
  const spread = Math.sqrt(scores.reduce((sum, s) => sum + (s - centre) ** 2, 0) / (scores.length - 1));
  return Math.max(0.5, 2 * spread);
}
