import type { Io } from './io.ts';

/** A line on standard error that is written over, where that is a terminal. */
export class LiveLine {
  readonly #io: Pick<Io, 'err' | 'columns'>;
  #shown = false;

  constructor(io: Pick<Io, 'err' | 'columns'>) {
    this.#io = io;
  }

  /** Whether there is a terminal to show it on. */
  get visible(): boolean {
    return this.#io.columns !== undefined;
  }

  show(text: string): void {
    const { columns } = this.#io;
    if (columns === undefined) return;
    this.#io.err(`\r\x1b[K${text.slice(0, Math.max(0, columns - 1))}`);
    this.#shown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) this.#io.err('\r\x1b[K');
    this.#shown = false;
  }
}
