import { find } from '../catalogue.ts';
import { count } from '../graph/count.ts';
import { choose } from '../text/choose.ts';
import { json } from '../text/json.ts';
import { splitSpec } from '../text/schema.ts';
import { metric } from '../text/table.ts';
import { usage } from '../text/usage.ts';
import type { Describe } from './command.ts';
import { example } from './help.ts';
import { pluginJson, pluginTable, pluginText } from './plugins.ts';

export const models: Describe = (command, { io, catalogue }) => {
  command.argument('[name]', 'model to show, as in resnet18 or resnet18:classes=100,width=0.5');
  example(command, 'pruningbench models', 'pruningbench models resnet50:classes=1000');
  command.action(async (name: string | undefined, { json: wanted }: { json?: boolean }) => {
    const { models } = await catalogue();
    if (name === undefined) {
      io.out(wanted ? json(models.map(pluginJson)) : pluginTable('model', models));
      return;
    }
    const model = usage(() => find('model', models, splitSpec(name).id));
    const { options } = choose('model', models, name);
    const size = count(model.build(options));
    if (wanted) return io.out(json({ ...pluginJson(model), chosen: options, ...size }));
    io.out(pluginText(model));
    io.out(
      `\n${metric(size.params)} parameters, ${metric(size.macs)} multiply-adds (${metric(size.macsCompatible)} as Torch-Pruning counts)\n`,
    );
  });
};
