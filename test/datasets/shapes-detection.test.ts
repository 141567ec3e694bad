import assert from 'node:assert/strict';
import { shapesDetection } from '../../datasets/shapes-detection.ts';
import type { Split } from '../../kernel/plugin.ts';
import type { DetectionTargets } from '../../plugins/tasks/detection/targets.ts';
import { collect } from '../kernel/train/tiny.ts';

const load = async (given: Parameters<typeof shapesDetection.options.parse>[0] = {}) =>
  shapesDetection.load(shapesDetection.options.parse(given));
const all = async (split: Split, options = {}) => {
  const [batch] = await collect((split as Split<DetectionTargets>).batches({ batch: split.size, ...options }));
  return batch!;
};

describe('shapes-detection', () => {
  it('has one to four figures in each image, within it, of all classes', async () => {
    const data = await load();
    assert.deepEqual([data.train.size, data.test.size, data.classes.length, data.shape], [500, 100, 10, [96, 96, 3]]);
    const { targets, images } = await all(data.train);
    assert.ok(images.every(value => value >= 0 && value <= 1));
    const counts = Array<number>(10).fill(0);
    for (const { boxes, classes } of targets) {
      assert.ok(classes.length >= 1 && classes.length <= 4 && boxes.length === 4 * classes.length);
      classes.forEach(label => counts[label]!++);
      assert.ok(boxes.every(value => value >= 0 && value <= 96));
      for (let i = 0; i < boxes.length; i += 4)
        assert.ok(boxes[i + 2]! - boxes[i]! >= 8 && boxes[i + 3]! - boxes[i + 1]! >= 8, boxes.join());
    }
    assert.ok(Math.min(...counts) > 80, counts.join());
  });
  it('has its boxes around what is drawn: without noise a box is lighter than the rest', async () => {
    const { targets, images } = await all((await load({ noise: 0, train: 60, figures: 1 })).train);
    let lighter = 0;
    targets.forEach(({ boxes }, n) => {
      const [left, top, right, bottom] = boxes as unknown as [number, number, number, number];
      let [inside, outside] = [0, 0];
      for (let y = 0; y < 96; y++)
        for (let x = 0; x < 96; x++) {
          const value = images[((n * 96 + y) * 96 + x) * 3]! + images[((n * 96 + y) * 96 + x) * 3 + 1]!;
          if (x >= left && x < right && y >= top && y < bottom) inside += value / ((right - left) * (bottom - top));
          else outside += value / (96 * 96 - (right - left) * (bottom - top));
        }
      if (inside > outside) lighter++;
    });
    assert.ok(lighter >= 58, `${lighter} of 60`);
  });
  it('follows its seed and options', async () => {
    const small = { train: 20, test: 10, image: 64 };
    const data = await load(small);
    const again = await load(small);
    assert.equal(again.checksum, data.checksum);
    assert.deepEqual(await all(again.train), await all(data.train));
    assert.notEqual((await load({ ...small, seed: 1 })).checksum, data.checksum);
    const few = await load({ ...small, classes: 2, figures: 1 });
    assert.deepEqual(few.classes, ['disc', 'ring']);
    for (const { classes } of (await all(few.train)).targets) assert.ok(classes.length === 1 && classes[0]! < 2);
    const more = await load({ ...small, train: 40 });
    assert.deepEqual((await all(more.train)).targets.slice(0, 20), (await all(data.train)).targets);
  });
  it('turns images round with their boxes, and can be scored where it does not', async () => {
    const { train } = await load({ train: 12, test: 1 });
    const plain = await all(train);
    const changed = await all(train, { augment: true, epoch: 1 });
    assert.deepEqual(await all(train, { augment: true, epoch: 1 }), changed);
    const turned = plain.targets.map(({ boxes, truth }, n) => {
      assert.deepEqual([...truth!.boxes.slice(0, 2)], [...boxes.slice(0, 2)]);
      assert.equal(truth!.boxes[2], boxes[2]! - boxes[0]!);
      const other = changed.targets[n]!;
      assert.equal(other.truth, undefined);
      if (other.boxes[0] === boxes[0]) return false;
      assert.equal(other.boxes[0], 96 - boxes[2]!);
      const row = (images: Float32Array) => images.slice((n * 96 + 40) * 96 * 3, (n * 96 + 41) * 96 * 3);
      assert.equal(row(changed.images)[0], row(plain.images)[95 * 3]);
      return true;
    });
    assert.deepEqual([...new Set(turned)].sort(), [false, true]);
  });
});
