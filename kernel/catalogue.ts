import { closest, distance } from 'fastest-levenshtein';
import type { Experiment } from './bench/experiment.ts';
import type { Backend, Criterion, Dataset, Format, Model, Regularizer, Strategy, Task } from './plugin.ts';

/** Everything that can be named on the command line, in a notebook or in a record. */
export interface Catalogue {
  readonly models: readonly Model[];
  readonly datasets: readonly Dataset[];
  readonly criteria: readonly Criterion[];
  readonly regularizers: readonly Regularizer[];
  readonly strategies: readonly Strategy[];
  readonly tasks: readonly Task[];
  readonly backends: readonly Backend[];
  readonly formats: readonly Format[];
  readonly experiments: readonly Experiment[];
}

/** The plugin of this name, or the plugin itself where one is given. Throws with the nearest names. */
export function find<P extends { readonly id: string; readonly kind: string }>(
  kind: P['kind'],
  plugins: readonly P[],
  wanted: string | P,
): P {
  if (typeof wanted !== 'string') return wanted;
  const found = plugins.find(plugin => plugin.id === wanted);
  if (found) return found;
  throw new Error(
    `unknown ${kind} ${wanted}${suggestion(
      wanted,
      plugins.map(plugin => plugin.id),
    )}`,
  );
}

/** ` (did you mean x?)`, or all names where none is near. */
export function suggestion(wanted: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const nearest = closest(wanted, names);
  const near = distance(wanted, nearest) <= Math.max(2, wanted.length / 3);
  return near ? ` (did you mean ${nearest}?)` : ` (there are ${names.join(', ')})`;
}
