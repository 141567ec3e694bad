import { checkExtensions } from '../contract/run.ts';
import { loadExtensions } from '../extensions.ts';
import { json } from '../text/json.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import type { Describe } from './command.ts';
import { example } from './help.ts';

export const checkPlugin: Describe = async (command, { io, catalogue }) => {
  const known = await catalogue();
  command.argument('<plugin>', 'file or package that exports criteria, regularizers, strategies, models or data sets');
  addBackendFlags(command, known);
  example(command, 'pruningbench check-plugin my-criterion.ts');
  command.action(async (specifier: string, given: Record<string, unknown>) => {
    const plugins = await loadExtensions(specifier);
    await backendFrom(known, given);
    let last: string | undefined;
    const results = await checkExtensions(plugins, known, ({ kind, id, check, error }) => {
      if (given['json']) return;
      const name = `${kind} ${id}\n`;
      io.out(`${name === last ? '' : name}  ${error === undefined ? `ok    ${check}` : `fails ${check}: ${error}`}\n`);
      last = name;
    });
    const failed = results.filter(({ error }) => error !== undefined).length;
    if (given['json']) io.out(json(results));
    if (failed > 0) throw new Error(`plugin ${specifier}: ${failed} of ${results.length} checks fail`);
  });
};
