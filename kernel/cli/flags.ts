import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { checked, fieldsOf, jsonSchema, kindsOf, textOf, typeOf, valueOf, type Field } from '../text/schema.ts';

/** Values of a command's flags, as texts. */
export type Given = Readonly<Record<string, unknown>>;

export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)}`;

function describe({ schema }: Field): string {
  const initial = textOf(schema.default ?? '');
  const fallback = initial && `(default: ${initial})`;
  const kinds = kindsOf(schema).map(
    ([kind, variant]) => `${kind}: ${fieldsOf(variant).flatMap(assignment).join(', ')}`,
  );
  return [schema.description, kinds.join('; '), fallback].filter(Boolean).join(' ');
}

/** As in `momentum=0.9`; nothing for what tells the kinds apart. */
const assignment = ({ key, schema }: Field): string[] =>
  schema.const === undefined ? [`${key}=${schema.default === undefined ? '...' : textOf(schema.default)}`] : [];

/** Adds a flag for every option of a schema that the command does not have yet. */
export function addFlags(command: Command, schema: z.ZodType, heading = 'Options:'): Command {
  for (const field of fieldsOf(jsonSchema(schema))) {
    const flag = flagOf(field.key);
    if (command.options.some(option => option.long === flag)) continue;
    const option = new Option(`${flag} <${typeOf(field.schema)}>`, describe(field));
    command.addOption(heading === 'Options:' ? option : option.helpGroup(heading));
  }
  return command;
}

/** Values of those flags that belong to a schema, checked and completed. */
export const readFlags = <T>(schema: z.ZodType<T>, given: Given): T =>
  checked(schema, typedFlags(schema, given), flagOf);

/** Values of those flags that were given and belong to a schema. */
export function typedFlags(schema: z.ZodType, given: Given): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { key, schema: field } of fieldsOf(jsonSchema(schema))) {
    const text = given[key];
    if (typeof text === 'string') values[key] = valueOf(field, text);
  }
  return values;
}
