import { permutation, random, type Random } from '../../random.ts';
import { mean } from '../statistics.ts';
import { bootstrap, type Resampling } from './bootstrap.ts';
import { kendall, tauB, type Kendall } from './kendall.ts';
import { ranks, type Board } from './result.ts';

/** Two boards, in methods that both have. */
export type BoardPair = readonly [Board, Board];

/** Every pair of boards once. */
export const pairsOf = (list: readonly Board[]): BoardPair[] =>
  list.flatMap((a, i) => list.slice(i + 1).map((b): BoardPair => [a, b]));

/** Methods that all boards have, in the order of the first. */
export function methodsInCommon(list: readonly Pick<Board, 'results'>[]): string[] {
  const [first, ...others] = list.map(({ results }) => results.map(({ method }) => method));
  return (first ?? []).filter(method => others.every(methods => methods.includes(method)));
}

const scoresOf = ({ results }: Board): Map<string, number> =>
  new Map(results.map(({ method, score }) => [method, score]));

/** Whether two boards rank alike the methods that both have. */
export function tauOf([a, b]: BoardPair): Kendall {
  const methods = methodsInCommon([a, b]);
  const [x, y] = [scoresOf(a), scoresOf(b)].map(scores => methods.map(method => scores.get(method)!));
  return kendall(x!, y!);
}

/** What two boards differ in, as in `speedup` or `model, dataset`. */
export const differenceOf = ([a, b]: BoardPair): string =>
  (['model', 'dataset', 'protocol', 'strategy', 'speedup'] as const).filter(key => a[key] !== b[key]).join(', ');

/** How far boards agree. */
export interface Agreement {
  readonly pairs: number;
  /** How many methods there are in all. */
  readonly methods: number;
  /** Mean of Kendall's tau-b over the pairs. */
  readonly tau: number;
  /** Its interval, by drawing the methods anew (see `bootstrap`). */
  readonly low: number;
  readonly high: number;
  /** Share of draws with at least this tau where scores are dealt to methods at random, on every board by itself. */
  readonly p: number;
}

/**
 * Mean tau of pairs of boards, such as all that differ in nothing but the speed-up. Pairs that share a board are not
 * independent; the interval and `p` take that into account, since a draw is made for all boards at once. Both speak of
 * the choice of methods, not of the luck of a run: of that, boards of one run each say nothing.
 */
export function agreement(pairs: readonly BoardPair[], options: Resampling = {}): Agreement {
  const { resamples = 1000, seed = 0 } = options;
  const list = [...new Set(pairs.flat())];
  const methods = [...new Set(list.flatMap(({ results }) => results.map(({ method }) => method)))];
  const scores = new Map(list.map(board => [board, scoresOf(board)]));
  const tau = (chosen: readonly string[], of: (board: Board) => ReadonlyMap<string, number>) =>
    meanOfNumbers(
      pairs.map(([a, b]) => {
        const [x, y] = [of(a), of(b)];
        const both = chosen.filter(method => x.has(method) && y.has(method));
        return tauB(
          both.map(method => x.get(method)!),
          both.map(method => y.get(method)!),
        ).tau;
      }),
    );
  const found = tau(methods, board => scores.get(board)!);
  const source = random(seed, 'agreement');
  let reached = 0;
  for (let i = 0; i < resamples; i++) {
    const dealt = new Map(list.map(board => [board, deal(scores.get(board)!, source)]));
    if (tau(methods, board => dealt.get(board)!) >= found - 1e-12) reached += 1;
  }
  return {
    pairs: pairs.length,
    methods: methods.length,
    tau: found,
    ...bootstrap(
      methods.length,
      drawn =>
        tau(
          drawn.map(i => methods[i]!),
          board => scores.get(board)!,
        ),
      options,
    ),
    p: Number.isNaN(found) ? NaN : (reached + 1) / (resamples + 1),
  };
}

const meanOfNumbers = (values: readonly number[]): number => mean(values.filter(value => !Number.isNaN(value)));

function deal(scores: ReadonlyMap<string, number>, source: Random): Map<string, number> {
  const values = [...scores.values()];
  const order = permutation(values.length, source);
  return new Map([...scores.keys()].map((method, i) => [method, values[order[i]!]!]));
}

/** A method's ranks on several boards, among the methods that all of them have. */
export interface RankRow {
  readonly method: string;
  /** Mean rank. */
  readonly mean: number;
  readonly best: number;
  readonly worst: number;
  /** In the order of the boards. */
  readonly ranks: readonly number[];
}

/** Ranks on several boards, best mean first. */
export function rankRows(list: readonly Board[]): RankRow[] {
  const methods = methodsInCommon(list);
  const among = list.map(({ results }) => ranks({ results: results.filter(({ method }) => methods.includes(method)) }));
  return methods
    .map(method => {
      const row = among.map(board => board.get(method)!);
      return { method, mean: mean(row), best: Math.min(...row), worst: Math.max(...row), ranks: row };
    })
    .sort((a, b) => a.mean - b.mean || (a.method < b.method ? -1 : 1));
}
