import { inspect } from 'node:util';

/** One value in several formats, by MIME type. */
export type MimeBundle = Record<string, unknown>;

/** A value with this method displays itself; the symbol is the one of Deno's kernel. */
export const displaySymbol: unique symbol = Symbol.for('Jupyter.display') as never;

/** A value that displays itself. */
export interface Displayable {
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

/** How values that do not display themselves are displayed. */
export interface Formatter<T = unknown> {
  /** A later formatter replaces an earlier one of the same name. */
  readonly name: string;
  test(value: unknown): boolean;
  format(value: T): MimeBundle | Promise<MimeBundle>;
}

type Method = () => MimeBundle | Promise<MimeBundle>;

const method = (value: object, name: PropertyKey): Method | undefined => {
  const found = (value as Record<PropertyKey, unknown>)[name];
  return typeof found === 'function' ? (found as Method) : undefined;
};

/** A value in the formats it has. `text/plain` is what `util.inspect` says where nothing else is known. */
export function toMimeBundle(value: unknown, formatters: readonly Formatter[]): MimeBundle | Promise<MimeBundle> {
  if (value !== null && (typeof value === 'object' || typeof value === 'function')) {
    const own = method(value, displaySymbol) ?? method(value, 'toMimeBundle');
    if (own) return own.call(value);
    for (const formatter of formatters) if (formatter.test(value)) return formatter.format(value);
  }
  return { 'text/plain': inspect(value, { depth: 2, maxArrayLength: 60, maxStringLength: 20_000 }) };
}

/** Text with what HTML gives a meaning escaped. */
export const escapeHtml = (text: unknown): string =>
  String(text).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
