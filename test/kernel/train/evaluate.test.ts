import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Network } from '../../../kernel/graph/run.ts';
import { evaluate } from '../../../kernel/train/evaluate.ts';
import { classification } from '../../../plugins/tasks/classification.ts';
import { tinyData, tinyGraph } from './tiny.ts';

describe('evaluate', () => {
  it('gives the same for graph and network, and for batches of any size', async () => {
    const { test } = tinyData();
    const network = new Network(tinyGraph());
    const before = tf.memory().numTensors;
    const scores = await evaluate(network, test, classification, { batch: 4 });
    assert.deepEqual(await evaluate(tinyGraph(), test, classification, { batch: 4 }), scores);
    const whole = await evaluate(network, test, classification);
    assert.equal(whole['accuracy'], scores['accuracy']);
    assert.ok(Math.abs(whole['loss']! - scores['loss']!) < 1e-6);
    assert.equal(tf.memory().numTensors, before);
    network.dispose();
  });
  it('uses the running statistics', async () => {
    // Fresh running statistics (0 and 1) leave values as they are; those of a batch would not.
    const { test } = tinyData();
    const one = await evaluate(tinyGraph(), test, classification, { batch: 1 });
    const all = await evaluate(tinyGraph(), test, classification, { batch: 9 });
    assert.ok(Math.abs(one['loss']! - all['loss']!) < 1e-6);
  });
  it("stops with the signal's reason, and keeps no tensors", async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const reason = new Error('enough');
    const task = {
      ...classification,
      meter: () => ({ add: () => Promise.resolve(controller.abort(reason)), result: () => assert.fail('went on') }),
    };
    const { test } = tinyData();
    await assert.rejects(evaluate(tinyGraph(), test, task, { batch: 4, signal: controller.signal }), reason);
    await assert.rejects(evaluate(tinyGraph(), test, task, { signal: controller.signal }), reason);
    assert.equal(tf.memory().numTensors, before);
  });
});
