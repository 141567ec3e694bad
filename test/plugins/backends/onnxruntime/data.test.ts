import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { OnnxruntimeBackend } from '../../../../plugins/backends/onnxruntime/backend.ts';
import { batch, convnet, dispose, step } from './models.ts';
import { fresh } from './setup.ts';

describe('onnxruntime backend: data', () => {
  let backend: OnnxruntimeBackend;
  beforeEach(async () => {
    backend = await fresh();
  });
  after(() => tf.setBackend('cpu'));

  it('tf.memory() tells what is held, spare and pending', () => {
    const memory = () => tf.memory() as unknown as Record<string, number>;
    const before = memory();
    const x = tf.randomUniform([1000]);
    const zeros = tf.zeros([1000]);
    assert.equal(memory()['numBytesHeld']! - before['numBytesHeld']!, 4000 + 4);
    const y = tf.add(x, 1);
    assert.deepEqual([memory()['numPending'], memory()['numBytesHeld']! - before['numBytesHeld']!], [1, 4004]);
    y.dataSync();
    assert.deepEqual([memory()['numPending'], memory()['numBytesHeld']! - before['numBytesHeld']!], [0, 8004]);
    tf.dispose([x, y, zeros]);
    assert.equal(memory()['numBytesHeld'], before['numBytesHeld']);
    assert.equal(memory()['numBytesSpare'], 4000);
    assert.equal(memory()['numBytes'], before['numBytes']);
    assert.equal(tf.memory().unreliable, false);
  });

  it('does not see changes of the array a tensor was made from', () => {
    const array = new Float32Array([1, 2]);
    const x = tf.tensor1d(array);
    const y = tf.mul(x, 10);
    array[0] = 100;
    assert.deepEqual([...y.dataSync()], [10, 20]);
    assert.deepEqual([...x.dataSync()], [1, 2]);
  });

  it('does not see changes of an array that was read', () => {
    const x = tf.tensor1d([1, 2]);
    x.dataSync()[1] = 77;
    const y = tf.add(x, 1);
    y.dataSync()[0] = 77;
    assert.deepEqual([...x.dataSync(), ...y.dataSync()], [1, 2, 2, 3]);
  });

  it('a value recorded before a variable changed keeps the old content', () => {
    const v = tf.variable(tf.zeros([2]));
    const before = tf.add(v, 1);
    v.assign(tf.tensor1d([5, 6]));
    const after = tf.add(v, 1);
    assert.deepEqual([...before.dataSync(), ...after.dataSync()], [1, 1, 6, 7]);
  });

  it('a tensor freed before it was used still counts', () => {
    const x = tf.tensor1d([1, 2]);
    const y = tf.mul(x, 2);
    x.dispose();
    assert.deepEqual([...y.dataSync()], [2, 4]);
  });

  it('moves to the cpu backend and back', async () => {
    const filter = tf.ones([1, 1, 2, 2]) as tf.Tensor4D;
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]);
    const y = tf.conv2d(x, filter, 1, 'same');
    await tf.setBackend('cpu');
    const z = tf.add(y, 1);
    assert.deepEqual([...z.dataSync()], [4, 4, 8, 8, 12, 12, 16, 16]);
    await tf.setBackend('onnxruntime');
    assert.deepEqual([...tf.add(z, y).dataSync()], [7, 7, 15, 15, 23, 23, 31, 31]);
  });

  it('the same content under several shapes', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const y = tf.square(x);
    const flat = tf.reshape(y, [6]);
    assert.deepEqual([...tf.add(flat, tf.reshape(y, [6])).dataSync()], [2, 8, 18, 32, 50, 72]);
    assert.deepEqual(tf.expandDims(y, 1).shape, [2, 1, 3]);
    assert.deepEqual([...tf.sum(tf.reshape(y, [3, 2]), 0).dataSync()], [35, 56]);
  });

  it('infinite and uniform content', () => {
    const x = tf.fill([3], Infinity);
    assert.deepEqual([...tf.neg(x).dataSync()], [-Infinity, -Infinity, -Infinity]);
    assert.deepEqual([...tf.add(tf.zeros([2, 2]), tf.ones([2])).dataSync()], [1, 1, 1, 1]);
    assert.ok(Object.is(tf.div(1, tf.mul(tf.tensor1d([-0, -0]), 1)).dataSync()[0], -Infinity));
  });

  it('numTensors and data ids stay level', async () => {
    const network = convnet(4);
    const optimizer = tf.train.momentum(0.01, 0.9);
    const { x, labels } = batch(4, 8);
    step(network, optimizer, x, labels).dispose();
    const [tensors, ids] = [tf.memory().numTensors, backend.numDataIds()];
    for (let i = 0; i < 3; i++) {
      const loss = step(network, optimizer, x, labels);
      await loss.data();
      loss.dispose();
    }
    assert.equal(tf.memory().numTensors, tensors);
    assert.equal(backend.numDataIds(), ids);
    dispose(network);
  });

  it("no kernel leaks by tfjs's own count", () => {
    tf.env().set('IS_TEST', true);
    try {
      const network = convnet(4);
      const { x } = batch(4, 8);
      const loss = () => tf.mean(tf.square(network.forward(x, true))) as tf.Scalar;
      const optimizer = tf.train.adam(0.01);
      for (let i = 0; i < 2; i++) optimizer.minimize(loss, false, network.variables);
      tf.tidy(() => [
        tf.split(x, 3, 3),
        tf.unstack(x),
        tf.complex([1], [2]),
        tf.topk(tf.tensor1d([1, 3, 2]), 2).values,
      ]);
    } finally {
      tf.env().set('IS_TEST', false);
    }
  });

  it('memory is level over three hundred steps', async () => {
    const network = convnet(8);
    const optimizer = tf.train.momentum(0.001, 0.9);
    const { x, labels } = batch(16, 8);
    const used = async (steps: number) => {
      for (let i = 0; i < steps; i++) {
        const loss = step(network, optimizer, x, labels);
        if (i % 10 === 0) await loss.data();
        loss.dispose();
      }
      return process.memoryUsage().rss / 2 ** 20;
    };
    const before = await used(100);
    const after = await used(200);
    assert.ok(after - before < 60, `${before.toFixed(0)} MB after 100 steps, ${after.toFixed(0)} MB after 300`);
    dispose(network);
  });
});
