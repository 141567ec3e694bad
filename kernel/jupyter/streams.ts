import type { Header } from './wire.ts';

export type StreamName = 'stdout' | 'stderr';

interface Piece {
  readonly name: StreamName;
  readonly parent: Header | undefined;
  readonly text: string[];
}

const interval = 50;
const limit = 1 << 18;

/**
 * What cells print, merged so that thousands of lines become a few messages. The interval grows while the event loop
 * does not turn, because a socket takes a limited number of sends in one turn.
 */
export class Streams {
  readonly #publish: (name: StreamName, text: string, parent: Header | undefined) => void;
  readonly #burst: () => number;
  #pieces: Piece[] = [];
  #size = 0;
  #flushed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(publish: (name: StreamName, text: string, parent: Header | undefined) => void, burst: () => number) {
    this.#publish = publish;
    this.#burst = burst;
  }

  write(name: StreamName, text: string, parent: Header | undefined): void {
    const last = this.#pieces.at(-1);
    if (last && last.name === name && last.parent === parent) last.text.push(text);
    else this.#pieces.push({ name, parent, text: [text] });
    this.#size += text.length;
    const due = performance.now() - this.#flushed > interval * 2 ** (this.#burst() >> 6);
    if (due || this.#size > limit) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), interval);
  }

  /** Lets the next line out at once: a cell may block after its first. */
  begin(): void {
    this.flush();
    this.#flushed = -Infinity;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#pieces.length) return;
    this.#flushed = performance.now();
    this.#size = 0;
    const pieces = this.#pieces;
    this.#pieces = [];
    for (const piece of pieces) this.#publish(piece.name, piece.text.join(''), piece.parent);
  }

  /** Replaces `process.stdout.write` and `process.stderr.write`; what is printed belongs to the cell `parent` names. */
  capture(parent: () => Header | undefined): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
        this.write(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'), parent());
        const callback = typeof encoding === 'function' ? encoding : done;
        if (typeof callback === 'function') queueMicrotask(() => (callback as () => void)());
        return true;
      };
      process[name].write = write as typeof process.stdout.write;
    }
  }
}
