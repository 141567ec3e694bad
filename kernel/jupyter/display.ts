import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { formatters, frontend } from './frontend.ts';
import { displaySymbol, toMimeBundle, type MimeBundle } from './mime.ts';

/** A display that can be changed. */
export class DisplayHandle {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  /** Shows something else in its place. */
  update(value: unknown): Promise<void> {
    return show(value, this.id, true);
  }

  /** As the last expression of a cell it shows nothing more. */
  [displaySymbol](): MimeBundle {
    return {};
  }

  /** Where values are printed, as in stock tslab, it is an empty line. */
  [inspect.custom](): string {
    return '';
  }
}

/** A display that may still be rendered; to await it is to know that it was sent. */
export class PendingDisplay extends DisplayHandle implements PromiseLike<DisplayHandle> {
  readonly #sent: Promise<void>;

  constructor(id: string, sent: Promise<void>) {
    super(id);
    this.#sent = sent;
  }

  then<A = DisplayHandle, B = never>(
    done?: ((handle: DisplayHandle) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#sent.then(() => new DisplayHandle(this.id)).then(done, failed);
  }
}

/** Sends at once what needs no waiting, and the rest in order. */
function show(value: unknown, id: string, update: boolean): Promise<void> {
  const target = frontend();
  const bundle = target.kind === 'terminal' && inspects(value) ? textOf(value) : toMimeBundle(value, formatters());
  const send = (ready: MimeBundle) => {
    if (Object.keys(ready).length) target.send(ready, id, update);
  };
  const earlier = [...target.pending];
  if (!earlier.length && !(bundle instanceof Promise)) {
    send(bundle);
    return Promise.resolve();
  }
  const sent = Promise.allSettled(earlier).then(async () => send(await bundle));
  target.pending.add(sent);
  const settled = () => void target.pending.delete(sent);
  sent.then(settled, settled);
  return sent;
}

const inspects = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && inspect.custom in value && !(value instanceof DisplayHandle);
const textOf = (value: unknown): MimeBundle => ({ 'text/plain': inspect(value) });
const newId = (): string => randomBytes(8).toString('hex');

function displayValue(value: unknown, { id = newId() }: { readonly id?: string } = {}): PendingDisplay {
  return new PendingDisplay(id, show(value, id, false));
}

const bundle = (data: MimeBundle) => ({ [displaySymbol]: () => data });
const base64 = (data: Uint8Array | string): string =>
  typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

/** Displays a formatted value of one MIME type; bytes are sent as base64. */
function raw(type: string, data: unknown): PendingDisplay;
/** Displays a value in several formats. */
function raw(formats: MimeBundle): PendingDisplay;
function raw(first: string | MimeBundle, data?: unknown): PendingDisplay {
  const formats = typeof first === 'string' ? { [first]: data instanceof Uint8Array ? base64(data) : data } : first;
  return displayValue(bundle(formats));
}

/**
 * Displays a value: in a notebook in the richest form it has, in a terminal as text. The handle it returns can change
 * the display. Values display themselves by `Symbol.for('Jupyter.display')`, `toMimeBundle()` or a registered formatter.
 */
export const display = Object.assign(displayValue, {
  raw,
  html: (text: string) => raw('text/html', text),
  svg: (text: string) => raw('image/svg+xml', text),
  markdown: (text: string) => raw({ 'text/markdown': text, 'text/plain': text }),
  latex: (text: string) => raw({ 'text/latex': text, 'text/plain': text }),
  javascript: (text: string) => raw('text/javascript', text),
  text: (text: string) => raw('text/plain', text),
  png: (data: Uint8Array | string) => raw('image/png', base64(data)),
  jpeg: (data: Uint8Array | string) => raw('image/jpeg', base64(data)),
  gif: (data: Uint8Array | string) => raw('image/gif', base64(data)),
  pdf: (data: Uint8Array | string) => raw('application/pdf', base64(data)),
});

/** Clears the output of the running cell; with `wait` not before the next output. */
export const clearOutput = (wait = false): void => frontend().clear(wait);

/** Asks the reader for a line. */
export const input = (prompt = '', { password = false }: { readonly password?: boolean } = {}): Promise<string> =>
  frontend().input(prompt, password);

/** Signal that is aborted when the running cell is interrupted; outside a notebook it never is. */
export const interruptSignal = (): AbortSignal => frontend().signal();
