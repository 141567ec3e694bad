import { mean, median } from '../statistics.ts';
import { bootstrap, type Resampling } from './bootstrap.ts';
import { boards, groupBy, partsOf, type Result } from './result.ts';

/** What a regularizer adds to the score of its criterion on one board. */
export interface Gain {
  readonly model: string;
  readonly dataset: string;
  readonly protocol: string;
  readonly strategy: string;
  readonly speedup: number;
  readonly method: string;
  readonly criterion: string;
  readonly regularizer: string;
  /** Score of the pair less the score of its criterion alone, in points. */
  readonly gain: number;
}

/** Gains of all methods with a regularizer whose criterion is on the same board without one. */
export function regularizerGains(results: readonly Result[]): Gain[] {
  return boards(results).flatMap(({ results: members, model, dataset, protocol, strategy, speedup }) =>
    members.flatMap(result => {
      const { criterion, regularizer } = partsOf(result);
      const alone = members.find(({ method }) => method === criterion);
      if (regularizer === null || !alone) return [];
      const gain = result.score - alone.score;
      return [{ model, dataset, protocol, strategy, speedup, method: result.method, criterion, regularizer, gain }];
    }),
  );
}

/** Gains of a method over boards. */
export interface GainSummary {
  readonly method: string;
  readonly boards: number;
  readonly better: number;
  readonly worse: number;
  readonly mean: number;
  readonly median: number;
  /** Interval of the mean, by drawing pairs of model and data set anew (see `bootstrap`): speed-ups of one are alike. */
  readonly low: number;
  readonly high: number;
  /** Sign test over pairs of model and data set by their mean gain: the chance of a split at least as uneven. */
  readonly p: number;
}

/** Gains by method, best mean first. */
export function gainSummaries(list: readonly Gain[], options: Resampling = {}): GainSummary[] {
  return groupBy(list, ({ method }) => method)
    .map(members => {
      const values = members.map(({ gain }) => gain);
      const clusters = groupBy(members, ({ model, dataset }) => `${model}, ${dataset}`).map(cluster =>
        cluster.map(({ gain }) => gain),
      );
      const means = clusters.map(mean);
      return {
        method: members[0]!.method,
        boards: members.length,
        better: values.filter(value => value > 0).length,
        worse: values.filter(value => value < 0).length,
        mean: mean(values),
        median: median(values),
        ...bootstrap(clusters.length, drawn => mean(drawn.flatMap(i => clusters[i]!)), options),
        p: signTest(means.filter(value => value > 0).length, means.filter(value => value < 0).length),
      };
    })
    .sort((a, b) => b.mean - a.mean);
}

/** Two-sided: the chance that fair coins fall at least as unevenly. */
export function signTest(heads: number, tails: number): number {
  const n = heads + tails;
  let [chance, sum] = [2 ** -n, 0];
  for (let k = 0; k <= Math.min(heads, tails); k++) {
    sum += chance;
    chance *= (n - k) / (k + 1);
  }
  return Math.min(1, 2 * sum);
}
