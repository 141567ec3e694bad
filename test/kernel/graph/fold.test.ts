import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { Builder } from '../../../kernel/graph/builder.ts';
import { foldNorms } from '../../../kernel/graph/fold.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { graphs } from './graphs.ts';
import { scrambled } from './oracle.ts';

const norms = (graph: Graph) => graph.nodes.filter(({ op }) => op === 'batch-norm').map(({ id }) => id);

function assertSame(a: Graph, b: Graph): void {
  tf.tidy(() => {
    const x = tf.randomNormal([2, ...Object.values(a.inputs)[0]!], 0, 1, 'float32', 1);
    const networks = [a, b].map(graph => new Network(graph));
    const [p, q] = networks.map(network => network.apply(x)[0]!) as [tf.Tensor, tf.Tensor];
    const difference = tf.div(tf.norm(tf.sub(p, q)), tf.norm(p)).dataSync()[0]!;
    assert.ok(difference < 1e-5, `relative difference ${difference}`);
    for (const network of networks) network.dispose();
  });
}

describe('foldNorms', () => {
  it('keeps what random networks compute', () => {
    const foldable = graphs.filter(graph => norms(foldNorms(graph)).length < norms(graph).length);
    fc.assert(
      fc.property(foldable, fc.nat(1000), (graph, seed) => {
        const full = scrambled(graph, seed);
        assertSame(full, foldNorms(full));
      }),
      { numRuns: 25 },
    );
  });

  it('leaves a norm whose layer others read, and one that is an output', () => {
    const b = new Builder('net');
    const x = b.conv('a', b.input('image', [4, 4, 3]), { filters: 4, kernel: 1 });
    const y = b.conv('b', b.batchNorm('shared', x), { filters: 4, kernel: 1, groups: 4, bias: true });
    const z = b.conv('c', b.add('add', b.batchNorm('alone', y), x), { filters: 2, kernel: 3 });
    const graph = scrambled(b.build(b.batchNorm('last', z)));
    const small = foldNorms(graph);
    assert.deepEqual(norms(small), ['shared', 'last']);
    assertSame(graph, small);
  });
});
