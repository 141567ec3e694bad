import { z } from 'zod';
import { suggestion } from '../catalogue.ts';
import { UsageError } from './usage.ts';

/** The part of JSON Schema that options are described with. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** An option by its name in a schema. */
export interface Field {
  readonly key: string;
  readonly schema: JsonSchema;
}

export const jsonSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

/** The options of a schema; none where it is not one of an object. */
export const fieldsOf = (schema: JsonSchema): Field[] =>
  Object.entries(schema.properties ?? {}).map(([key, schema]) => ({ key, schema }));

/** Kinds of an option that is one of several objects, as in `sgd` and `adamw`. */
export const kindsOf = ({ oneOf, anyOf }: JsonSchema): [string, JsonSchema][] =>
  (oneOf ?? anyOf ?? []).flatMap(variant => {
    const kind = variant.properties?.['kind']?.const;
    return typeof kind === 'string' ? [[kind, variant] as [string, JsonSchema]] : [];
  });

/** What a value looks like, as in `number`, `a|b` or `sgd|adamw[:key=value,...]`. */
export function typeOf(schema: JsonSchema): string {
  const kinds = kindsOf(schema);
  if (kinds.length > 0) return `${kinds.map(([kind]) => kind).join('|')}[:key=value,...]`;
  if (schema.enum) return schema.enum.join('|');
  if (schema.type === 'boolean') return 'true|false';
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'array') return `${schema.items ? typeOf(schema.items) : 'value'},...`;
  return schema.type === 'string' ? 'text' : 'value';
}

/** A default as it would be typed. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  if (typeof value !== 'object' || value === null) return String(value);
  const { kind, ...rest } = value as Record<string, unknown>;
  const options = Object.entries(rest).map(([key, v]) => `${key}=${textOf(v)}`);
  return [kind, options.join()].filter(Boolean).join(':');
}

/** The value that a text means; what does not fit is left for the schema to refuse. */
export function valueOf(schema: JsonSchema, text: string): unknown {
  const kinds = kindsOf(schema);
  if (kinds.length > 0) {
    const { id, options } = splitSpec(text);
    const variant = kinds.find(([kind]) => kind === id)?.[1];
    return { kind: id, ...(variant ? typed(fieldsOf(variant), options, id) : options) };
  }
  if (schema.type === 'integer' || schema.type === 'number')
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  if (schema.type === 'boolean') return { true: true, false: false }[text] ?? text;
  if (schema.type === 'array') return text === '' ? [] : text.split(',').map(item => valueOf(schema.items ?? {}, item));
  if (schema.type === 'string' || schema.enum) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Values of options given as texts. Throws for an option that is not there, with the nearest name. */
export function typed(
  fields: readonly Field[],
  options: Readonly<Record<string, string>>,
  owner: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(options)) {
    const field = fields.find(field => field.key === key);
    if (!field) {
      const names = fields.map(field => field.key);
      throw new UsageError(`${owner}: no option ${key}${suggestion(key, names) || ' (it has none)'}`);
    }
    values[key] = valueOf(field.schema, text);
  }
  return values;
}

/** A name with options, as in `shapes:train=512,noise=0.1`; a comma within a value is none before a `key=`. */
export function splitSpec(text: string): { id: string; options: Record<string, string> } {
  const colon = text.indexOf(':');
  if (colon < 0) return { id: text, options: {} };
  const options: Record<string, string> = {};
  for (const part of text.slice(colon + 1).split(/,(?=[A-Za-z][\w-]*=)/)) {
    const equals = part.indexOf('=');
    if (equals < 1) throw new UsageError(`${text}: options are written as name:key=value,key=value`);
    options[part.slice(0, equals)] = part.slice(equals + 1);
  }
  return { id: text.slice(0, colon), options };
}

/** A criterion, and a regularizer where there is one, as in `magnitude-l2 + group-norm:reg=1e-3`. */
export const splitMethod = (text: string): string[] =>
  // the exponent of a number has a plus sign too
  text.split(/\s*\+\s*(?=[A-Za-z])/);

/** A name and options as `splitSpec` reads them. */
export function specOf(id: string, options: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(options).map(([key, value]) => `${key}=${textOf(value)}`);
  return texts.length > 0 ? `${id}:${texts.join()}` : id;
}

/** Values checked and completed by a schema. `name` says how an option is called in messages. */
export function checked<T>(
  schema: z.ZodType<T>,
  values: Readonly<Record<string, unknown>>,
  name: (key: string) => string,
): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const [key = '', ...rest] = issue.path.map(String);
  const given = values[key];
  if (given === undefined && issue.path.length === 1) throw new UsageError(`${name(key)} is required`);
  const at = [name(key), ...rest].join('.');
  const message = issue.message[0]!.toLowerCase() + issue.message.slice(1);
  throw new UsageError(
    `${at}${given === undefined || typeof given === 'object' ? '' : ` ${String(given)}`}: ${message}`,
  );
}
