import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../../kernel/graph/builder.ts';
import { loadWeights } from '../../../kernel/graph/load-weights.ts';
import { Network } from '../../../kernel/graph/run.ts';
import type { StoredTensor } from '../../../kernel/safetensors.ts';
import { random } from '../../../kernel/random.ts';

function network() {
  const b = new Builder('net');
  let x = b.conv('conv', b.input('image', [4, 3, 2]), { filters: 3, kernel: [2, 1], bias: true });
  x = b.conv('depthwise', b.batchNorm('bn', x), { filters: 3, kernel: [2, 3], groups: 3 });
  return b.build(b.dense('fc', b.flatten('flatten', x), { units: 2 }));
}

function state(prefix = ''): Map<string, StoredTensor> {
  const shapes: Record<string, number[]> = {
    'conv.weight': [3, 2, 2, 1],
    'conv.bias': [3],
    'bn.weight': [3],
    'bn.bias': [3],
    'bn.running_mean': [3],
    'bn.running_var': [3],
    'bn.num_batches_tracked': [],
    'depthwise.weight': [3, 1, 2, 3],
    'fc.weight': [2, 6],
    'fc.bias': [2],
  };
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const source = random(1, name);
      const size = shape.reduce((a, b) => a * b, 1);
      return [prefix + name, { shape, values: Float32Array.from({ length: size }, () => 0.1 + source.uniform()) }];
    }),
  );
}

describe('loadWeights', () => {
  it('computes what PyTorch computes from the same state, element by element', () => {
    const tensors = state();
    const at = (name: string, ...index: number[]) => {
      const { shape, values } = tensors.get(name)!;
      return values[index.reduce((place, i, axis) => place * shape[axis]! + i, 0)]!;
    };
    // Channels first, as PyTorch has it.
    const source = random(2, 'x');
    const image = Array.from({ length: 2 }, () =>
      Array.from({ length: 4 }, () => Array.from({ length: 3 }, () => source.normal())),
    );
    const grid = (f: (c: number, y: number, x: number) => number, c: number, h: number, w: number) =>
      Array.from({ length: c }, (_, i) =>
        Array.from({ length: h }, (_, y) => Array.from({ length: w }, (_, x) => f(i, y, x))),
      );
    const sum = (n: number, f: (i: number) => number) =>
      Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
    const conv = grid(
      (o, y, x) => at('conv.bias', o) + sum(2, i => sum(2, k => image[i]![y + k]![x]! * at('conv.weight', o, i, k, 0))),
      3,
      3,
      3,
    );
    const norm = grid(
      (c, y, x) =>
        ((conv[c]![y]![x]! - at('bn.running_mean', c)) / Math.sqrt(at('bn.running_var', c) + 1e-5)) *
          at('bn.weight', c) +
        at('bn.bias', c),
      3,
      3,
      3,
    );
    const depth = grid(
      (c, y, x) => sum(2, k => sum(3, l => norm[c]![y + k]![x + l]! * at('depthwise.weight', c, 0, k, l))),
      3,
      2,
      1,
    );
    const vector = depth.flat(2);
    const expected = [0, 1].map(o => at('fc.bias', o) + sum(6, i => vector[i]! * at('fc.weight', o, i)));
    const own = new Network(loadWeights(network(), tensors));
    const x = tf.transpose(tf.tensor([image]), [0, 2, 3, 1]);
    const actual = own.apply(x)[0]!.dataSync();
    expected.forEach((value, i) =>
      assert.ok(Math.abs(actual[i]! - value) < 1e-4 * Math.abs(value), `${actual[i]} ${value}`),
    );
    own.dispose();
  });

  it('takes the state of a wrapped module', () => {
    const plain = loadWeights(network(), state());
    const wrapped = loadWeights(network(), new Map([...state()].map(([name, tensor]) => [`module.${name}`, tensor])));
    for (const [name, { values }] of plain.parameters) assert.deepEqual(wrapped.parameters.get(name)!.values, values);
  });

  it('names all that does not fit in one error', () => {
    const tensors = state();
    tensors.delete('bn.bias');
    tensors.set('fc.weight', { shape: [2, 7], values: new Float32Array(14) });
    tensors.set('layer9.weight', { shape: [1], values: new Float32Array(1) });
    assert.throws(
      () => loadWeights(network(), tensors),
      /^Error: weights for net: 1 missing: bn.bias; 1 not expected: layer9.weight; 1 of another shape: fc.weight \[2, 7\] instead of \[2, 6\]$/,
    );
  });
});
