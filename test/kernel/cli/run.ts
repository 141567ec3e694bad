import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../../kernel/cli/main.ts';
import type { Io } from '../../../kernel/cli/io.ts';
import { catalogue } from './catalogue.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, with what it writes caught; `io.err` sees it as it comes. */
export async function run(argv: readonly string[], io: Partial<Io> = {}, known = catalogue): Promise<Outcome> {
  let [out, err] = ['', ''];
  const code = await main(argv, known, {
    out: text => void (out += text),
    columns: undefined,
    env: {},
    ...io,
    err(text) {
      err += text;
      io.err?.(text);
    },
  });
  return { code, out, err };
}

/** `run` for a line without quotes. */
export const line = (text: string, io?: Partial<Io>): Promise<Outcome> => run(text.split(' '), io);

/** A new folder, and how to remove it. */
export function temporary(): { path: (...names: string[]) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'pruningbench-'));
  return { path: (...names) => join(folder, ...names), remove: () => rmSync(folder, { recursive: true }) };
}

/** An interrupt key for a test to press. */
export function keyboard() {
  let callback: (() => void) | undefined;
  return {
    press: () => callback?.(),
    onInterrupt(listener: () => void): () => void {
      callback = listener;
      return () => (callback = undefined);
    },
    /** Whether a command still waits for the key. */
    get listening() {
      return callback !== undefined;
    },
  };
}

/** The words of the command that a message says to go on with, as a shell takes them. */
export function wordsToGoOn(message: string): string[] {
  const [, typed = ''] = /pruningbench (.*)\n$/.exec(message) ?? [];
  return [...typed.matchAll(/(?:'[^']*'|\\.|[^\s'\\])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|\\(.)/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ''),
  );
}
