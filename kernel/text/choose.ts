import type { BenchOptions, Method } from '../bench/bench.ts';
import { find, type Catalogue } from '../catalogue.ts';
import type { Plugin } from '../plugin.ts';
import { checked, fieldsOf, jsonSchema, splitMethod, splitSpec, typed } from './schema.ts';
import { usage, UsageError } from './usage.ts';

/** A plugin with options that are checked and complete. */
export interface Chosen<P> {
  readonly plugin: P;
  readonly options: Record<string, unknown>;
}

type Named = Plugin<unknown> & { readonly kind: string };

/**
 * The plugin that a text such as `protected-global:floor=0.2` means. `defaults` are used for those of the plugin's
 * options that the text does not name. Throws a usage error with the nearest names.
 */
export function choose<P extends Named>(
  kind: P['kind'],
  plugins: readonly P[],
  spec: string,
  defaults: Readonly<Record<string, unknown>> = {},
): Chosen<P> {
  const { id, options: texts } = splitSpec(spec);
  const plugin = usage(() => find(kind, plugins, id));
  const owner = `${kind} ${plugin.id}`;
  const fields = fieldsOf(jsonSchema(plugin.options));
  const known = Object.entries(defaults).filter(([key]) => fields.some(field => field.key === key));
  const values = { ...Object.fromEntries(known), ...typed(fields, texts, owner) };
  const options = checked(plugin.options, values, key => `${owner}: option ${key}`);
  return { plugin, options: options as Record<string, unknown> };
}

/** The method that a text such as `magnitude-l2`, `cp:positions=20` or `magnitude-l2 + group-norm:reg=1e-3` means. */
export function chooseMethod(
  { criteria, regularizers }: Pick<Catalogue, 'criteria' | 'regularizers'>,
  text: string,
): Method {
  const [criterion, regularizer, ...more] = splitMethod(text);
  if (more.length > 0) throw new UsageError(`method ${text}: is written as criterion or criterion+regularizer`);
  const first = choose('criterion', criteria, criterion!.trim());
  const second = regularizer === undefined ? undefined : choose('regularizer', regularizers, regularizer.trim());
  return {
    criterion: first.plugin,
    criterionOptions: first.options,
    ...(second ? { regularizer: second.plugin, regularizerOptions: second.options } : {}),
  };
}

/** The strategy that a text such as `protected-global:floor=0.2` means. */
export function chooseStrategy(
  { strategies }: Pick<Catalogue, 'strategies'>,
  text: string,
): BenchOptions['strategies'][number] {
  const { plugin, options } = choose('strategy', strategies, text);
  return { strategy: plugin, options };
}
