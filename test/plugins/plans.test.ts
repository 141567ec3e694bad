import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { defineCriterion, estimatePlan, experiment, planTable, runPlan, useBackend } from '../../plugins/index.ts';
import { line, temporary } from '../kernel/cli/run.ts';

const choice = {
  methods: ['lamp'],
  speedups: [2],
  modelOptions: { width: 0.03125 },
  datasetOptions: { train: 10, test: 5 },
};

describe('plans', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporary>;
  beforeEach(async () => {
    folder = temporary();
    await useBackend('cpu');
  });
  afterEach(async () => {
    folder.remove();
    await tf.setBackend('cpu');
  });

  it('make the records that the command line makes, and none twice', async () => {
    const plan = experiment('vgg19-cifar100', { profile: 'smoke', ...choice });
    const out = folder.path('notebook');
    const progress = () => {};
    const [record] = await runPlan(plan, { out, progress });
    const [again] = await runPlan(plan, { out, progress });
    assert.deepEqual(again, record);
    const { code, out: text } = await line(
      `bench --experiment vgg19-cifar100 --profile smoke --methods lamp --speedups 2 --width 0.03125 --dataset shapes:train=10,test=5 --backend cpu --out ${folder.path('line')} --json`,
    );
    assert.equal(code, 0);
    assert.deepEqual((JSON.parse(text) as { records: string[] }).records, [record!.id]);
  });

  it("take methods of one's own, which are run again where they were changed", async () => {
    const plan = experiment('vgg19-cifar100', { ...choice, methods: ['lamp', 'own'] });
    const own = (element: (weight: number) => number) => defineCriterion({ id: 'own', element });
    const run = (plugin: ReturnType<typeof own>) =>
      runPlan(plan, { plugins: [plugin], out: folder.path('own'), progress: () => {} });
    await assert.rejects(runPlan(plan, { progress: () => {} }), /unknown criterion own/);
    const first = await run(own(weight => weight * weight));
    assert.deepEqual(
      first.map(({ configuration }) => configuration.criterion.id),
      ['lamp', 'own'],
    );
    const [lamp, again] = await run(own(weight => 1 / (1 + weight * weight)));
    assert.deepEqual(lamp, first[0]);
    assert.equal(again!.id, first[1]!.id);
    assert.notDeepEqual(again!.groups, first[1]!.groups);
    const { runs, done } = await estimatePlan(plan, {
      plugins: [own(weight => weight * weight)],
      out: folder.path('own'),
    });
    assert.deepEqual([runs, done], [2, 1]);
  });

  it('say what they are, and how long they take', async () => {
    const plan = experiment('vgg19-cifar100', { ...choice, seeds: [0, 1] });
    const text = String(planTable(plan));
    assert.match(text, /VGG-19 on CIFAR-100.*: smoke/);
    assert.match(text, /model +vgg19 width=0.03125/);
    assert.match(text, /runs +2$/m);
    const { total, base, finetune, text: duration } = await estimatePlan(plan);
    assert.ok(base > 0 && finetune > 0 && total >= base + finetune);
    assert.match(duration, /^\d+s|m/);
  });

  it('refuse what is not there', async () => {
    assert.throws(
      () => experiment('resnet18-cifar10'),
      /unknown experiment resnet18-cifar10 \(did you mean resnet18-cifar100/,
    );
    assert.throws(
      () => experiment('resnet18-imagenet', { profile: 'huge' as never }),
      /no profile huge \(there are smoke, laptop, paper/,
    );
    assert.throws(() => experiment('resnet18-imagenet', { speedups: [0.5] }), /speedups/);
    const paper = experiment('resnet18-imagenet', { profile: 'paper', dataset: 'shapes' });
    await assert.rejects(runPlan(paper), /protocol paper-imagenet trains no base model: give weights/);
  });
});
