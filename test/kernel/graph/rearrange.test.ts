import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../../kernel/graph/builder.ts';
import { cut } from '../../../kernel/graph/cut.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import type { Shape } from '../../../kernel/graph/parameter.ts';
import { Network } from '../../../kernel/graph/run.ts';

type Grow = (b: Builder, x: string) => string;

/** Output of a network of one op, and the gradient of its sum weighted by place, for an input of 0, 1, 2, ... */
function run(shape: Shape, grow: Grow, batch = 1) {
  const b = new Builder('net');
  const network = new Network(b.build(grow(b, b.input('x', shape))));
  const length = batch * shape.reduce((n, d) => n * d, 1);
  return tf.tidy(() => {
    const x = tf.reshape(tf.range(0, length), [batch, ...shape]);
    const f = (x: tf.Tensor) => network.apply(x)[0]!;
    const y = f(x);
    const weights = tf.reshape(tf.range(1, y.size + 1), y.shape);
    const gradient = tf.grad(x => tf.sum(tf.mul(f(x), weights)))(x);
    return { shape: y.shape.slice(1), y: [...y.dataSync()], gradient: [...gradient.dataSync()] };
  });
}

/** Asserts that an op which moves values sends the gradient back to where each came from. */
function assertAdjoint({ y, gradient }: ReturnType<typeof run>): void {
  const expected = gradient.map(() => 0);
  y.forEach((from, to) => (expected[from]! += to + 1));
  assert.deepEqual(gradient, expected);
}

describe('rearranging ops', () => {
  it('depth to space, DCR: TensorFlow’s', () => {
    const result = run([2, 3, 8], (b, x) => b.depthToSpace('y', x, 2, 'DCR'), 2);
    const expected = tf.depthToSpace(tf.reshape(tf.range(0, 96), [2, 2, 3, 8]) as tf.Tensor4D, 2, 'NHWC');
    assert.deepEqual(result.y, [...expected.dataSync()]);
    assertAdjoint(result);
  });

  it('depth to space, CRD: PyTorch’s pixel shuffle', () => {
    const result = run([2, 3, 8], (b, x) => b.depthToSpace('y', x, 2), 2);
    assert.deepEqual(result.shape, [4, 6, 2]);
    // The definition: out[h, w, c] = in[h / 2, w / 2, 4 c + 2 (h mod 2) + w mod 2].
    const at = (n: number, h: number, w: number, c: number) => ((n * 2 + h) * 3 + w) * 8 + c;
    let i = 0;
    for (let n = 0; n < 2; n++)
      for (let h = 0; h < 4; h++)
        for (let w = 0; w < 6; w++)
          for (let c = 0; c < 2; c++) assert.equal(result.y[i++], at(n, h >> 1, w >> 1, 4 * c + 2 * (h % 2) + (w % 2)));
    assertAdjoint(result);
  });

  for (const mode of ['DCR', 'CRD'] as const)
    it(`space to depth undoes depth to space, ${mode}`, () => {
      const result = run([2, 4, 18], (b, x) => b.spaceToDepth('z', b.depthToSpace('y', x, 3, mode), 3, mode), 2);
      assert.deepEqual(result.y, [...Array(2 * 2 * 4 * 18).keys()]);
      assertAdjoint(result);
    });

  it('upsample repeats places, with the right gradient for several images', () => {
    const result = run([2, 2, 1], (b, x) => b.upsample('y', x, [2, 3]), 2);
    const row = (a: number, b: number) => [a, a, a, b, b, b];
    assert.deepEqual(
      result.y,
      [0, 2, 4, 6].flatMap(first => [...row(first, first + 1), ...row(first, first + 1)]),
    );
    const back = result.gradient;
    result.y.forEach((from, to) => (back[from]! -= to + 1));
    for (const rest of back) assert.ok(Math.abs(rest) < 1e-3, result.gradient.join());
  });

  it('gather takes channels by index, also twice', () => {
    const result = run([2, 1, 3], (b, x) => b.gather('y', x, [2, 0, 2]), 2);
    assert.deepEqual(result.y.slice(0, 6), [2, 0, 2, 5, 3, 5]);
    assertAdjoint(result);
  });

  it('a channel shuffle takes one channel of every group in turn', () => {
    assert.deepEqual(run([1, 1, 6], (b, x) => b.channelShuffle('y', x, 2)).y, [0, 3, 1, 4, 2, 5]);
    assert.deepEqual(run([1, 1, 6], (b, x) => b.channelShuffle('y', x, 3)).y, [0, 2, 4, 1, 3, 5]);
  });

  it('tokens, class token, position embedding, one token', () => {
    const result = run([2, 3, 2], (b, x) => {
      const tokens = b.classToken('class', b.tokens('tokens', x), { initializer: () => Float32Array.of(-1, -2) });
      const places = Float32Array.from({ length: 14 }, (_, i) => 100 * i);
      return b.positionEmbedding('position', tokens, { initializer: () => places });
    });
    assert.deepEqual(result.shape, [7, 2]);
    assert.deepEqual(result.y, [-1, 98, ...[...Array(12).keys()].map(i => i + 100 * (i + 2))]);
    assert.deepEqual(run([3, 2], (b, x) => b.token('y', x, 1), 2).y, [2, 3, 8, 9]);
    assert.deepEqual(run([3, 2], (b, x) => b.globalAveragePool('y', x), 2).y, [2, 3, 8, 9]);
  });
});

