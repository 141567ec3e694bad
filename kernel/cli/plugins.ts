import type { Plugin } from '../plugin.ts';
import { fieldsOf, jsonSchema, textOf, typeOf } from '../text/schema.ts';
import { table } from '../text/table.ts';

type Named = Plugin<unknown> & { readonly kind: string; readonly task?: string };

/** What a program may want to know of a plugin; options as JSON Schema. */
export const pluginJson = ({ id, kind, title, task, paper, options }: Named) => ({
  id,
  kind,
  title,
  task,
  paper,
  options: jsonSchema(options),
});

/** A plugin for people: title, paper, options with their defaults. */
export function pluginText({ id, kind, title, paper, options }: Named): string {
  const fields = fieldsOf(jsonSchema(options));
  const rows = fields.map(({ key, schema }) => [
    key,
    typeOf(schema),
    schema.default === undefined ? '' : textOf(schema.default),
    schema.description ?? '',
  ]);
  return [
    `${kind} ${id}: ${title}\n`,
    ...(paper ? [`${paper}\n`] : []),
    '\n',
    rows.length > 0 ? table(['option', 'value', 'default', 'meaning'], rows) : 'no options\n',
  ].join('');
}

/** Names and titles. */
export const pluginTable = (head: string, plugins: readonly Named[]): string =>
  table(
    [head, 'title', 'paper'],
    plugins.map(({ id, title, paper }) => [id, title, paper?.split(',')[0] ?? '']),
  );
