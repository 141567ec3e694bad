import assert from 'node:assert/strict';
import { planSchema, type Plan } from '../../../kernel/bench/plan.ts';
import { protocols } from '../../../kernel/bench/protocols.ts';
import { chooseMethod } from '../../../kernel/text/choose.ts';
import { catalogue } from '../../../plugins/catalogue.ts';
import {
  draftOf,
  fieldOf,
  firstDraft,
  isChanged,
  methodOf,
  methodSpec,
  plansOf,
  standsFor,
  suggestedTitle,
} from '../../../plugins/platform/web/draft.ts';
import { catalogueInfo } from './material.ts';

describe('drafts of the page', () => {
  it('begin with a plan that can be taken, on each track', () => {
    for (const { id } of catalogueInfo.tasks) {
      const draft = firstDraft(catalogueInfo, id);
      const { plans, problems } = plansOf(draft, catalogueInfo);
      assert.deepEqual(problems, []);
      assert.equal(plans.length, 1);
      planSchema.parse(plans[0]);
      const dataset = catalogueInfo.datasets.find(one => one.id === plans[0]!.dataset)!;
      assert.deepEqual([dataset.task, dataset.unavailable], [id, null]);
    }
  });

  it('of an experiment have its plan, at every profile', () => {
    for (const { profiles } of catalogueInfo.experiments)
      for (const plan of Object.values(profiles)) {
        const draft = draftOf([plan], catalogueInfo);
        assert.deepEqual(plansOf(draft, catalogueInfo), { plans: [plan], problems: [] });
        assert.equal(isChanged(draft, catalogueInfo), plan.protocol.name === 'smoke');
      }
  });

  it('of several models and data sets have all of their plans', () => {
    const common = { methods: ['lamp', 'cp:positions=20 + group-norm:reg=1e-3'], protocol: protocols.quick };
    const plans = [
      ['resnet18', { width: 0.25 }],
      ['vgg19', {}],
    ].flatMap(([model, modelOptions]) =>
      ['shapes', 'cifar10'].map(dataset =>
        planSchema.parse({
          ...common,
          model,
          modelOptions,
          dataset,
          datasetOptions: dataset === 'shapes' ? { train: 64 } : {},
        }),
      ),
    );
    const draft = draftOf(plans, catalogueInfo, { title: 'both', resources: 'gpu' });
    assert.deepEqual(plansOf(draft, catalogueInfo).plans, plans);
    assert.deepEqual([draft.title, draft.resources], ['both', 'gpu']);
  });

  it('stand for plans in any order, and not for such as differ in more than model and data set', () => {
    const common = { model: 'resnet18', methods: ['lamp'], protocol: protocols.quick };
    const plans = ['shapes', 'cifar10'].map(dataset =>
      // as a database gives them: its objects have another order
      Object.fromEntries(
        Object.entries(planSchema.parse({ ...common, dataset, datasetOptions: { train: 64, test: 50 } })).reverse(),
      ),
    ) as unknown as Plan[];
    const draft = draftOf(plans, catalogueInfo);
    assert.equal(standsFor(draft, [...plans].reverse(), catalogueInfo), true);
    const others = [plans[0]!, { ...plans[1]!, speedups: [4] }];
    assert.equal(standsFor(draftOf(others, catalogueInfo), others, catalogueInfo), false);
    assert.equal(standsFor(draft, plans.slice(1), catalogueInfo), false);
  });

  it('write methods as they are read', () => {
    for (const text of ['lamp', 'cp:positions=20', 'magnitude-l2 + group-norm', 'bn-scale + group-norm:reg=1e-3']) {
      assert.equal(methodSpec(methodOf(text)), text);
      chooseMethod(catalogue, text);
    }
    const { criterion } = methodOf('cp');
    assert.equal(
      methodSpec({ criterion: { ...criterion, texts: { positions: ' 5 ' } }, regularizer: null }),
      'cp:positions=5',
    );
    assert.equal(methodSpec({ criterion: { ...criterion, texts: { positions: '' } }, regularizer: null }), 'cp');
  });

  it('say what is missing or does not fit by the fields of the form', () => {
    const draft = {
      ...firstDraft(catalogueInfo),
      datasets: [],
      models: [{ id: 'resnet18', texts: { width: 'wide' } }],
      methods: [methodOf('cp:positions=-1')],
      strategies: [{ id: 'protected-global', texts: { floor: '2' } }],
      speedups: '0.5',
      changes: { 'base.epochs': 'no' },
    };
    assert.deepEqual(
      plansOf(draft, catalogueInfo).problems.map(({ path }) => path),
      [
        'datasets',
        'methods.0.criterion.positions',
        'strategies.0.floor',
        'protocol.base.epochs',
        'speedups',
        'models.0.width',
      ],
    );
  });

  it('know where in the form a plan is wrong', () => {
    const { datasets } = { datasets: [1, 2] as unknown as ReturnType<typeof firstDraft>['datasets'] };
    const place = (path: string, plan: number) => fieldOf(path, plan, { datasets });
    assert.equal(place('modelOptions.width', 2), 'models.1.width');
    assert.equal(place('model', 1), 'models.0');
    assert.equal(place('datasetOptions.train', 3), 'datasets.1.train');
    assert.equal(place('dataset', 0), 'datasets.0');
    assert.equal(place('speedups.1', 0), 'speedups');
    assert.equal(place('protocol.base.epochs', 0), 'protocol.base.epochs');
    assert.equal(place('methods.3', 1), 'methods.3');
  });

  it('have a title that says what they are', () => {
    const draft = { ...firstDraft(catalogueInfo), speedups: '2, 4x' };
    assert.equal(suggestedTitle(draft), 'resnet18 on cifar10: magnitude-l2, 2x, 4x');
  });
});
