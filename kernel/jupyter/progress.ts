import { display, interruptSignal, type DisplayHandle } from './display.ts';
import { frontend } from './frontend.ts';
import { displaySymbol, escapeHtml, type MimeBundle } from './mime.ts';

export type Postfix = Readonly<Record<string, string | number>>;

export interface ProgressOptions {
  readonly label?: string;
  /** Number of steps, where it cannot be told from what is iterated. */
  readonly total?: number;
  /** Milliseconds between two updates of the display (default 100). */
  readonly interval?: number;
}

/** A bar that callbacks move on. One display shows it, updated at most ten times a second. */
export class ProgressBar {
  label: string;
  /** Number of steps; undefined where nobody knows. */
  total: number | undefined;
  value = 0;
  postfix: Postfix = {};
  readonly #interval: number;
  readonly #started = performance.now();
  readonly #line: Line;
  #drawn = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(total?: number, { label = '', interval = 100 }: Omit<ProgressOptions, 'total'> = {}) {
    this.total = total;
    this.label = label;
    this.#interval = interval;
    this.#line = frontend().kind === 'terminal' ? terminalLine() : displayLine();
    this.#draw();
  }

  /** Moves on by `steps`; `postfix` is shown behind the bar, as in `{ loss: 0.12 }`. */
  tick(steps = 1, postfix?: Postfix): void {
    this.set(this.value + steps, postfix);
  }

  /** Moves to a step. */
  set(value: number, postfix?: Postfix): void {
    if (this.#closed) return;
    this.value = value;
    if (postfix) this.postfix = postfix;
    const rest = this.#drawn + this.#interval - performance.now();
    if (rest <= 0) this.#draw();
    else this.#timer ??= setTimeout(() => this.#draw(), rest).unref();
  }

  /** Draws it as it stands and ends it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Seconds left at the pace so far. */
  get left(): number | undefined {
    if (!this.total || !this.value) return undefined;
    return Math.max(0, (this.elapsed / this.value) * (this.total - this.value));
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawn = performance.now();
    this.#line.draw(this, this.#closed);
  }

  /** Numbers behind the bar. */
  get #numbers(): string {
    const { value, total, elapsed, left } = this;
    const count = total === undefined ? String(value) : `${value}/${total}`;
    const rate = value && elapsed ? `, ${pace(value / elapsed)}` : '';
    const time = left === undefined || this.#closed ? clock(elapsed) : `${clock(elapsed)} < ${clock(left)}`;
    const postfix = Object.entries(this.postfix).map(([name, item]) => `${name}=${short(item)}`);
    return [count, `[${time}${rate}]`, ...postfix].join(' ');
  }

  toString(): string {
    const share = this.total ? Math.min(1, this.value / this.total) : undefined;
    const bar = share === undefined ? [] : [`${String(Math.floor(share * 100)).padStart(3)}%`, blocks(share, 24)];
    return [this.label, ...bar, this.#numbers].filter(Boolean).join(' ');
  }

  toMimeBundle(): MimeBundle {
    const value = this.total === undefined ? '' : ` value="${this.value}" max="${this.total}"`;
    const label = this.label && `<span>${escapeHtml(this.label)}</span>`;
    const bar = `<progress${this.#closed && !value ? ' value="1" max="1"' : value} style="width:16em"></progress>`;
    const html = `<div class="pruningbench-progress" style="display:flex;gap:0.75em;align-items:center">${label}${bar}<code>${escapeHtml(this.#numbers)}</code></div>`;
    return { 'text/html': html, 'text/plain': this.toString() };
  }

  [displaySymbol](): MimeBundle {
    return this.toMimeBundle();
  }
}

/** Steps with a bar. */
export class Progress<T> implements AsyncIterable<T> {
  readonly #source: Iterable<T> | AsyncIterable<T>;
  readonly #options: ProgressOptions;
  #bar: ProgressBar | undefined;

  constructor(source: Iterable<T> | AsyncIterable<T>, options: ProgressOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Its bar, drawn when it is first asked for or the steps begin. */
  get bar(): ProgressBar {
    return (this.#bar ??= new ProgressBar(this.#options.total ?? sizeOf(this.#source), this.#options));
  }

  /** Shows values behind the bar. */
  postfix(values: Postfix): void {
    this.bar.postfix = values;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    const { bar } = this;
    const signal = interruptSignal();
    let yielded = performance.now();
    try {
      for await (const item of this.#source) {
        signal.throwIfAborted();
        yield item;
        bar.tick();
        if (performance.now() - yielded < 50) continue;
        await new Promise(resolve => setImmediate(resolve));
        yielded = performance.now();
      }
      signal.throwIfAborted();
    } finally {
      bar.close();
    }
  }
}

/**
 * Iterates with a bar, as in `for await (const batch of progress(batches, { label: 'train' }))`; a number counts from 0.
 * Between steps it lets displays out and stops when the cell is interrupted.
 */
export function progress(count: number, options?: ProgressOptions): Progress<number>;
export function progress<T>(source: Iterable<T> | AsyncIterable<T>, options?: ProgressOptions): Progress<T>;
export function progress<T>(source: Iterable<T> | AsyncIterable<T> | number, options: ProgressOptions = {}) {
  if (typeof source !== 'number') return new Progress(source, options);
  return new Progress(count(source), { total: source, ...options });
}

function* count(end: number): Generator<number> {
  for (let i = 0; i < end; i++) yield i;
}

function sizeOf(source: object): number | undefined {
  const { length, size } = source as { length?: unknown; size?: unknown };
  return typeof length === 'number' ? length : typeof size === 'number' ? size : undefined;
}

const blocks = (share: number, width: number): string => {
  const full = Math.round(share * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
};

const short = (value: string | number): string => (typeof value === 'number' ? String(+value.toPrecision(4)) : value);

const pace = (rate: number): string =>
  rate >= 1 || rate === 0 ? `${+rate.toPrecision(3)}/s` : `${+(1 / rate).toPrecision(3)} s each`;

/** Seconds as `0:07` or `1:02:03`. */
export function clock(seconds: number): string {
  const all = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

interface Line {
  draw(bar: ProgressBar, last: boolean): void;
}

function displayLine(): Line {
  let handle: DisplayHandle | undefined;
  return {
    draw(bar) {
      if (handle) void handle.update(bar);
      else handle = display(bar);
    },
  };
}

/** Redraws one line of a terminal; where standard error is a file, it writes a line now and then. */
function terminalLine(): Line {
  const { stderr } = process;
  const pause = 10_000;
  let written = performance.now();
  return {
    draw(bar, last) {
      if (stderr.isTTY) {
        const text = [...bar.toString()].slice(0, stderr.columns - 1).join('');
        stderr.write(`\r\x1b[K${text}${last ? '\n' : ''}`);
      } else if (last || performance.now() - written > pause) {
        written = performance.now();
        stderr.write(`${bar.toString()}\n`);
      }
    },
  };
}
