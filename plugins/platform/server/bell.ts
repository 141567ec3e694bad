/** Wakes those who wait for it. */
export class Bell {
  readonly #waiting = new Set<(rung: boolean) => void>();

  ring(): void {
    for (const wake of this.#waiting) wake(true);
  }

  /** Whether it rings within so many milliseconds, before the signal is aborted. */
  next(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise(resolve => {
      const silent = () => wake(false);
      const wake = (rung: boolean) => {
        this.#waiting.delete(wake);
        clearTimeout(timer);
        signal.removeEventListener('abort', silent);
        resolve(rung);
      };
      const timer = setTimeout(silent, milliseconds);
      signal.addEventListener('abort', silent);
      this.#waiting.add(wake);
    });
  }
}
