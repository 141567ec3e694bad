import { cifar10, cifar100, coco, imagenet } from '../../datasets/index.ts';
import { checkContext } from '../../kernel/contract/check.ts';
import { checksOf, type Extension } from '../../kernel/contract/index.ts';
import type { Model } from '../../kernel/plugin.ts';
import { catalogue } from '../../plugins/catalogue.ts';
import { sizes } from '../plugins/models/forms.ts';

/** Those that need files of their own; their tests are theirs. */
const external = [cifar10, cifar100, coco, imagenet].map(({ id }) => id);

/** A model of the zoo, small. */
const small = (model: Model): Model => ({
  ...model,
  build: options => model.build({ ...(options as object), classes: 7, width: 0.125, image: 32 }),
});

const { criteria, regularizers, strategies } = catalogue;
const models = catalogue.models.filter(({ id }) => !sizes.includes(id)).map(small);
const datasets = catalogue.datasets.filter(({ id }) => !external.includes(id));
const kinds: readonly (readonly Extension[])[] = [criteria, regularizers, strategies, models, datasets];
for (const plugin of kinds.flat())
  describe(`${plugin.kind} ${plugin.id}`, () => {
    for (const check of checksOf(plugin)) it(check.name, () => check.run(plugin, checkContext(catalogue.tasks)));
  });
