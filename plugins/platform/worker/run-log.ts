import { appendFile, stat } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { strange } from '../plain-text.ts';
import type { NewEvent } from '../run.ts';

/** Lines that wait to be told, a line's length, and the size of the file. */
const most = { lines: 300, characters: 2000, bytes: 16 * 2 ** 20 };

/** What an attempt has to tell: epochs, and lines, which also go to a file. What is too much is left out and counted. */
export class RunLog {
  readonly #file: string;
  #events: NewEvent[] = [];
  /** Events that were told and heard. */
  #heard = 0;
  #lines = 0;
  #left = 0;
  #text = '';
  #size: number | undefined;
  #broken = false;

  constructor(file: string) {
    this.#file = file;
  }

  line(text: string): void {
    for (const part of text.split(/\r?\n|\r/)) {
      const line = printable(part);
      if (line.trim() === '') continue;
      this.#text += `${new Date().toISOString()} ${line}\n`;
      if (this.#lines < most.lines) this.#push(line);
      else this.#left++;
    }
  }

  epoch(data: Readonly<Record<string, unknown>>): void {
    this.#events.push({ kind: 'epoch', data });
  }

  #push(line: string): void {
    this.#events.push({ kind: 'log', data: { line } });
    this.#lines++;
  }

  /** What is to be told next, and how much was told before. */
  next(): { events: readonly NewEvent[]; from: number } {
    if (this.#left > 0) {
      this.#push(`... ${this.#left} lines left out; log.txt has them`);
      this.#left = 0;
    }
    return { events: [...this.#events], from: this.#heard };
  }

  /** Takes away what was told. */
  heard(events: readonly NewEvent[]): void {
    this.#events = this.#events.slice(events.length);
    this.#heard += events.length;
    this.#lines = this.#events.filter(({ kind }) => kind === 'log').length;
  }

  get empty(): boolean {
    return this.#events.length === 0 && this.#left === 0;
  }

  /** Writes what is new to the file, as far as that is possible. */
  async write(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    this.#size ??= await stat(this.#file).then(
      ({ size }) => size,
      () => 0,
    );
    if (text === '' || this.#size > most.bytes) return;
    this.#size += text.length;
    const more = this.#size > most.bytes ? '... what follows is left out\n' : text;
    await appendFile(this.#file, more).catch((error: Error) => {
      if (!this.#broken) this.line(`log.txt cannot be written: ${error.message}`);
      this.#broken = true;
    });
  }
}

/** Text that a database and a server take and a terminal or page shows as it is. */
export function printable(text: string): string {
  const short = text.length > most.characters ? `${text.slice(0, most.characters)} ...` : text;
  return stripVTControlCharacters(short).replace(new RegExp(strange, 'gu'), '\ufffd');
}
