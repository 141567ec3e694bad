import type { Command } from 'commander';
import type { Catalogue } from '../catalogue.ts';
import { decode } from '../graph/file.ts';
import type { Graph } from '../graph/graph.ts';
import { addModelFlags, chooseModel, modelKeys } from './choose.ts';
import { UsageError } from './errors.ts';
import { flagOf, type Given } from './flags.ts';
import { read } from './read.ts';

/** Where a graph comes from, as records have it. */
export type GraphSource =
  { readonly id: string; readonly options: Readonly<Record<string, unknown>> } | { readonly file: string };

/** Adds the flags that name a graph: a model of the zoo with its options, or a file. */
export function addGraphFlags(command: Command, catalogue: Catalogue, heading?: string): Command {
  command.option('--load <file>', 'saved model (.safetensors) instead of one of the zoo');
  return addModelFlags(command, catalogue, heading);
}

/** The graph that `--model` or `--load` names; `defaults` complete the options of a model. */
export async function graphFrom(
  catalogue: Catalogue,
  given: Given,
  defaults: Given = {},
): Promise<{ graph: Graph; source: GraphSource }> {
  const file = given['load'];
  if (typeof file === 'string') {
    const flags = ['model', ...modelKeys(catalogue)].filter(key => key in given && key !== 'seed');
    if (flags.length > 0)
      throw new UsageError(`--load ${file}: ${flags.map(flagOf).join(', ')} cannot be given with it`);
    const bytes = await read(file);
    try {
      return { graph: decode(bytes), source: { file } };
    } catch (cause) {
      throw new Error(`${file}: ${(cause as Error).message}`, { cause });
    }
  }
  if (given['model'] === undefined) throw new UsageError('no model: give --model NAME or --load FILE');
  const { plugin, options } = chooseModel(catalogue, given, defaults);
  return { graph: plugin.build(options), source: { id: plugin.id, options } };
}
