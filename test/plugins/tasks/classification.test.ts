import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { classification } from '../../../plugins/tasks/classification.ts';

const measure = async (...batches: readonly { logits: number[][]; labels: number[] }[]) => {
  const meter = classification.meter();
  for (const { logits, labels } of batches) {
    const output = tf.tensor2d(logits);
    await meter.add([output], Int32Array.from(labels));
    output.dispose();
  }
  return meter.result();
};
const lossOf = (logits: number[][], labels: number[]) =>
  tf.tidy(() => classification.loss([tf.tensor2d(logits)], Int32Array.from(labels)).dataSync()[0]!);

describe('classification', () => {
  const logits = [
    [1, 2, 3],
    [0, -1, 0.5],
  ];
  // -log(e^3 / (e^1 + e^2 + e^3)) and -log(e^-1 / (1 + e^-1 + e^0.5)).
  const expected = (0.4076 + 2.1041) / 2;

  it('is the mean cross-entropy of the softmax', () => {
    const value = (label: number, row: number[]) =>
      Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[label]!;
    const reference = (value(2, logits[0]!) + value(1, logits[1]!)) / 2;
    assert.ok(Math.abs(reference - expected) < 1e-3);
    assert.ok(Math.abs(lossOf(logits, [2, 1]) - reference) < 1e-6);
  });
  it('has the gradient (softmax - target) / batch', () => {
    tf.tidy(() => {
      const gradient = tf.grad(x => classification.loss([x], Int32Array.of(2, 1)))(tf.tensor2d(logits));
      const target = tf.tensor2d([0, 0, 1, 0, 1, 0], [2, 3]);
      const difference = tf.sub(gradient, tf.div(tf.sub(tf.softmax(tf.tensor2d(logits)), target), 2));
      assert.ok(tf.max(tf.abs(difference)).dataSync()[0]! < 1e-6);
    });
  });
  it('stays finite for large logits', () => {
    assert.equal(Math.abs(lossOf([[1000, 0]], [0])), 0);
    assert.equal(lossOf([[1000, 0]], [1]), 1000);
  });
  it('keeps no tensors', async () => {
    const before = tf.memory().numTensors;
    lossOf(logits, [2, 1]);
    await measure({ logits, labels: [2, 1] });
    assert.equal(tf.memory().numTensors, before);
  });
  it('collects accuracy and loss over batches of different sizes', async () => {
    const result = await measure({ logits, labels: [2, 1] }, { logits: [[0, 5, 0]], labels: [1] });
    assert.deepEqual(Object.keys(result), ['accuracy', 'loss']);
    assert.equal(result['accuracy'], 2 / 3);
    assert.ok(Math.abs(result['loss']! - (2 * lossOf(logits, [2, 1]) + lossOf([[0, 5, 0]], [1])) / 3) < 1e-6);
  });
  it('gives the top five from six classes on', async () => {
    const row = [6, 5, 4, 3, 2, 1];
    const result = await measure({ logits: [row, row, row], labels: [0, 4, 5] });
    assert.equal(result['accuracy'], 1 / 3);
    assert.equal(result['top5'], 2 / 3);
  });
  it('ranks equal logits by class, and never counts a logit that is not a number as right', async () => {
    assert.equal((await measure({ logits: [[1, 1]], labels: [0] }))['accuracy'], 1);
    assert.equal((await measure({ logits: [[1, 1]], labels: [1] }))['accuracy'], 0);
    assert.equal((await measure({ logits: [[NaN, NaN]], labels: [0] }))['accuracy'], 0);
    assert.equal((await measure({ logits: [[NaN, 1]], labels: [1] }))['accuracy'], 0);
  });
  it('reads once a batch', async () => {
    const output = tf.tensor2d(logits);
    let reads = 0;
    const data = output.data.bind(output);
    output.data = (() => (reads++, data())) as typeof output.data;
    await classification.meter().add([output], Int32Array.of(0, 1));
    assert.equal(reads, 1);
    output.dispose();
  });
  it('refuses what does not fit', async () => {
    assert.throws(() => lossOf(logits, [2, 3]), /label 3, the network has 3 classes/);
    await assert.rejects(measure({ logits, labels: [2, -1] }), /label -1, the network has 3 classes/);
    assert.throws(() => lossOf(logits, [2]), /output is \[2, 3\], needs \[1, classes\]/);
    const two = () => classification.loss([tf.tensor2d(logits), tf.tensor2d(logits)], Int32Array.of(0, 0));
    assert.throws(() => tf.tidy(two), /the network has 2 outputs, needs 1/);
    assert.throws(() => classification.meter().result(), /no images to score/);
  });
});
