import type { Standing } from '../leaderboard.ts';
import { geometricMean, mean } from '../statistics.ts';
import { bootstrap, type Resampling } from './bootstrap.ts';
import { kendall, tauB, type Kendall } from './kendall.ts';
import { boards, groupBy, type Board, type Result } from './result.ts';

/** A ratio of a method over boards. */
export interface RatioSummary {
  readonly method: string;
  readonly boards: number;
  /** Geometric mean. */
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
}

/** Ratios by method, least first. */
const summarize = (ratios: readonly { method: string; ratio: number }[]): RatioSummary[] =>
  groupBy(ratios, ({ method }) => method)
    .map(members => {
      const values = members.map(({ ratio }) => ratio);
      return {
        method: members[0]!.method,
        boards: values.length,
        ratio: geometricMean(values),
        least: Math.min(...values),
        most: Math.max(...values),
      };
    })
    .sort((a, b) => a.ratio - b.ratio);

/**
 * Time of a pruning step as a multiple of that of `reference` on the same board. Boards without it are left out: seconds
 * of other machines and models do not compare.
 */
export function stepTimes(results: readonly Result[], reference = 'magnitude-l2'): RatioSummary[] {
  return summarize(
    boards(results).flatMap(({ results: members }) => {
      const one = members.find(({ method }) => method === reference);
      return one ? members.map(({ method, stepSeconds }) => ({ method, ratio: stepSeconds / one.stepSeconds })) : [];
    }),
  );
}

/** Time of a regularizer as a multiple of the shortest on the same board, over methods that have one. */
export function regularizerTimes(results: readonly Result[]): RatioSummary[] {
  return summarize(
    boards(results).flatMap(({ results: members }) => {
      const timed = members.filter(({ regularizerSeconds }) => regularizerSeconds !== null);
      const least = Math.min(...timed.map(({ regularizerSeconds }) => regularizerSeconds!));
      return timed.map(({ method, regularizerSeconds }) => ({ method, ratio: regularizerSeconds! / least }));
    }),
  );
}

/** Share of the parameters over the share of multiply-adds that the speed-up leaves: above 1, more parameters stay. */
export const parametersKept = (results: readonly Result[]): RatioSummary[] =>
  summarize(results.map(({ method, paramsLeft, speedup }) => ({ method, ratio: (paramsLeft / 100) * speedup })));

/** Whether a quantity goes with the score. */
export interface Trend {
  readonly boards: number;
  /** Mean over boards of Kendall's tau-b between the quantity and the score. */
  readonly tau: number;
  /** Its interval, by drawing pairs of model and data set anew. */
  readonly low: number;
  readonly high: number;
}

/** Whether methods with more of a quantity score higher, board by board. */
export function scoreTrend(
  results: readonly Result[],
  quantity: (result: Result) => number,
  options: Resampling = {},
): Trend {
  const tau = ({ results: members }: Board) =>
    tauB(
      members.map(quantity),
      members.map(({ score }) => score),
    ).tau;
  const list = boards(results).filter(board => !Number.isNaN(tau(board)));
  const clusters = groupBy(list, ({ model, dataset }) => `${model}, ${dataset}`).map(members => members.map(tau));
  return {
    boards: list.length,
    tau: mean(clusters.flat()),
    ...bootstrap(clusters.length, drawn => mean(drawn.flatMap(i => clusters[i]!)), options),
  };
}

/** What fewer multiply-adds came to in measured time. */
export interface Delivery {
  readonly models: number;
  /** Geometric means of the speed-up in multiply-adds and in latency. */
  readonly promised: number;
  readonly measured: number;
  /** Least and most of measured over promised. */
  readonly least: number;
  readonly most: number;
  /** Whether models with fewer multiply-adds are faster. */
  readonly order: Kendall;
}

/** Over standings whose latency was measured, or null where there are none. */
export function latencyDelivery(standings: readonly Pick<Standing, 'reached' | 'latencyRatio'>[]): Delivery | null {
  const measured = standings.filter(({ latencyRatio }) => latencyRatio !== null);
  if (measured.length === 0) return null;
  const [promises, times] = [measured.map(({ reached }) => reached), measured.map(row => row.latencyRatio!)];
  const shares = times.map((time, i) => time / promises[i]!);
  return {
    models: measured.length,
    promised: geometricMean(promises),
    measured: geometricMean(times),
    least: Math.min(...shares),
    most: Math.max(...shares),
    order: kendall(promises, times),
  };
}
