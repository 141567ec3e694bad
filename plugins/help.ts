import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suggestion } from '../kernel/catalogue.ts';
import { fieldsOf, jsonSchema } from '../kernel/text/schema.ts';
import { documentedNames, HelpPage, summary, type Documented } from '../kernel/jupyter/help.ts';
import { table, type Table } from '../kernel/jupyter/index.ts';
import type { Plugin } from '../kernel/plugin.ts';
import { catalogue } from './catalogue.ts';

/** Where names are declared, and what they are for. */
const rooms: readonly (readonly [RegExp, string])[] = [
  [/[\\/]plugins[\\/](?:api|help)\./, 'to begin with'],
  [/[\\/]kernel[\\/]graph[\\/]/, 'networks'],
  [/[\\/]kernel[\\/]prune[\\/]/, 'pruning'],
  [/[\\/]kernel[\\/]train[\\/]/, 'training'],
  [/[\\/]kernel[\\/]bench[\\/]/, 'benchmark'],
  [/[\\/]kernel[\\/]jupyter[\\/]/, 'notebooks'],
  [/[\\/]kernel[\\/]/, 'your own'],
  [/./, 'what there is'],
];
const roomOf = ({ file }: Documented): number => rooms.findIndex(([pattern]) => pattern.test(file));

const declarations = ['./index.d.ts', './index.ts'].map(name => fileURLToPath(new URL(name, import.meta.url)));
let known: ReadonlyMap<string, Documented> | undefined;

/** What is preloaded, by what it is for, with a line each. */
export function help(): Table;
/** Signature and documentation of a name, as in `help('prune')`, or of a method, model or data set, as in `help('lamp')`. */
export function help(name: string): HelpPage;
export function help(name?: string): Table | HelpPage {
  known ??= documentedNames(declarations.find(file => existsSync(file))!);
  const names = known;
  if (name === undefined) return overview([...names.values()]);
  const found = names.get(name);
  if (found && found.kind !== 'namespace') return new HelpPage(name, found.signature, found.documentation);
  const namespace = found && catalogue[name as keyof typeof catalogue];
  if (namespace) return new HelpPage(name, '', namespace.map(({ id, title }) => `- \`${id}\`: ${title}`).join('\n'));
  const plugins = Object.values(catalogue).flat() as (Plugin<unknown> & { readonly kind: string })[];
  const plugin = plugins.find(({ id }) => id === name);
  if (plugin) return pluginPage(plugin);
  throw new Error(`no help on ${name}${suggestion(name, [...names.keys(), ...plugins.map(({ id }) => id)])}`);
}

function overview(names: readonly Documented[]): Table {
  const rows = names
    .filter(({ kind }) => kind !== 'type')
    .sort((a, b) => roomOf(a) - roomOf(b))
    .map(entry => ({ for: rooms[roomOf(entry)]![1], name: entry.name, what: summary(entry.documentation) }));
  const beside = [
    { for: 'beside it', name: 'aq', what: 'arquero, for tables of data; import it in other kernels than ours' },
    { for: 'beside it', name: 'pb', what: 'all of the above under one name' },
  ];
  const shown = [...rows, ...beside].map((row, i, all) => (row.for === all[i - 1]?.for ? { ...row, for: '' } : row));
  return table(shown, {
    caption: `help('prune') tells more; so do help('lamp') and help('criteria')`,
    limit: shown.length,
  });
}

function pluginPage({ id, kind, title, paper, options }: Plugin<unknown> & { readonly kind: string }): HelpPage {
  const fields = fieldsOf(jsonSchema(options)).map(({ key, schema: { description = '', default: value } }) => {
    const otherwise = value === undefined ? '' : ` (default ${JSON.stringify(value)})`;
    return `- \`${key}\`${description && `: ${description}`}${otherwise}`;
  });
  const text = [`${kind}: ${title}.`, paper && `${paper}.`, fields.length ? `Options:\n\n${fields.join('\n')}` : ''];
  return new HelpPage(id, '', text.filter(Boolean).join('\n\n'));
}
