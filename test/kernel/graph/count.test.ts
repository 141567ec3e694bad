import assert from 'node:assert/strict';
import { count } from '../../../kernel/graph/count.ts';
import * as models from '../../../plugins/models/index.ts';
import { build } from '../../../plugins/api.ts';

const counted = (model: string, classes: number) => count(build(model, { classes }));

describe('count', () => {
  const published: [keyof typeof models, number, number][] = [
    ['resnet18', 100, 11_220_132],
    ['resnet50', 100, 23_705_252],
    ['vgg19', 100, 20_086_692],
    ['resnet18', 1000, 11_689_512],
    ['resnet34', 1000, 21_797_672],
    ['resnet50', 1000, 25_557_032],
    ['vgg19', 1000, 143_678_248],
  ];
  for (const [model, classes, params] of published)
    it(`${model} with ${classes} classes has ${params} parameters`, () =>
      assert.equal(counted(model, classes).params, params));

  it('ResNet-50 at 224 pixels has 4.089 G multiply-adds, 4.122 G as Torch-Pruning counts', () => {
    const { macs, macsCompatible } = counted('resnet50', 1000);
    assert.deepEqual(
      [macs, macsCompatible].map(n => (n / 1e9).toFixed(3)),
      ['4.089', '4.122'],
    );
  });
});
