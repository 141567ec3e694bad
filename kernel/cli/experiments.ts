import { find } from '../catalogue.ts';
import { profileNames } from '../bench/experiment.ts';
import { runsOf } from '../bench/plan.ts';
import { json } from '../text/json.ts';
import { specOf } from '../text/schema.ts';
import { table } from '../text/table.ts';
import { usage } from '../text/usage.ts';
import type { Describe } from './command.ts';
import { example } from './help.ts';

export const experiments: Describe = (command, { io, catalogue }) => {
  command.argument('[name]', 'experiment to show');
  example(
    command,
    'pruningbench experiments resnet18-cifar100',
    'pruningbench bench --experiment resnet18-cifar100 --profile smoke --out runs/smoke',
  );
  command.action(async (name: string | undefined, { json: wanted }: { json?: boolean }) => {
    const { experiments } = await catalogue();
    if (name === undefined) {
      if (wanted) return io.out(json(experiments));
      return io.out(
        table(
          ['experiment', 'what the paper compares'],
          experiments.map(({ id, title }) => [id, title]),
        ),
      );
    }
    const experiment = usage(() => find('experiment', experiments, name));
    if (wanted) return io.out(json(experiment));
    const plans = profileNames.map(profile => experiment.profiles[profile]);
    const rows: [string, ...string[]][] = [
      ['model', ...plans.map(plan => specOf(plan.model, plan.modelOptions))],
      ['data set', ...plans.map(plan => specOf(plan.dataset, plan.datasetOptions))],
      ['protocol', ...plans.map(plan => plan.protocol.name)],
      ['strategies', ...plans.map(plan => plan.strategies.join(', '))],
      ['speed-ups', ...plans.map(plan => plan.speedups.join(', '))],
      ['methods', ...plans.map(plan => String(plan.methods.length))],
      ['runs', ...plans.map(plan => String(runsOf(plan)))],
    ];
    io.out(`${experiment.id}: ${experiment.title}\n\n`);
    io.out(table(['', ...profileNames], rows));
    io.out(`\nmethods: ${experiment.profiles.paper.methods.join(', ')}\n`);
  });
};
