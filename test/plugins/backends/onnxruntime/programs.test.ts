import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { OnnxruntimeBackend } from '../../../../plugins/backends/onnxruntime/backend.ts';
import { LruMap } from '../../../../plugins/backends/onnxruntime/lru.ts';
import { batch, convnet, resnet, step } from './models.ts';
import { fresh } from './setup.ts';

describe('onnxruntime backend: compiled graphs', () => {
  let backend: OnnxruntimeBackend;
  beforeEach(async () => {
    backend = await fresh();
  });
  after(() => tf.setBackend('cpu'));

  /** Graphs compiled by something. */
  const compiles = async (f: () => Promise<void>) => {
    const before = backend.report().compiles;
    await f();
    return backend.report().compiles - before;
  };

  const train = async (
    network: ReturnType<typeof convnet>,
    optimizer: tf.Optimizer,
    { x, labels }: ReturnType<typeof batch>,
    steps: number,
    before: (i: number) => void = () => undefined,
  ) => {
    for (let i = 0; i < steps; i++) {
      before(i);
      const loss = step(network, optimizer, x, labels);
      await loss.data();
      loss.dispose();
    }
  };

  it('a training step compiles once, then never; a partial batch once', async () => {
    const [network, optimizer] = [convnet(8), tf.train.momentum(0.01, 0.9)];
    const full = batch(8, 8);
    assert.equal(await compiles(() => train(network, optimizer, full, 1)), 1);
    assert.equal(await compiles(() => train(network, optimizer, full, 3)), 0);
    assert.equal(await compiles(() => train(network, optimizer, batch(5, 8), 3)), 1);
    assert.equal(await compiles(() => train(network, optimizer, full, 3)), 0);
  });

  it('another learning rate each step compiles once more', async () => {
    const [network, optimizer] = [convnet(8), tf.train.momentum(0.01, 0.9)];
    const data = batch(8, 8);
    await train(network, optimizer, data, 3);
    const scheduled = await compiles(() =>
      train(network, optimizer, data, 5, i => {
        const rated = optimizer as unknown as { c: tf.Scalar };
        rated.c.dispose();
        rated.c = tf.keep(tf.scalar(-0.01 / (i + 2)));
      }),
    );
    assert.equal(scheduled, 1);
  });

  it('scalars that vary become inputs and keep their values apart', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const results = [1, 2, 3, 1, 0].map(factor => [...tf.mul(x, factor).dataSync()]);
    assert.deepEqual(results, [
      [1, 2, 3],
      [2, 4, 6],
      [3, 6, 9],
      [1, 2, 3],
      [0, 0, 0],
    ]);
    assert.ok(backend.report().compiles <= 2);
  });

  it('widths seen before are found again', async () => {
    const data = batch(8, 8);
    const run = (width: number) => compiles(() => train(convnet(width), tf.train.momentum(0.01, 0.9), data, 3));
    assert.equal(await run(7), 1);
    assert.equal(await run(6), 1);
    assert.equal(await run(7), 0);
  });

  it('a loop that never reads progresses and does not grow', () => {
    const [network, optimizer] = [convnet(8), tf.train.momentum(0.01, 0.9)];
    const { x, labels } = batch(8, 8);
    for (let i = 0; i < 30; i++) step(network, optimizer, x, labels).dispose();
    const { runs, last, compiles: compiled } = backend.report();
    assert.ok(runs >= 8, `${runs} runs`);
    assert.ok(compiled <= 6, `${compiled} compiles`);
    assert.ok(last.nodes < 1500, `${last.nodes} nodes in the last graph`);
  });

  it('inference that never reads is run when it holds many nodes or bytes', async () => {
    backend = await fresh({ maxNodes: 50 });
    const kept = Array.from({ length: 40 }, (_, i) => tf.tidy(() => tf.relu(tf.add(tf.tensor1d([i, -i]), 1))));
    assert.ok(backend.report().runs >= 1);
    assert.deepEqual([...kept[7]!.dataSync()], [8, 0]);
    backend = await fresh({ maxBytes: 4096 });
    const sums = Array.from({ length: 10 }, (_, i) =>
      tf.sum(tf.tensor1d(Float32Array.from({ length: 500 }, (_, k) => k + i))),
    );
    assert.ok(backend.report().runs >= 1);
    assert.equal(sums[3]!.dataSync()[0], 124750 + 1500);
  });

  for (const blocked of [true, false]) {
    it(`variables that stay the same are compiled in, ${blocked ? 'blocked' : 'plain'}`, async () => {
      backend = await fresh({ blocked, freeze: 0 });
      // Widths that fill blocks, and that do not.
      for (const network of [resnet(16, [1, 1]), resnet(15, [1, 1]), convnet(8)]) {
        const { x } = batch(3, 8);
        const infer = () => tf.tidy(() => network.forward(x, false).dataSync() as Float32Array);
        const close = (a: Float32Array, b: Float32Array) =>
          a.forEach((v, i) => assert.ok(Math.abs(v - b[i]!) < 1e-4 * (1 + Math.abs(v)), `${v}, ${b[i]}`));
        const [before, first] = [backend.report().compiles, infer()];
        close(infer(), first);
        close(infer(), first);
        assert.equal(backend.report().compiles, before + 2);
        // Other values: never those that were compiled in.
        const [variable] = network.variables;
        tf.tidy(() => variable!.assign(tf.mul(variable!, 1.5)));
        const changed = infer();
        assert.ok(changed.some((v, i) => Math.abs(v - first[i]!) > 1e-3));
        close(infer(), changed);
      }
    });
  }

  it('what is trained is never compiled in', async () => {
    backend = await fresh({ freeze: 0 });
    const [network, optimizer] = [convnet(8), tf.train.momentum(0.01, 0.9)];
    assert.equal(await compiles(() => train(network, optimizer, batch(8, 8), 5)), 1);
  });

  it('tiny calls on known values go to the cpu backend', async () => {
    backend = await fresh({ smallElements: 64 });
    for (let i = 1; i < 10; i++) assert.equal(tf.tidy(() => tf.add(tf.mul(tf.ones([i]), 2), 1)).dataSync()[0], 3);
    const { compiles: compiled, small, fallbacks } = backend.report();
    assert.equal(compiled, 0);
    assert.ok(small > 0);
    assert.deepEqual(fallbacks, {});
  });

  it('the cache is bounded', async () => {
    backend = await fresh({ cacheSize: 4 });
    for (let i = 1; i < 10; i++)
      assert.equal(tf.add(tf.tensor1d(Array.from({ length: i }, (_, k) => k)), 1).dataSync()[0], 1);
    const { cached, evictions } = backend.report();
    assert.deepEqual({ cached, evictions }, { cached: 4, evictions: 5 });
  });

  it('the cache is bounded by bytes', async () => {
    backend = await fresh({ cacheBytes: 100_000 });
    for (let i = 1; i < 10; i++) tf.square(tf.add(tf.randomUniform([1000 * i]), 1)).dataSync();
    const { cached, cachedBytes } = backend.report();
    assert.ok(cachedBytes <= 100_000 && cached >= 1 && cached < 9, `${cached} graphs, ${cachedBytes} bytes`);
  });

  it('LruMap drops what was used longest ago', () => {
    const dropped: number[] = [];
    const map = new LruMap<number>(2, Infinity, value => dropped.push(value));
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    assert.deepEqual([dropped, map.get('b'), map.get('a'), map.size], [[2], undefined, 1, 2]);
  });

  it('LruMap keeps to a weight, but for the last entry', () => {
    const dropped: number[] = [];
    const map = new LruMap<number>(10, 100, value => dropped.push(value));
    map.set('a', 1, 60);
    map.set('b', 2, 40);
    assert.deepEqual(dropped, []);
    map.set('c', 3, 30);
    assert.deepEqual([dropped, map.weight], [[1], 70]);
    map.set('d', 4, 500);
    assert.deepEqual([dropped, map.weight, map.size], [[1, 2, 3], 500, 1]);
  });
});
