import { suggestion } from '../catalogue.ts';
import { json } from '../text/json.ts';
import { UsageError } from '../text/usage.ts';
import type { Describe } from './command.ts';
import { example } from './help.ts';
import { pluginJson, pluginTable, pluginText } from './plugins.ts';

export const methods: Describe = (command, { io, catalogue }) => {
  command.argument('[name]', 'criterion, regularizer or strategy to show');
  example(command, 'pruningbench methods', 'pruningbench methods protected-global');
  command.action(async (name: string | undefined, { json: wanted }: { json?: boolean }) => {
    const { criteria, regularizers, strategies } = await catalogue();
    if (name !== undefined) {
      const all = [...criteria, ...regularizers, ...strategies];
      const found = all.filter(plugin => plugin.id === name);
      if (found.length === 0) {
        const names = [...new Set(all.map(plugin => plugin.id))];
        throw new UsageError(`unknown method ${name}${suggestion(name, names)}`);
      }
      return io.out(wanted ? json(found.map(pluginJson)) : found.map(pluginText).join('\n'));
    }
    if (wanted) {
      const lists = { criteria, regularizers, strategies };
      const entries = Object.entries(lists).map(([kind, list]) => [kind, list.map(pluginJson)]);
      return io.out(json(Object.fromEntries(entries)));
    }
    const tables = [
      pluginTable('criterion', criteria),
      pluginTable('regularizer', regularizers),
      pluginTable('strategy', strategies),
    ];
    io.out(tables.join('\n'));
  });
};
