import { z } from 'zod';
import { suggestion } from './catalogue.ts';

/** Names of a plugin's options, where its schema says them. */
export const optionNames = ({ options }: { readonly options: unknown }): readonly string[] | undefined =>
  options instanceof z.ZodObject ? Object.keys(options.shape as object) : undefined;

/** Options of a plugin, checked and completed with its defaults. Throws for one that it does not have. */
export function parseOptions<O>(
  plugin: { readonly id: string; readonly kind: string; readonly options: { parse(value: unknown): O } },
  options: unknown = {},
): O {
  const owner = `${plugin.kind} ${plugin.id}`;
  const names = optionNames(plugin);
  const unknown = names && Object.keys(options as object).find(name => !names.includes(name));
  if (unknown !== undefined)
    throw new Error(`${owner}: no option ${unknown}${suggestion(unknown, names!) || ' (it has none)'}`);
  try {
    return plugin.options.parse(options);
  } catch (error) {
    const issue = (error as { issues?: { path: PropertyKey[]; message: string }[] }).issues?.[0];
    throw new Error(`${owner}: option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? String(error)}`);
  }
}

/** Those of the values that are options of a plugin; all where its schema does not say its options. */
export function optionsAmong(
  plugin: { readonly options: unknown },
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = optionNames(plugin);
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names || names.includes(name)));
}

/** Options for a record, which should not know where data lie. */
export const withoutPath = ({ path: _, ...rest }: Readonly<Record<string, unknown>>): Record<string, unknown> => rest;
