import type { Result } from '../../../../kernel/bench/analysis/result.ts';

/** A result with what a test is about; the rest is the same for all. */
export const resultOf = (what: Partial<Result> & Pick<Result, 'method' | 'score'>): Result => ({
  model: 'net',
  dataset: 'data',
  protocol: 'test',
  strategy: 'global',
  speedup: 2,
  base: 90,
  delta: what.score - 90,
  params: 500,
  paramsLeft: 50,
  stepSeconds: 1,
  regularizerSeconds: null,
  ...what,
});

/** Results of one board: scores by method. */
export const boardOf = (scores: Readonly<Record<string, number>>, what: Partial<Result> = {}): Result[] =>
  Object.entries(scores).map(([method, score]) => resultOf({ method, score, ...what }));
