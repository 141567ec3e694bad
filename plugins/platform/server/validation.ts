import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { strange } from '../plain-text.ts';
import { Refused } from './refused.ts';

/** Depth that bodies may have. */
const deepest = 32;

/**
 * Holds what is sent against a schema as it stands: nothing is dropped and no type is changed. Throws for the first thing
 * that is wrong, with its name.
 */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema }) => {
  return (data: unknown) => {
    const field = strangeIn(data, []);
    if (field) return { error: new Refused(400, field.message, { field: field.path.join('.') }) };
    const { success, data: value, error } = schema.safeParse(data);
    if (success) return { value };
    const { path, message, ...issue } = nearest(error.issues[0]!);
    const at = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0]!] : path;
    const what = issue.code === 'unrecognized_keys' ? 'there is no such field' : message;
    const name = at.map(String).join('.');
    return { error: new Refused(400, name ? `${name}: ${lower(what)}` : lower(what), name ? { field: name } : {}) };
  };
};

/** Where there is a choice, what is wrong with the one that fits best. */
function nearest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const [best] = issue.errors.toSorted((a, b) => a.length - b.length);
  if (!best) return issue;
  const inner = nearest(best[0]!);
  return { ...inner, path: [...issue.path, ...inner.path] };
}

const lower = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** Where something is too deep, or has characters that no name has. */
function strangeIn(value: unknown, path: readonly string[]): { path: readonly string[]; message: string } | undefined {
  if (typeof value === 'string')
    return strange.test(value) ? { path, message: `${path.join('.')}: it has control characters` } : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length >= deepest) return { path: path.slice(0, 3), message: `it is more than ${deepest} levels deep` };
  for (const [key, part] of Object.entries(value)) {
    const found = strange.test(key)
      ? { path, message: 'a field has control characters in its name' }
      : strangeIn(part, [...path, key]);
    if (found) return found;
  }
  return undefined;
}
