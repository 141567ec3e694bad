import assert from 'node:assert/strict';
import { planSchema } from '../../kernel/bench/plan.ts';
import { profileNames } from '../../kernel/bench/experiment.ts';
import { find } from '../../kernel/catalogue.ts';
import { count } from '../../kernel/graph/count.ts';
import { parseOptions } from '../../kernel/options.ts';
import { catalogue } from '../../plugins/catalogue.ts';

/** Parameters of the paper's base models, in millions (METHODS 7). */
const published: Readonly<Record<string, number>> = {
  'resnet18-cifar100': 11.22,
  'resnet50-cifar100': 23.7,
  'vgg19-cifar100': 20.09,
  'resnet18-imagenet': 11.69,
  'resnet50-imagenet': 25.56,
  'vit-small-imagenet': 22.05,
  'yolov8m-coco': 25.9,
};
const classes: Readonly<Record<string, number>> = { cifar100: 100, imagenet: 1000, coco: 80 };

describe('experiments of the paper', () => {
  it('are thirteen, and what they name is there', () => {
    assert.equal(catalogue.experiments.length, 13);
    for (const { id, profiles } of catalogue.experiments)
      for (const profile of profileNames) {
        const plan = profiles[profile];
        assert.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(plan))), plan, `${id} ${profile}`);
        const model = find('model', catalogue.models, plan.model);
        parseOptions(model, plan.modelOptions);
        const dataset = find('dataset', catalogue.datasets, plan.dataset);
        parseOptions(dataset, plan.datasetOptions);
        assert.equal(model.task, dataset.task);
        for (const strategy of plan.strategies) find('strategy', catalogue.strategies, strategy);
        for (const method of plan.methods) {
          const [criterion, regularizer] = method.split(' + ');
          find('criterion', catalogue.criteria, criterion!);
          if (regularizer) find('regularizer', catalogue.regularizers, regularizer);
        }
      }
  });

  it("have the paper's models and as many methods as its tables have rows", () => {
    const rows: Readonly<Record<string, number>> = { 'vit-small-imagenet': 12, 'yolov8m-coco': 16 };
    for (const { id, profiles } of catalogue.experiments) {
      const { model, modelOptions, dataset, methods, speedups } = profiles.paper;
      assert.equal(new Set(methods).size, rows[id] ?? 17, id);
      assert.equal(speedups.length, 3);
      const base = id.replace(/-(local|global)$/, '');
      const plugin = find('model', catalogue.models, model);
      const { params } = count(plugin.build(parseOptions(plugin, { ...modelOptions, classes: classes[dataset] })));
      assert.ok(Math.abs(params / 1e6 - published[base]!) < 0.02, `${id}: ${params}`);
    }
  }).timeout(60_000);
});
