import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { scrambled, smallGraphs } from '../../../kernel/contract/small-graphs.ts';
import { Network } from '../../../kernel/graph/run.ts';

describe('network', () => {
  it('computes what the values need that are asked for, and no more', () => {
    const graph = scrambled(smallGraphs.residual());
    const network = new Network(graph);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.randomNormal([2, 6, 6, 3], 0, 1, 'float32', 1);
      const all = new Map<string, tf.Tensor>();
      network.apply(x, { tap: ({ view, output }) => void all.set(view.id, tf.keep(tf.clone(output))) });
      const seen: string[] = [];
      const only = ['bn2', 'image', 'stem'];
      const [bn2, image, stem] = network.apply(x, { only, tap: ({ view }) => void seen.push(view.id) });
      assert.deepEqual(seen, ['stem', 'bn', 'relu', 'inner', 'bn2']);
      assert.deepEqual(image!.dataSync(), x.dataSync());
      assert.deepEqual(stem!.dataSync(), all.get('stem')!.dataSync());
      assert.deepEqual(bn2!.dataSync(), all.get('bn2')!.dataSync());
      tf.dispose([...all.values()]);
    });
    assert.equal(tf.memory().numTensors, before);
    network.dispose();
  });
});
