import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { Builder, normal } from '../../../kernel/graph/builder.ts';
import { cut } from '../../../kernel/graph/cut.ts';
import { Parameter } from '../../../kernel/graph/parameter.ts';
import { build } from '../../../plugins/api.ts';
import { random } from '../../../kernel/random.ts';
import { onnx } from '../../../plugins/formats/index.ts';
import { graphs } from '../../kernel/graph/graphs.ts';
import { randomKept, scrambled } from '../../kernel/graph/oracle.ts';
import { forms } from '../models/forms.ts';
import { assertSameInOnnx } from './oracle.ts';

describe('onnx', () => {
  for (const { name, build } of forms)
    it(`${name}, whole and cut, computes the same in ONNX Runtime`, async () => {
      const graph = scrambled(build());
      await assertSameInOnnx(graph);
      await assertSameInOnnx(cut(graph, randomKept(graph, random(5, graph.name), 0.6)));
    });

  it('random networks, whole and cut, compute the same in ONNX Runtime', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.nat(1000), async (graph, seed) => {
        const full = scrambled(graph, seed);
        await assertSameInOnnx(full);
        await assertSameInOnnx(cut(full, randomKept(full, random(seed, 'kept'))));
      }),
      { numRuns: 60 },
    );
  });

  const single: [string, (b: Builder, x: string) => string][] = [
    [
      'squeeze-excite',
      (b, x) => {
        const gate = b.dense(
          'excite',
          b.relu('relu', b.dense('squeeze', b.globalAveragePool('pool', x), { units: 2 })),
          { units: 6 },
        );
        return b.multiply('scale', x, b.activation('sigmoid', 'gate', gate));
      },
    ],
    ['concat and slice of images', (b, x) => b.slice('slice', b.concat('concat', [x, b.relu('relu', x)]), 4, 5)],
    [
      'concat and slice of vectors',
      (b, x) => {
        const y = b.flatten('flatten', x);
        return b.slice('slice', b.concat('concat', [y, y]), 90, 20);
      },
    ],
    ['a gather of channels, some twice', (b, x) => b.gather('gather', x, [5, 0, 0, 3])],
    ['a gather of features', (b, x) => b.gather('gather', b.flatten('flatten', x), [90, 1, 1, 17])],
    ['an upsampled image', (b, x) => b.upsample('up', x, [2, 3])],
    ...(['DCR', 'CRD'] as const).flatMap((mode): [string, (b: Builder, x: string) => string][] => [
      [`depth to space, ${mode}`, (b, x) => b.depthToSpace('shuffle', b.concat('c', [x, x]), 2, mode)],
      [`space to depth, ${mode}`, (b, x) => b.spaceToDepth('unshuffle', b.upsample('up', x, 2), 2, mode)],
    ]),
    [
      'tokens with a class and their places, and their mean',
      (b, x) => {
        const initial = { initializer: normal(1) };
        const y = b.classToken('class', b.tokens('tokens', x), initial);
        return b.globalAveragePool('mean', b.positionEmbedding('position', y, initial));
      },
    ],
    ['one of the tokens', (b, x) => b.token('token', b.tokens('tokens', x), 3)],
    [
      'attention',
      (b, x) => {
        const [q, k, v] = ['q', 'k', 'v'].map(id => b.dense(id, b.tokens(`${id}.tokens`, x), { units: 6 }));
        return b.attention('attention', q!, k!, v!, { heads: 2 });
      },
    ],
    ['layer norm of an image', (b, x) => b.layerNorm('norm', x)],
    ['relu6 and gelu', (b, x) => b.activation('gelu', 'gelu', b.activation('relu6', 'relu6', x))],
    [
      'strided grouped convolution with a bias',
      (b, x) => b.conv('y', x, { filters: 4, kernel: 3, stride: 2, padding: 1, groups: 2, bias: true }),
    ],
    [
      'dilated depthwise convolution',
      (b, x) => b.conv('y', x, { filters: 12, kernel: 3, padding: 2, dilation: 2, groups: 6 }),
    ],
    [
      'uneven windows',
      (b, x) =>
        b.averagePool('y', b.maxPool('x', x, { kernel: [3, 2], stride: [2, 1], padding: 1 }), {
          kernel: [2, 3],
          padding: [0, 1],
        }),
    ],
  ];
  for (const [what, grow] of single)
    it(`${what} as the output`, async () => {
      const b = new Builder('net');
      const x = b.conv('stem', b.input('image', [5, 7, 3]), { filters: 6, kernel: 3, padding: 1 });
      await assertSameInOnnx(scrambled(b.build(grow(b, x))));
    });

  it('names inputs, outputs and a free batch', async () => {
    const graph = build('resnet18', { classes: 7, width: 0.125 });
    const session = await ort.InferenceSession.create(onnx.write(graph));
    const plain = (list: readonly ort.InferenceSession.ValueMetadata[]) =>
      list.map(value => value.isTensor && [value.name, value.type, [...value.shape]]);
    assert.deepEqual(plain(session.inputMetadata), [['image', 'float32', ['batch', 3, 32, 32]]]);
    assert.deepEqual(plain(session.outputMetadata), [['fc', 'float32', ['batch', 7]]]);
    await session.release();
  });

  it('writes the same bytes for the same graph', () => {
    const write = () => onnx.write(build('resnet18', { width: 0.125 }));
    assert.deepEqual(write(), write());
  });

  it('keeps names apart where a node is called like a parameter', async () => {
    const b = new Builder('net');
    const x = b.dense('a', b.input('x', [3]), { units: 4 });
    const graph = b.build(b.relu('a.kernel', x));
    await assertSameInOnnx(scrambled(graph));
  });

  it('refuses what no ONNX file can hold', () => {
    const b = new Builder('net');
    const graph = b.build(b.dense('a', b.input('x', [3]), { units: 4, bias: false }));
    const huge = new Parameter([2 ** 15, 2 ** 15], () => assert.fail('not to be read'));
    assert.throws(
      () => onnx.write({ ...graph, parameters: new Map([['a.kernel', huge]]) }),
      /net: 4294967296 bytes of weights, an ONNX file holds 2\^31 - 1/,
    );
  });
});
