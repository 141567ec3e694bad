import type { Io } from '../../kernel/cli/io.ts';

/** Waits for an interrupt from the keyboard or the signal that ends a service. */
export const interrupted = ({ onInterrupt }: Io): Promise<void> =>
  new Promise<void>(done => {
    onInterrupt(done);
    process.once('SIGTERM', done);
  });
