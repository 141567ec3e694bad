import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../kernel/graph/builder.ts';
import { groups } from '../../kernel/graph/groups.ts';
import { Network } from '../../kernel/graph/run.ts';
import { defineRegularizer } from '../../kernel/plugin.ts';
import { build, fit, load, runOnnx, save, sparsify, unitScores, useBackend } from '../../plugins/api.ts';
import { tinyDetector } from './tasks/detection/tiny-detector.ts';

const plain = () => {
  const b = new Builder('plain', 3);
  const x = b.conv('first', b.input('image', [32, 32, 3]), { filters: 4, kernel: 3 });
  return b.build(b.dense('last', b.globalAveragePool('pool', b.relu('relu', x)), { units: 10 }));
};

describe('scores of units', () => {
  it('are those that pruning begins with', async () => {
    const graph = plain();
    const scores = await unitScores(graph, 'magnitude-l2', { normalize: 'none' });
    assert.deepEqual([...scores.keys()], ['first']);
    const [first, last] = ['first.kernel', 'last.kernel'].map(name => graph.parameters.get(name)!.values);
    const expected = [0, 1, 2, 3].map(unit => {
      const made = first!.filter((_, i) => i % 4 === unit).reduce((sum, w) => sum + w * w, 0);
      const read = last!.filter((_, i) => Math.floor(i / 10) === unit).reduce((sum, w) => sum + w * w, 0);
      return (made + read) / 2;
    });
    scores.get('first')!.forEach((score, unit) => assert.ok(Math.abs(score - expected[unit]!) < 1e-5));
  });

  it('leave out protected groups and those in which nothing scores, and take data', async () => {
    const data = await load('shapes', { train: 16, test: 1 });
    const graph = build('resnet18', { width: 0.0625 });
    const free = groups(graph).filter(group => !group.protected);
    const scores = await unitScores(graph, 'taylor', { data, calibration: { batch: 8, batches: 2 } });
    assert.deepEqual(
      [...scores].map(([id, s]) => [id, s.length]),
      free.map(({ id, units }) => [id, units]),
    );
    assert.deepEqual((await unitScores(plain(), 'bn-scale')).size, 0);
    await assert.rejects(unitScores(graph, 'taylor'), /data/);
  });
});

describe('backends', () => {
  it('one that cannot be chosen leaves the one before', async () => {
    const count = async () => (await unitScores(plain(), 'magnitude-l2')).size;
    assert.equal(await count(), 1);
    await assert.rejects(useBackend('abacus'), /unknown backend abacus/);
    assert.equal(await count(), 1);
  });
});

describe('sparsify', () => {
  it('adds the terms of a regularizer to the gradients, in place of weight decay', async () => {
    const data = await load('shapes', { train: 8, test: 8 });
    const options = {
      epochs: 1,
      batch: 8,
      progress: () => undefined,
      schedule: { kind: 'milestones' as const, milestones: [] },
    };
    const pull = defineRegularizer({
      id: 'pull',
      start: () => ({ gradients: parameters => ({ 'first.kernel': tf.mul(parameters.get('first.kernel')!, 2) }) }),
    });
    const graph = plain();
    const kernel = (g: typeof graph, name: string) => g.parameters.get(name)!.values;
    for (const given of [undefined, { kind: 'sgd' as const, learningRate: 0.02 }]) {
      const optimizer = { kind: 'sgd' as const, learningRate: 0.01, ...given, weightDecay: 0 };
      const [without, with_] = [
        await fit(graph, data, { ...options, optimizer }),
        await sparsify(graph, data, { ...options, regularizer: pull, ...(given ? { optimizer: given } : {}) }),
      ];
      kernel(with_.graph, 'first.kernel').forEach((value, i) => {
        const pulled = optimizer.learningRate * 2 * kernel(graph, 'first.kernel')[i]!;
        assert.ok(Math.abs(value - (kernel(without.graph, 'first.kernel')[i]! - pulled)) < 1e-6);
      });
      assert.deepEqual(kernel(with_.graph, 'last.kernel'), kernel(without.graph, 'last.kernel'));
    }
  });
});

describe('a file in ONNX Runtime', () => {
  it('gives what the graph gives, images with their channels last', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pruningbench-test-'));
    try {
      for (const graph of [plain(), tinyDetector(32, 3)]) {
        const file = join(folder, `${graph.name}.onnx`);
        await save(graph, file);
        const x = tf.randomNormal([2, 32, 32, 3], 0, 1, 'float32', 5);
        const network = new Network(graph);
        const [own, found] = [network.apply(x), await runOnnx(file, x)];
        assert.deepEqual(
          found.map(({ shape }) => shape),
          own.map(({ shape }) => shape),
        );
        for (const [i, tensor] of found.entries())
          assert.ok(tf.max(tf.abs(tf.sub(tensor, own[i]!))).dataSync()[0]! < 1e-4);
        network.dispose();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
