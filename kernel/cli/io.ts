import { existsSync, realpathSync } from 'node:fs';

/** The outside of the command line: streams, terminal, interrupts. */
export interface Io {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Columns of the terminal that standard error is; undefined where it is none. */
  readonly columns: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Command that starts this program, as a kernelspec has it. */
  readonly command: readonly string[];
  /** Module whose names notebooks see without importing them. */
  readonly module: string;
  /** Calls back at the first interrupt from the keyboard; the next one ends the process. Returns how to stop that. */
  onInterrupt(callback: () => void): () => void;
}

const [, started = 'pruningbench'] = process.argv;
/** The program's own file: what started it may be a link in a cache that does not last. */
const program = existsSync(started) ? realpathSync(started) : started;

/** Standard streams and signals of this process. */
export const processIo: Io = {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  columns: process.stderr.isTTY ? process.stderr.columns : undefined,
  env: process.env,
  command: [process.execPath, ...process.execArgv, program],
  module: 'pruningbench',
  onInterrupt(callback) {
    process.once('SIGINT', callback);
    return () => void process.removeListener('SIGINT', callback);
  },
};
