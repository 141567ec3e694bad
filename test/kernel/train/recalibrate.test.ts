import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Network } from '../../../kernel/graph/run.ts';
import { recalibrate } from '../../../kernel/train/recalibrate.ts';
import { collect, shape, tinyData, tinyGraph } from './tiny.ts';

describe('recalibrate', () => {
  const data = tinyData();
  const graph = tinyGraph();
  const values = (name: string, of = graph) => of.parameters.get(name)!.values;

  /** Mean and unbiased variance of what the norm gets, batch by batch. */
  async function statistics(batch: number, count: number): Promise<{ mean: number[]; variance: number[] }[]> {
    const network = new Network(graph);
    const batches = await collect(data.train.batches({ batch, seed: 0, shuffle: true }));
    try {
      return batches.slice(0, count).map(({ size, images }) =>
        tf.tidy(() => {
          const [x] = network.apply(tf.tensor(images, [size, ...shape]), { only: ['conv'] });
          const { mean, variance } = tf.moments(x!, [0, 1, 2]);
          const n = x!.size / 4;
          return { mean: [...mean.dataSync()], variance: [...tf.mul(variance, n / (n - 1)).dataSync()] };
        }),
      );
    } finally {
      network.dispose();
    }
  }

  for (const [batch, batches] of [
    [22, 1],
    [5, 3],
    [5, 20],
  ] as const)
    it(`statistics are the mean over ${batches} batches of ${batch}, whatever they were`, async () => {
      const seen = await statistics(batch, batches);
      const recalibrated = await recalibrate(graph, data.train, { batch, batches });
      for (const what of ['mean', 'variance'] as const)
        values(`norm.${what}`, recalibrated).forEach((value, c) => {
          const expected = seen.reduce((sum, one) => sum + one[what][c]!, 0) / seen.length;
          assert.ok(Math.abs(value - expected) < 1e-5, `${what} ${c}: ${value}, expected ${expected}`);
        });
    });

  it('no weight changes, nor the graph that was given, and no tensor is left', async () => {
    const old = [...values('norm.mean')];
    const before = tf.memory().numTensors;
    const recalibrated = await recalibrate(graph, data.train, { batch: 5 });
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual([...values('norm.mean')], old);
    for (const [name, { trainable }] of graph.parameters)
      if (trainable) assert.deepEqual(values(name, recalibrated), values(name), name);
  });
  it('can be stopped', async () =>
    assert.rejects(recalibrate(graph, data.train, { signal: AbortSignal.abort(new Error('enough')) }), /enough/));
});
