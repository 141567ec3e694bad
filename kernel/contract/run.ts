import type { CheckContext } from './check.ts';
import { checksOf, type Extension } from './index.ts';

/** What came of one check of a plugin; without `error` it holds. */
export interface CheckResult {
  readonly kind: string;
  readonly id: string;
  readonly check: string;
  readonly error?: string;
}

/** Holds a plugin against everything that one of its kind must do; `onResult` hears of each check as it is done. */
export async function checkExtension(
  plugin: Extension,
  context: CheckContext,
  onResult: (result: CheckResult) => void = () => {},
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checksOf(plugin)) {
    const error = await failure(() => check.run(plugin, context));
    const result = { kind: plugin.kind, id: plugin.id, check: check.name, ...(error === undefined ? {} : { error }) };
    results.push(result);
    onResult(result);
  }
  return results;
}

async function failure(run: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
