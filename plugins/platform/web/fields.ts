import { fieldsOf, kindsOf, textOf, valueOf, type JsonSchema } from '../../../kernel/text/schema.ts';

/** What was typed, by the path of its field, as in `base.optimizer.learningRate`. */
export type Texts = Readonly<Record<string, string>>;

/** Something that cannot be taken, and where. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Texts of what a schema allows to be left out as a whole. */
export const [none, some] = ['none', 'some'];

/** The schema of what is there, where null may stand in its place. */
export function unlessNull({ anyOf }: JsonSchema): JsonSchema | undefined {
  const [first, second, ...more] = anyOf ?? [];
  return second?.type === 'null' && more.length === 0 ? first : undefined;
}

export const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** The value at a key, where there is an object with one. */
export const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The kind that is chosen of several objects. */
export const chosenKind = (schema: JsonSchema, start: unknown, texts: Texts, path: string): string =>
  texts[join(path, 'kind')] ?? String(at(start, 'kind') ?? at(schema.default, 'kind') ?? kindsOf(schema)[0]![0]);

/** What a variant of several objects starts with: nothing, where another kind was there before. */
export const startOf = (kind: string, start: unknown): unknown => (at(start, 'kind') === kind ? start : undefined);

/**
 * The value that a form of a schema comes to: what was typed in place of what it started with. What has neither stays
 * undefined, so that the server's defaults hold.
 */
export function read(schema: JsonSchema, start: unknown, texts: Texts, path = ''): [value: unknown, Problem[]] {
  const there = unlessNull(schema);
  if (there) {
    const text = texts[path] ?? (start === null ? none : some);
    if (text === none) return [null, []];
    const [value, problems] = read(there, start ?? undefined, texts, path);
    return [value ?? {}, problems];
  }
  const kinds = kindsOf(schema);
  if (kinds.length > 0) {
    const kind = chosenKind(schema, start, texts, path);
    const variant = kinds.find(([name]) => name === kind);
    if (!variant) return [start, [{ path, message: `no kind ${kind}` }]];
    if (start === undefined && !Object.keys(texts).some(key => key.startsWith(`${path}.`))) return [undefined, []];
    return read(variant[1], startOf(kind, start) ?? { kind }, texts, path);
  }
  if (schema.properties) {
    const problems: Problem[] = [];
    const value: Record<string, unknown> = { ...(start as object | undefined) };
    for (const { key, schema: own } of fieldsOf(schema)) {
      const [part, found] = read(own, at(start, key), texts, join(path, key));
      problems.push(...found);
      if (part !== undefined) value[key] = part;
    }
    return [start === undefined && Object.keys(value).length === 0 ? undefined : value, problems];
  }
  const text = texts[path];
  if (text === undefined) return [start, []];
  if (text.trim() === '')
    return start === undefined ? [undefined, []] : [start, [{ path, message: 'a value is needed' }]];
  const value = valueOf(schema, text.trim());
  const message = problemOf(schema, value);
  return [value, message === undefined ? [] : [{ path, message }]];
}

/** Why a value does not fit; undefined where it does. */
export function problemOf(schema: JsonSchema, value: unknown): string | undefined {
  if (schema.type === 'array') {
    const items = value as unknown[];
    return items.length === 0
      ? 'a value is needed'
      : items.map(item => problemOf(schema.items ?? {}, item)).find(Boolean);
  }
  if (schema.enum && !schema.enum.includes(value)) return `${textOf(value)} is none of ${schema.enum.join(', ')}`;
  if (schema.type === 'boolean' && typeof value !== 'boolean') return `${textOf(value)} is neither true nor false`;
  if (schema.type !== 'number' && schema.type !== 'integer') return undefined;
  if (typeof value !== 'number') return `${textOf(value)} is not a number`;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (schema.type === 'integer' && !Number.isInteger(value)) return `${value} is not a whole number`;
  if (minimum !== undefined && value < minimum) return `${value} is less than ${minimum}`;
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    return `${value} is not more than ${exclusiveMinimum}`;
  if (maximum !== undefined && value > maximum) return `${value} is more than ${maximum}`;
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum)
    return `${value} is not less than ${exclusiveMaximum}`;
  if (multipleOf !== undefined && value % multipleOf !== 0) return `${value} is not a multiple of ${multipleOf}`;
  return undefined;
}

/** Several numbers, as in `2, 4, 8`. */
export function readNumbers(text: string, item: JsonSchema, path: string): [readonly number[], Problem[]] {
  const texts = text.split(/[\s,;]+/).filter(Boolean);
  if (texts.length === 0) return [[], [{ path, message: 'a value is needed' }]];
  const values = [...new Set(texts.map(one => valueOf(item, one.replace(/x$/i, ''))))];
  const message = values.map(value => problemOf(item, value)).find(Boolean);
  return message === undefined ? [values as number[], []] : [[], [{ path, message }]];
}
