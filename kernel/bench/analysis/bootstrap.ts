import { random } from '../../random.ts';
import { quantile } from '../statistics.ts';

/** How an uncertainty is found. */
export interface Resampling {
  /** How often it is drawn anew (default 1000). */
  readonly resamples?: number;
  /** Share that an interval covers (default 0.95). */
  readonly level?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Percentile interval of a statistic of `n` things (Efron 1979): they are drawn anew, with replacement, and the statistic
 * is taken of the positions drawn. Draws that it is NaN for are left out; both ends are NaN where it always is. With few
 * things the interval is a rough one, and tends to be too narrow.
 */
export function bootstrap(
  n: number,
  statistic: (drawn: readonly number[]) => number,
  { resamples = 1000, level = 0.95, seed = 0 }: Resampling = {},
): { readonly low: number; readonly high: number } {
  const source = random(seed, 'bootstrap');
  const values: number[] = [];
  for (let i = 0; i < resamples; i++) {
    const value = statistic(Array.from({ length: n }, () => source.integer(n)));
    if (!Number.isNaN(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  return { low: quantile(values, (1 - level) / 2), high: quantile(values, (1 + level) / 2) };
}
