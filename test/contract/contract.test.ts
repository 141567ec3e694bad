import { checksOf, type Extension } from '../../kernel/contract/index.ts';
import { cifar10, cifar100 } from '../../datasets/index.ts';
import { catalogue } from '../../plugins/catalogue.ts';
import { classification } from '../../plugins/tasks/index.ts';

/** Those that need files of their own; their tests are theirs. */
const external: readonly string[] = [cifar10.id, cifar100.id];

const { criteria, regularizers, strategies, models, datasets } = catalogue;
const kinds: readonly (readonly Extension[])[] = [criteria, regularizers, strategies, models, datasets];
for (const plugin of kinds.flat())
  if (!(plugin.kind === 'dataset' && external.includes(plugin.id)))
    describe(`${plugin.kind} ${plugin.id}`, () => {
      for (const check of checksOf(plugin))
        it(check.name, () => check.run(plugin, { classification, tasks: catalogue.tasks }));
    });
