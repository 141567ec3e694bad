import assert from 'node:assert/strict';
import { count } from '../../../kernel/graph/count.ts';
import { build } from '../../../plugins/api.ts';

const counted = (model: string, classes: number) => count(build(model, { classes }));

describe('count', () => {
  const published: [string, number, number][] = [
    ['resnet18', 100, 11_220_132],
    ['resnet50', 100, 23_705_252],
    ['vgg19', 100, 20_086_692],
    ['resnet18', 1000, 11_689_512],
    ['resnet34', 1000, 21_797_672],
    ['resnet50', 1000, 25_557_032],
    ['vgg19', 1000, 143_678_248],
    ['vit-tiny', 1000, 5_717_416],
    ['vit-small', 1000, 22_050_664],
    ['vit-base', 1000, 86_567_656],
    ['mobilenetv2', 1000, 3_504_872],
    ['densenet121', 1000, 7_978_856],
    ['googlenet', 1000, 6_624_904],
    ['resnext50', 1000, 25_028_904],
    // Ultralytics also counts 16 fixed weights, which take the mean of a box's distribution.
    ['yolov8n', 80, 3_157_200 - 16],
    ['yolov8s', 80, 11_166_560 - 16],
    ['yolov8m', 80, 25_902_640 - 16],
    ['yolov8l', 80, 43_691_520 - 16],
    ['yolov8x', 80, 68_229_648 - 16],
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

  // As torchvision gives them, and for ViT-S the paper of DeiT.
  const work: [string, string][] = [
    ['vit-base', '17.564'],
    ['vit-small', '4.6'],
    ['mobilenetv2', '0.301'],
    ['densenet121', '2.834'],
    ['googlenet', '1.498'],
    ['resnext50', '4.230'],
  ];
  for (const [model, wanted] of work)
    it(`${model} has ${wanted} G multiply-adds`, () =>
      assert.equal((counted(model, 1000).macs / 1e9).toFixed(wanted.length - wanted.indexOf('.') - 1), wanted));

  // Operations, two for a multiply-add, among them a few of biases and activations, which are not counted here.
  const operations = { yolov8n: 8.7, yolov8s: 28.6, yolov8m: 78.9, yolov8l: 165.2, yolov8x: 257.8 };
  for (const [model, wanted] of Object.entries(operations))
    it(`${model} has ${wanted} G operations`, () => {
      const got = (2 * counted(model, 80).macs) / 1e9;
      assert.ok(Math.abs(got - wanted) < 0.06, `${got}`);
    });
});
