import { setImmediate } from 'node:timers/promises';

/**
 * For long loops, to be called each time around: everything else has its turn when it had none for `every` ms. Throws
 * where the signal is aborted.
 */
export function breather(signal?: AbortSignal, every = 50): () => Promise<void> {
  let turn = performance.now();
  return async () => {
    if (performance.now() - turn > every) {
      await setImmediate();
      turn = performance.now();
    }
    signal?.throwIfAborted();
  };
}
