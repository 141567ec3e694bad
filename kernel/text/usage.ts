/** Something is wrong with what was typed, not with what came of it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What `run` returns; what it throws is a usage error. */
export function usage<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
