import { Interrupted } from './errors.ts';
import type { Io } from './io.ts';

/** A command line as it can be typed again. */
export const commandLine = (argv: readonly string[]): string => ['npx', 'pruningbench', ...argv.map(quote)].join(' ');

const quote = (word: string) => (/^[\w./:=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Runs something that an interrupt from the keyboard ends; it throws `Interrupted` with the message then. */
export async function interruptible<T>(
  io: Pick<Io, 'onInterrupt'>,
  message: string | (() => string),
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const off = io.onInterrupt(() => controller.abort());
  try {
    return await run(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new Interrupted(typeof message === 'string' ? message : message(), { cause: error });
  } finally {
    off();
  }
}
