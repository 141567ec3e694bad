import { grouped } from '../../grouped.ts';
import type { Standing } from '../leaderboard.ts';

/**
 * A line of a leaderboard as analyses see it. `standings` of own records are such lines, and so are published rows; the
 * two meet where model, data set, strategy, speed-up and method have the same names.
 */
export type Result = Pick<
  Standing,
  | 'model'
  | 'dataset'
  | 'protocol'
  | 'strategy'
  | 'speedup'
  | 'method'
  | 'base'
  | 'score'
  | 'delta'
  | 'params'
  | 'paramsLeft'
  | 'stepSeconds'
  | 'regularizerSeconds'
>;

/** The two parts of a method's name; `regularizer` is null where there is none. */
export function partsOf({ method }: Pick<Result, 'method'>): { criterion: string; regularizer: string | null } {
  const at = method.indexOf(' + ');
  return at < 0
    ? { criterion: method, regularizer: null }
    : { criterion: method.slice(0, at), regularizer: method.slice(at + 3) };
}

/** Results of methods without a regularizer. */
export const criteriaAlone = <T extends Result>(results: readonly T[]): T[] =>
  results.filter(result => partsOf(result).regularizer === null);

/** One leaderboard: what differs among its results is the method. */
export interface Board<T extends Result = Result> {
  /** Model, data set and speed-up, and what else tells it from the other boards. */
  readonly name: string;
  readonly model: string;
  readonly dataset: string;
  readonly protocol: string;
  readonly strategy: string;
  readonly speedup: number;
  /** Best first. */
  readonly results: readonly T[];
}

const keys = ['model', 'dataset', 'protocol', 'strategy', 'speedup'] as const;

/** Results by leaderboard, in the order of model, data set, protocol, strategy and speed-up. */
export function boards<T extends Result>(results: readonly T[]): Board<T>[] {
  const several = (key: 'protocol' | 'strategy') => new Set(results.map(result => result[key])).size > 1;
  const shown = (['protocol', 'strategy'] as const).filter(several);
  return groupBy(results, result => JSON.stringify(keys.map(key => result[key])))
    .map(members => {
      const { model, dataset, protocol, strategy, speedup } = members[0]!;
      const board = { model, dataset, protocol, strategy, speedup };
      const seen = new Set<string>();
      for (const { method } of members) {
        if (seen.has(method)) throw new Error(`${method} is twice on the board of ${Object.values(board).join(', ')}`);
        seen.add(method);
      }
      return {
        ...board,
        name: [model, dataset, ...shown.map(key => board[key]), `${speedup}x`].join(', '),
        results: members.toSorted((a, b) => b.score - a.score || (a.method < b.method ? -1 : 1)),
      };
    })
    .sort((a, b) => {
      for (const key of keys) if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1;
      return 0;
    });
}

/** Competition rank of every method of a board: equal scores share a rank, and the next one counts them all. */
export function ranks({ results }: Pick<Board, 'results'>): Map<string, number> {
  return new Map(results.map(({ method, score }) => [method, 1 + results.filter(other => other.score > score).length]));
}

/** Values with the same key together, in the order in which keys first appear. */
export const groupBy = <T>(values: readonly T[], keyOf: (value: T) => string): T[][] => [
  ...grouped(values, keyOf).values(),
];