describe('groups of rearranging ops', () => {
  const free = (grow: Grow, filters = 8) => {
    const b = new Builder('net');
    const x = b.conv('a', b.input('image', [4, 4, 3]), { filters, kernel: 1 });
    const graph = b.build(b.conv('end', grow(b, x), { filters: 2, kernel: 1 }));
    const list = groups(graph).filter(group => !group.protected);
    const units = (id: string) => [...list.find(group => group.id === id)!.members[0]!.units];
    return { graph, units, lines: list.map(({ id, units }) => `${id} ${units}`) };
  };

  it('a pixel shuffle makes one unit of the channels of an output channel: side by side in CRD, strewn in DCR', () => {
    const units = (mode: 'DCR' | 'CRD') => free((b, x) => b.depthToSpace('y', x, 2, mode)).units('a');
    assert.deepEqual(units('CRD'), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert.deepEqual(units('DCR'), [0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('the inverse ties nothing: a channel has four places in its reader', () => {
    const { lines, graph } = free((b, x) => b.spaceToDepth('y', x, 2));
    assert.deepEqual(lines, ['a 8']);
    assert.equal(graph.parameters.get('end.kernel')!.shape[2], 32);
  });

  it('a shuffle between grouped convolutions ties what each of them ties, no more', () => {
    const grow: Grow = (b, x) => {
      const y = b.conv('b', x, { filters: 8, kernel: 1, groups: 2 });
      return b.conv('c', b.channelShuffle('s', y, 2), { filters: 8, kernel: 1, groups: 2 });
    };
    const { lines, units, graph } = free(grow);
    // Places i of the groups of b are 0 4, 1 5, 2 6, 3 7; shuffled, c ties 0 2, 4 6, 1 3, 5 7.
    assert.deepEqual(lines, ['a 4', 'b 2', 'c 4']);
    assert.deepEqual(units('b'), [0, 1, 0, 1, 0, 1, 0, 1]);
    const { attributes } = cut(graph, new Map([['b', [false, true]]])).nodes.find(({ id }) => id === 's')!;
    assert.deepEqual(attributes, { indices: [0, 2, 1, 3] });
  });

  it('a gather of some channels leaves some of them', () => {
    const { lines, units } = free((b, x) => b.concat('both', [b.gather('y', x, [5, 1, 1]), x]));
    assert.deepEqual(lines, ['a 6', 'a:2 2']);
    assert.deepEqual(units('a:2'), [-1, 0, -1, -1, -1, 1, -1, -1]);
  });

  const b = new Builder('net');
  const [image, tokens] = [b.input('image', [3, 4, 6]), b.input('tokens', [5, 6])];
  const refused: [string, () => string, RegExp][] = [
    [
      'channels that fill no block',
      () => b.depthToSpace('y', image, 2),
      /depth-to-space y: 6 channels in blocks of 2 x 2/,
    ],
    ['places that fill no block', () => b.spaceToDepth('y', image, 2), /space-to-depth y: 3 x 4 places in blocks of 2/],
    ['a channel that is not there', () => b.gather('y', image, [0, 6]), /gather y: channel 6 of 6/],
    ['a token that is not there', () => b.token('y', tokens, 5), /token y: token 5 of 5/],
    ['tokens of tokens', () => b.tokens('y', tokens), /tokens y: needs an image .*, got \[5, 6\]/],
    ['an image as tokens', () => b.classToken('y', image), /class-token y: needs tokens .*, got \[3, 4, 6\]/],
    ['upsampled tokens', () => b.upsample('y', tokens, 2), /upsample y: needs an image .*, got \[5, 6\]/],
  ];
  for (const [what, grow, message] of refused) it(`refuses ${what}`, () => assert.throws(grow, message));
});
