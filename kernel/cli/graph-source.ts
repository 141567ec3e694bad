import type { Command } from 'commander';
import type { Catalogue } from '../catalogue.ts';
import type { Graph } from '../graph/graph.ts';
import { loadWeights } from '../graph/load-weights.ts';
import { readModel } from '../read-model.ts';
import { decodeSafetensors } from '../safetensors.ts';
import { UsageError } from '../text/usage.ts';
import { addModelFlags, chooseModel, modelKeys } from './model-flags.ts';
import { flagOf, type Given } from './flags.ts';
import { read } from './read.ts';

/** Where a graph comes from, as records have it. */
export type GraphSource =
  { readonly id: string; readonly options: Readonly<Record<string, unknown>> } | { readonly file: string };

/** Adds the flags that name a graph: a model of the zoo with its options, or a file. */
export function addGraphFlags(command: Command, catalogue: Catalogue, heading?: string): Command {
  command
    .option('--load <file>', 'saved model (.safetensors) or ONNX file instead of one of the zoo')
    .option('--sizes <sizes>', 'with --load: sizes that an ONNX file leaves free, as height=640,width=640');
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
    const flags = ['model', 'weights', ...modelKeys(catalogue)].filter(key => key in given && key !== 'seed');
    if (flags.length > 0)
      throw new UsageError(`--load ${file}: ${flags.map(flagOf).join(', ')} cannot be given with it`);
    const sizes = sizesOf(given['sizes'] as string | undefined);
    return { graph: await readFrom(file, bytes => readModel(catalogue.formats, bytes, { sizes })), source: { file } };
  }
  if (given['model'] === undefined) throw new UsageError('no model: give --model NAME or --load FILE');
  const { plugin, options } = chooseModel(catalogue, given, defaults);
  const graph = plugin.build(options);
  const weights = given['weights'] as string | undefined;
  if (weights === undefined) return { graph, source: { id: plugin.id, options } };
  const loaded = await readFrom(weights, bytes => loadWeights(graph, decodeSafetensors(bytes).tensors));
  return { graph: loaded, source: { id: plugin.id, options: { ...options, weights } } };
}

/** What a file on the command line holds; errors begin with its name. */
export async function readFrom<T>(file: string, decode: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await read(file);
  try {
    return decode(bytes);
  } catch (cause) {
    throw new Error(`${file}: ${(cause as Error).message}`, { cause });
  }
}

function sizesOf(text = ''): Record<string, number> {
  const parts = text.split(',').filter(Boolean);
  return Object.fromEntries(
    parts.map(part => {
      const [name, size] = part.split('=') as [string, string?];
      if (!/^[1-9]\d*$/.test(size ?? '')) throw new UsageError(`--sizes: ${part} is no name=size`);
      return [name, Number(size)];
    }),
  );
}
