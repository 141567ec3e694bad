import assert from 'node:assert/strict';
import { shapes } from '../../datasets/shapes.ts';
import type { Split } from '../../kernel/plugin.ts';
import { random } from '../../kernel/random.ts';
import { collect } from '../kernel/train/tiny.ts';

const load = (given: Parameters<typeof shapes.options.parse>[0] = {}) => shapes.load(shapes.options.parse(given));

async function all(split: Split): Promise<{ images: Float32Array; labels: Int32Array }> {
  const [batch] = await collect(split.batches({ batch: split.size }));
  return { images: batch!.images, labels: batch!.targets as Int32Array };
}
const rows = ({ images }: { images: Float32Array }): string[] =>
  Array.from({ length: images.length / 3072 }, (_, i) =>
    Buffer.from(images.slice(i * 3072, i * 3072 + 3072).buffer).toString('base64'),
  );

describe('shapes', () => {
  it('is made of 4,000 and 1,000 images of 10 classes, all classes alike', async () => {
    const data = await load();
    assert.deepEqual([data.train.size, data.test.size, data.classes.length, data.shape], [4000, 1000, 10, [32, 32, 3]]);
    for (const split of [data.train, data.test]) {
      const count = Array<number>(10).fill(0);
      for (const label of (await all(split)).labels) count[label]!++;
      assert.deepEqual(count, Array(10).fill(split.size / 10));
    }
  });
  it('follows its seed, byte by byte', async () => {
    const small = { train: 30, test: 20 };
    const data = await load(small);
    const again = await load(small);
    assert.equal(again.checksum, data.checksum);
    assert.deepEqual(await all(again.train), await all(data.train));
    const other = await load({ ...small, seed: 1 });
    assert.notEqual(other.checksum, data.checksum);
    assert.notEqual((await load({ ...small, noise: 0.1 })).checksum, data.checksum);
    assert.notDeepEqual(await all(other.train), await all(data.train));
  });
  it('is the data set that records name by its checksum', async () => {
    assert.equal((await load()).checksum, 'fa83e311287f8b0133c997eb239f357389dc164bc620622a5c49252524fda833');
    assert.equal(
      (await load({ seed: 3, train: 100, test: 50, noise: 0.1 })).checksum,
      '1c653f65d9235ad2a109a597f2401b5ecba89e50a3b1124156af61ea3be3e06e',
    );
  });
  it('makes the same images where it makes more of them', async () => {
    const few = rows(await all((await load({ train: 20, test: 1 })).train));
    const more = rows(await all((await load({ train: 50, test: 1 })).train));
    assert.deepEqual(more.slice(0, 20), few);
  });
  it('has no image twice, and none of the training in the test', async () => {
    const data = await load({ train: 500, test: 500 });
    const images = [...rows(await all(data.train)), ...rows(await all(data.test))];
    assert.equal(new Set(images).size, 1000);
  });
  it('is about 0 on the mean, with a deviation about 1', async () => {
    const { images } = await all((await load({ train: 500 })).train);
    const mean = images.reduce((a, b) => a + b, 0) / images.length;
    const deviation = Math.sqrt(images.reduce((a, b) => a + (b - mean) ** 2, 0) / images.length);
    assert.ok(Math.abs(mean) < 0.15, `${mean}`);
    assert.ok(deviation > 0.8 && deviation < 1.3, `${deviation}`);
  });
  it('is beyond a linear model', async () => {
    const data = await load();
    const accuracy = softmaxRegression(await all(data.train), await all(data.test));
    assert.ok(accuracy < 0.35, `${accuracy}`);
  });
  it('is not given away by colours: their mean and deviation classify no better than chance', async () => {
    const data = await load();
    const statistics = ({ images, labels }: { images: Float32Array; labels: Int32Array }) => {
      const features = new Float32Array(labels.length * 6);
      labels.forEach((_, i) => {
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          let squares = 0;
          for (let p = 0; p < 1024; p++) {
            const value = images[(i * 1024 + p) * 3 + c]!;
            sum += value;
            squares += value * value;
          }
          features[i * 6 + c] = sum / 1024;
          features[i * 6 + 3 + c] = Math.sqrt(squares / 1024 - (sum / 1024) ** 2);
        }
      });
      return { images: features, labels };
    };
    const accuracy = softmaxRegression(statistics(await all(data.train)), statistics(await all(data.test)));
    assert.ok(accuracy < 0.25, `${accuracy}`);
  });
});

/** Test accuracy of logits that are linear in the values, after 12,000 steps of stochastic gradient descent. */
function softmaxRegression(train: { images: Float32Array; labels: Int32Array }, test: typeof train): number {
  const size = train.images.length / train.labels.length;
  const weights = new Float32Array(10 * (size + 1));
  const logits = new Float64Array(10);
  const source = random(1);
  const score = ({ images }: typeof train, i: number) => {
    for (let k = 0; k < 10; k++) {
      let sum = weights[k * (size + 1) + size]!;
      for (let d = 0; d < size; d++) sum += weights[k * (size + 1) + d]! * images[i * size + d]!;
      logits[k] = sum;
    }
  };
  for (let step = 0; step < 12_000; step++) {
    const i = source.integer(train.labels.length);
    score(train, i);
    const top = Math.max(...logits);
    const total = logits.reduce((sum, l) => sum + Math.exp(l - top), 0);
    for (let k = 0; k < 10; k++) {
      const error = Math.exp(logits[k]! - top) / total - (k === train.labels[i] ? 1 : 0);
      const rate = -(2 / size) * 0.05 * error;
      for (let d = 0; d < size; d++) weights[k * (size + 1) + d]! += rate * train.images[i * size + d]!;
      weights[k * (size + 1) + size]! += rate;
    }
  }
  let right = 0;
  test.labels.forEach((label, i) => {
    score(test, i);
    if (logits.indexOf(Math.max(...logits)) === label) right++;
  });
  return right / test.labels.length;
}
