import { find } from '../catalogue.ts';
import { checksOf } from '../contract/index.ts';
import { loadExtensions } from '../extensions.ts';
import type { Task } from '../plugin.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import type { Describe } from './command.ts';
import { example } from './flags.ts';
import { json } from './json.ts';

export const checkPlugin: Describe = async (command, { io, catalogue }) => {
  const known = await catalogue();
  command.argument('<plugin>', 'file or package that exports criteria, regularizers, strategies, models or data sets');
  addBackendFlags(command, known);
  example(command, 'pruningbench check-plugin my-criterion.ts');
  command.action(async (specifier: string, given: Record<string, unknown>) => {
    const plugins = await loadExtensions(specifier);
    await backendFrom(known, given);
    const classification = find('task', known.tasks, 'classification') as Task<Int32Array>;
    const results: { kind: string; id: string; check: string; error?: string }[] = [];
    for (const plugin of plugins) {
      const { kind, id } = plugin;
      if (!given['json']) io.out(`${kind} ${id}\n`);
      for (const check of checksOf(plugin)) {
        const error = await failure(() => check.run(plugin, { classification, tasks: known.tasks }));
        results.push({ kind, id, check: check.name, ...(error === undefined ? {} : { error }) });
        if (!given['json'])
          io.out(error === undefined ? `  ok    ${check.name}\n` : `  fails ${check.name}: ${error}\n`);
      }
    }
    const failed = results.filter(({ error }) => error !== undefined).length;
    if (given['json']) io.out(json(results));
    if (failed > 0) throw new Error(`plugin ${specifier}: ${failed} of ${results.length} checks fail`);
  });
};

async function failure(run: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
