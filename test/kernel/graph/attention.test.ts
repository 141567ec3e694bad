import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../../kernel/graph/builder.ts';
import { count } from '../../../kernel/graph/count.ts';
import { cut } from '../../../kernel/graph/cut.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { random } from '../../../kernel/random.ts';

type Matrix = number[][];
const matrix = (rows: number, columns: number, name: string): Matrix => {
  const source = random(1, name);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => source.normal()));
};

/** Attention of one image, number by number. */
function slowly(q: Matrix, k: Matrix, v: Matrix, heads: number, scale: number): Matrix {
  const size = q[0]!.length / heads;
  return q.map(query =>
    query.map((_, c) => {
      const from = Math.floor(c / size) * size;
      const weights = k.map(key => {
        let score = 0;
        for (let d = from; d < from + size; d++) score += query[d]! * key[d]!;
        return Math.exp(scale * score);
      });
      const sum = weights.reduce((a, b) => a + b, 0);
      return weights.reduce((mixed, weight, token) => mixed + (weight / sum) * v[token]![c]!, 0);
    }),
  );
}

/** Attention of three dense layers on tokens, read by a fourth. */
function attended(prune: 'dimensions' | 'heads', sigmoids = ''): Graph {
  const b = new Builder('attended');
  const x = b.input('x', [5, 4]);
  const [q, k, v] = ['q', 'k', 'v'].map(id => {
    const y = b.dense(id, x, { units: 6 });
    return sigmoids.includes(id) ? b.activation('sigmoid', `${id}.sigmoid`, y) : y;
  });
  return b.build(b.dense('out', b.attention('mix', q!, k!, v!, { heads: 2, prune }), { units: 3 }));
}

describe('attention', () => {
  it('computes what the formula says, also of other tokens', () => {
    const b = new Builder('net');
    const [q, k, v] = [b.input('q', [3, 6]), b.input('k', [5, 6]), b.input('v', [5, 6])];
    const network = new Network(b.build(b.attention('mix', q, k, v, { heads: 2 })));
    const given = { q: matrix(3, 6, 'q'), k: matrix(5, 6, 'k'), v: matrix(5, 6, 'v') };
    tf.tidy(() => {
      const inputs = Object.fromEntries(Object.entries(given).map(([id, x]) => [id, tf.tensor3d([x])]));
      const got = network.apply(inputs)[0]!.dataSync();
      slowly(given.q, given.k, given.v, 2, 3 ** -0.5)
        .flat()
        .forEach((value, i) => assert.ok(Math.abs(got[i]! - value) < 1e-5));
    });
    network.dispose();
  });

  it('counts both products', () => {
    const dense = 5 * 4 * 6 * 3 + 5 * 6 * 3;
    assert.equal(count(attended('dimensions')).macs, dense + 2 * 5 * 5 * 6);
  });

  const cuts = { dimensions: [[true, false, true], 2, 4], heads: [[false, true], 1, 3] } as const;
  for (const [prune, [kept, heads, channels]] of Object.entries(cuts))
    it(`cut by ${prune}: the scale stays, heads and channels follow`, () => {
      const graph = cut(attended(prune as keyof typeof cuts), new Map([['q', kept]]));
      const { attributes } = graph.nodes.find(({ id }) => id === 'mix')!;
      assert.deepEqual(attributes, { heads, scale: 3 ** -0.5, prune });
      assert.deepEqual(
        ['q', 'k', 'v'].map(id => graph.parameters.get(`${id}.kernel`)!.shape[1]),
        [channels, channels, channels],
      );
    });

  it('keeps dimensions where neither q nor k becomes 0, and what reads a v that does not', () => {
    const reason = (graph: Graph) => groups(graph).find(({ id }) => id === 'q')!.protected;
    const reads = (reader: string) => `${reader} reads it after an op that does not keep 0 at 0`;
    for (const sigmoids of ['', 'q', 'k']) assert.equal(reason(attended('dimensions', sigmoids)), undefined);
    assert.equal(reason(attended('dimensions', 'qk')), reads('attention mix'));
    assert.equal(reason(attended('heads', 'qk')), undefined);
    for (const prune of ['dimensions', 'heads'] as const)
      assert.equal(reason(attended(prune, 'v')), reads('dense out'));
  });

  it('refuses what does not fit', () => {
    const b = new Builder('net');
    const [q, k, image] = [b.input('q', [3, 6]), b.input('k', [5, 6]), b.input('image', [2, 2, 6])];
    assert.throws(
      () => b.attention('a', q, k, q, { heads: 2 }),
      /attention a: q \[3, 6\], k \[5, 6\] and v \[3, 6\] do not fit/,
    );
    assert.throws(() => b.attention('a', q, k, k, { heads: 4 }), /attention a: 6 channels in 4 heads/);
    assert.throws(() => b.attention('a', image, k, k, { heads: 2 }), /attention a: needs q, k, v \[tokens, channels\]/);
  });
});
