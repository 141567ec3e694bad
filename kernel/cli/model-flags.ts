import type { Command } from 'commander';
import { find, type Catalogue } from '../catalogue.ts';
import type { Plugin } from '../plugin.ts';
import { choose, type Chosen } from '../text/choose.ts';
import { fieldsOf, jsonSchema, splitSpec } from '../text/schema.ts';
import { usage, UsageError } from '../text/usage.ts';
import { addFlags, flagOf, typedFlags, type Given } from './flags.ts';

type Named = Plugin<unknown> & { readonly kind: string };

/** How a plugin is named on the command line, with the names there are. */
export const choiceOf = (kind: string, plugins: readonly Named[]): string =>
  `${kind}, as name or name:key=value,...: ${plugins.map(plugin => plugin.id).join(', ')}`;

/** Adds `--model` and a flag for every option of every model. */
export function addModelFlags(command: Command, { models }: Catalogue, heading = 'Options of models:'): Command {
  command
    .option('--model <name>', choiceOf('model', models))
    .option(
      '--weights <file>',
      'weights from PyTorch for the model (.safetensors, names of torchvision, timm, Ultralytics)',
    );
  for (const model of models) addFlags(command, model.options, heading);
  return command;
}

/** The model that `--model` and the flags of its options name. Throws for flags of other models. */
export function chooseModel(
  { models }: Catalogue,
  given: Given,
  defaults: Given = {},
): Chosen<Catalogue['models'][number]> {
  const spec = given['model'] as string;
  const { id } = splitSpec(spec);
  const model = usage(() => find('model', models, id));
  const own = new Set(fieldsOf(jsonSchema(model.options)).map(field => field.key));
  for (const key of modelKeys({ models }))
    if (key in given && !own.has(key) && key !== 'seed')
      throw new UsageError(`model ${id}: no option ${flagOf(key)} (it has ${[...own].map(flagOf).join(', ')})`);
  return choose('model', models, spec, { ...defaults, ...typedFlags(model.options, given) });
}

/** Names of the options of all models. */
export const modelKeys = ({ models }: Pick<Catalogue, 'models'>): string[] => [
  ...new Set(models.flatMap(model => fieldsOf(jsonSchema(model.options)).map(field => field.key))),
];
