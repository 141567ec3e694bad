import type { DisplayHandle } from './display.ts';
import { display } from './display.ts';
import type { MimeBundle } from './mime.ts';
import { displaySymbol } from './mime.ts';

/** What notebooks written for tslab import from `tslab`. */
export { display };

type Show = (data: string | Uint8Array) => void;

/** A display whose content each call replaces, as in tslab. */
export function newDisplay(): Record<keyof typeof types, Show> & { raw(type: string, data: unknown): void } {
  let handle: DisplayHandle | undefined;
  const raw = (type: string, data: unknown): void => {
    const content = data instanceof Uint8Array ? Buffer.from(data).toString('base64') : data;
    const value = { [displaySymbol]: (): MimeBundle => ({ [type]: content }) };
    if (handle) void handle.update(value);
    else handle = display(value);
  };
  const shows = Object.entries(types).map(([name, type]) => [name, (data: string | Uint8Array) => raw(type, data)]);
  return { raw, ...(Object.fromEntries(shows) as Record<keyof typeof types, Show>) };
}

const types = {
  javascript: 'text/javascript',
  html: 'text/html',
  markdown: 'text/markdown',
  latex: 'text/latex',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  pdf: 'application/pdf',
  text: 'text/plain',
} as const;

export const versions = { node: process.version };
