import { checkContext } from '../contract/check.ts';
import { checkExtension, type CheckResult } from '../contract/run.ts';
import { loadExtensions, withExtensions } from '../extensions.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import type { Describe } from './command.ts';
import { example } from './help.ts';
import { json } from './json.ts';

export const checkPlugin: Describe = async (command, { io, catalogue }) => {
  const known = await catalogue();
  command.argument('<plugin>', 'file or package that exports criteria, regularizers, strategies, models or data sets');
  addBackendFlags(command, known);
  example(command, 'pruningbench check-plugin my-criterion.ts');
  command.action(async (specifier: string, given: Record<string, unknown>) => {
    const plugins = await loadExtensions(specifier);
    withExtensions(known, plugins);
    await backendFrom(known, given);
    const results: CheckResult[] = [];
    const say = (text: string) => void (given['json'] ? undefined : io.out(text));
    for (const plugin of plugins) {
      say(`${plugin.kind} ${plugin.id}\n`);
      const found = await checkExtension(plugin, checkContext(known.tasks), ({ check, error }) =>
        say(error === undefined ? `  ok    ${check}\n` : `  fails ${check}: ${error}\n`),
      );
      results.push(...found);
    }
    const failed = results.filter(({ error }) => error !== undefined).length;
    if (given['json']) io.out(json(results));
    if (failed > 0) throw new Error(`plugin ${specifier}: ${failed} of ${results.length} checks fail`);
  });
};
