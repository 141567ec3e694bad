import assert from 'node:assert/strict';
import { catalogue } from './catalogue.ts';
import { line } from './run.ts';

const parsed = async (text: string): Promise<unknown> => {
  const { code, out, err } = await line(text);
  assert.deepEqual([code, err], [0, '']);
  return JSON.parse(out);
};
const ids = (list: unknown) => (list as { id: string }[]).map(({ id }) => id);
const names = (list: readonly { id: string }[]) => list.map(({ id }) => id);

describe('models, methods, datasets', () => {
  it('list what the catalogue has, as JSON', async () => {
    assert.deepEqual(ids(await parsed('models --json')), names(catalogue.models));
    assert.deepEqual(ids(await parsed('datasets --json')), names(catalogue.datasets));
    const { criteria, regularizers, strategies } = (await parsed('methods --json')) as Record<string, unknown>;
    assert.deepEqual(ids(criteria), names(catalogue.criteria));
    assert.deepEqual(ids(regularizers), names(catalogue.regularizers));
    assert.deepEqual(ids(strategies), names(catalogue.strategies));
  });

  it('list it in aligned columns', async () => {
    const { out } = await line('models');
    const [head, rule, first] = out.split('\n') as [string, string, string];
    const at = head.indexOf('title');
    assert.equal(rule.slice(at - 2, at), '  ');
    assert.equal(first.slice(at), 'DenseNet-121            Huang et al. 2017');
  });

  it('show one with its options', async () => {
    const { out } = await line('methods protected-global');
    assert.match(out, /^strategy protected-global: one ranking/);
    assert.match(out, /^floor +number +0.1 +share of its original units/m);
    assert.match((await line('datasets shapes')).out, /^noise +number +0\.\d+ /m);
  });

  it('a name that two methods have shows both', async () =>
    assert.deepEqual(ids(await parsed('methods bn-scale --json')), ['bn-scale', 'bn-scale']));

  it('show an experiment at each of its sizes', async () => {
    assert.equal(((await parsed('experiments --json')) as unknown[]).length, catalogue.experiments.length);
    assert.match((await line('experiments')).out, /^vit-small-imagenet +ViT-S\/16 on ImageNet/m);
    const { out } = await line('experiments yolov8m-coco');
    assert.match(out, /^ +smoke +laptop +paper$/m);
    assert.match(out, /^model +yolov8n:width=0.125 +yolov8n:width=0.5 +yolov8m$/m);
    assert.match(out, /^runs +8 +48 +48$/m);
    assert.deepEqual(
      await parsed('experiments yolov8m-coco --json'),
      JSON.parse(JSON.stringify(catalogue.experiments.at(-1))),
    );
    assert.match((await line('experiments yolov8-coco')).err, /did you mean yolov8m-coco/);
  });

  it('count a model at the options that are given', async () => {
    const { params } = (await parsed('models resnet18:classes=100 --json')) as { params: number };
    assert.equal(params, 11_220_132);
  });
});
