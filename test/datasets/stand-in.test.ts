import assert from 'node:assert/strict';
import * as datasets from '../../datasets/index.ts';
import { parseOptions } from '../../kernel/options.ts';
import type { Dataset } from '../../kernel/plugin.ts';

/** Images to train on and to test with, and classes, as published. */
const published: Readonly<Record<string, [number, number, number]>> = {
  cifar10: [50_000, 10_000, 10],
  cifar100: [50_000, 10_000, 100],
  imagenet: [1_281_167, 50_000, 1000],
  coco: [118_287, 5000, 80],
};

describe('stand-ins of data sets of files', () => {
  for (const dataset of Object.values(datasets) as Dataset[]) {
    const sizes = published[dataset.id];
    if (!sizes) continue;
    it(`${dataset.id} has the published sizes, or those that are asked for, and batches`, async () => {
      const { train, test, classes, task } = dataset.standIn!(parseOptions(dataset));
      assert.deepEqual([train.size, test.size, classes.length, task], [...sizes, dataset.task]);
      const few = dataset.standIn!(parseOptions(dataset, { train: 10, test: 3 }));
      const seen: number[] = [];
      const values = few.shape.reduce((a, b) => a * b, 1);
      for await (const { size, images, targets } of few.train.batches({ batch: 4 })) {
        seen.push(size);
        assert.equal(images.length, size * values);
        assert.equal((targets as ArrayLike<unknown>).length, size);
        assert.ok(images.every(Number.isFinite));
      }
      assert.deepEqual(seen, [4, 4, 2]);
      const whole: number[] = [];
      for await (const { size } of few.train.batches({ batch: 4, dropLast: true })) whole.push(size);
      assert.deepEqual(whole, [4, 4]);
    });
  }
  it('are there for every data set of files', () =>
    assert.deepEqual(
      (Object.values(datasets) as Dataset[])
        .filter(({ standIn }) => standIn)
        .map(({ id }) => id)
        .sort(),
      Object.keys(published).sort(),
    ));
});
