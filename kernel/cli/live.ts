import type { Io } from './io.ts';

/** Milliseconds from one line of a log to the next: within a stage, and to the first one of another stage. */
const [withinStage, toNextStage] = [60_000, 10_000];

/**
 * A line on standard error that is written over, where that is a terminal. Elsewhere, such as in a file, it is left out,
 * or with `log` written line by line, now and then.
 */
export class LiveLine {
  readonly #io: Pick<Io, 'err' | 'columns'>;
  readonly #log: boolean;
  readonly #now: () => number;
  #shown = false;
  #stage = '';
  #noted = -Infinity;

  constructor(io: Pick<Io, 'err' | 'columns'>, { log = false, now = () => performance.now() } = {}) {
    this.#io = io;
    this.#log = log && io.columns === undefined;
    this.#now = now;
  }

  /** Whether there is a terminal to show it on. */
  get visible(): boolean {
    return this.#io.columns !== undefined;
  }

  /** `stage` is what the text is about, so that a log has the beginning of each that lasts. */
  show(text: string, stage = ''): void {
    const { columns } = this.#io;
    if (this.#log) this.#note(text, stage);
    if (columns === undefined) return;
    this.#io.err(`\r\x1b[K${text.slice(0, Math.max(0, columns - 1))}`);
    this.#shown = true;
  }

  #note(text: string, stage: string): void {
    const now = this.#now();
    if (now - this.#noted < (stage === this.#stage ? withinStage : toNextStage)) return;
    this.#io.err(`${text}\n`);
    this.#stage = stage;
    this.#noted = now;
  }

  /** Takes the line away, for another text to be written. */
  clear(): void {
    if (this.#shown) this.#io.err('\r\x1b[K');
    this.#shown = false;
    this.#noted = this.#now();
  }
}
