import type { Catalogue } from '../catalogue.ts';
import { withExtensions } from '../extensions.ts';
import { checkContext, type CheckContext } from './check.ts';
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

/**
 * Holds plugins against everything that those of their kinds must do. Throws where one has the name of another that is in
 * the catalogue, or among them.
 */
export async function checkExtensions(
  plugins: readonly Extension[],
  catalogue: Catalogue,
  onResult?: (result: CheckResult) => void,
): Promise<CheckResult[]> {
  withExtensions(catalogue, plugins);
  const context = checkContext(catalogue.tasks);
  const results: CheckResult[] = [];
  for (const plugin of plugins) results.push(...(await checkExtension(plugin, context, onResult)));
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
