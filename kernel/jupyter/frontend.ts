import { createRequire } from 'node:module';
import { table, isTable, type TableSource } from './table.ts';
import { chart, isVegaLite, type ChartSpec } from './chart.ts';
import type { Formatter, MimeBundle } from './mime.ts';
import { valueFormatters } from './values.ts';

/** Where displays go: our kernel, stock tslab, or a terminal. */
export interface Frontend {
  readonly kind: 'kernel' | 'tslab' | 'terminal';
  send(bundle: MimeBundle, id: string, update: boolean): void;
  clear(wait: boolean): void;
  input(prompt: string, password: boolean): Promise<string>;
  /** Aborted when the running cell is interrupted. */
  signal(): AbortSignal;
  /** Promises of displays that are under way; a cell ends after them. */
  readonly pending: Set<Promise<void>>;
}

interface Slot {
  frontend?: Frontend;
  readonly formatters: Formatter[];
}

const key = Symbol.for('pruningbench.jupyter');

/** One slot in a process, so that a second copy of the package reaches the same kernel. */
function slot(): Slot {
  const holder = globalThis as { [key]?: Slot };
  return (holder[key] ??= { formatters: [] });
}

/** Makes a frontend the one that all displays of the process go to. */
export const setFrontend = (frontend: Frontend): void => void (slot().frontend = frontend);

export const frontend = (): Frontend => (slot().frontend ??= tslabFrontend() ?? terminalFrontend());

/** Teaches `display` a kind of values. */
export function registerFormatter<T>(formatter: Formatter<T>): void {
  const { formatters } = slot();
  const old = formatters.findIndex(({ name }) => name === formatter.name);
  if (old >= 0) formatters.splice(old, 1);
  formatters.unshift(formatter as Formatter);
}

const builtin: readonly Formatter[] = [
  { name: 'arquero', test: isTable, format: value => table(value as TableSource, { limit: 50 }).toMimeBundle() },
  { name: 'vega-lite', test: isVegaLite, format: value => chart(value as ChartSpec).toMimeBundle() },
  ...valueFormatters,
];

/** Formatters in the order in which they are asked. */
export const formatters = (): readonly Formatter[] => [...slot().formatters, ...builtin];

const never = new AbortController().signal;

function terminalFrontend(): Frontend {
  return {
    kind: 'terminal',
    send: bundle => void process.stdout.write(`${plainText(bundle)}\n`),
    clear: () => {},
    input: async prompt => {
      const { createInterface } = await import('node:readline/promises');
      const line = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return await line.question(prompt);
      } finally {
        line.close();
      }
    },
    signal: () => never,
    pending: new Set(),
  };
}

/** The text form of a bundle. */
export function plainText(bundle: MimeBundle): string {
  const text = bundle['text/plain'] ?? bundle['text/markdown'];
  if (text !== undefined) return String(text);
  const html = bundle['text/html'];
  if (html !== undefined)
    return String(html)
      .replace(/<[^>]*>/g, '')
      .trim();
  return `<${Object.keys(bundle).join(', ')}>`;
}

interface Tslab {
  newDisplay(): { raw(type: string, data: unknown): void };
}
type WriteDisplayData = (content: object, update?: boolean) => void;

/** The display of a stock tslab kernel, where this process is one. */
function tslabFrontend(): Frontend | undefined {
  const { __tslab__: runtime } = globalThis as { __tslab__?: { require(name: string): unknown } };
  if (!runtime) return undefined;
  const tslab = runtime.require('tslab') as Tslab;
  const displays = new Map<string, ReturnType<Tslab['newDisplay']>>();
  return {
    ...terminalFrontend(),
    kind: 'tslab',
    send(bundle, id, update) {
      const write = tslabWriter();
      if (write) write({ data: bundle, metadata: {}, transient: { display_id: id } }, update);
      else {
        // its public functions display one format at a time
        const display = displays.get(id) ?? tslab.newDisplay();
        displays.set(id, display);
        const type = ['text/html', 'image/svg+xml', 'image/png', 'text/markdown'].find(name => name in bundle);
        display.raw(type ?? 'text/plain', type ? bundle[type] : plainText(bundle));
      }
    },
    input: () => Promise.reject(new Error('tslab has no input')),
  };
}

/** tslab's function that publishes a display in several formats; its module is loaded, but not exported. */
function tslabWriter(): WriteDisplayData | undefined {
  const { cache } = createRequire(import.meta.url);
  for (const [file, module] of Object.entries(cache)) {
    if (!/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file)) continue;
    const { lastWriteDisplayData } = module!.exports as { lastWriteDisplayData?: WriteDisplayData };
    if (lastWriteDisplayData) return lastWriteDisplayData;
  }
  return undefined;
}
