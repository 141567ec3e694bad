import { find } from '../catalogue.ts';
import { json } from '../text/json.ts';
import { usage } from '../text/usage.ts';
import type { Describe } from './command.ts';
import { example } from './help.ts';
import { pluginJson, pluginTable, pluginText } from './plugins.ts';

export const datasets: Describe = (command, { io, catalogue }) => {
  command.argument('[name]', 'data set to show');
  example(command, 'pruningbench datasets', 'pruningbench datasets shapes');
  command.action(async (name: string | undefined, { json: wanted }: { json?: boolean }) => {
    const { datasets } = await catalogue();
    if (name === undefined) return io.out(wanted ? json(datasets.map(pluginJson)) : pluginTable('data set', datasets));
    const dataset = usage(() => find('dataset', datasets, name));
    io.out(wanted ? json(pluginJson(dataset)) : pluginText(dataset));
  });
};
