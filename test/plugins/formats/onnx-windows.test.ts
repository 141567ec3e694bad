import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { Network } from '../../../kernel/graph/run.ts';
import { random } from '../../../kernel/random.ts';
import { float, GraphBuilder, type Attributes } from '../../../plugins/backends/onnxruntime/onnx/index.ts';
import { onnx } from '../../../plugins/formats/index.ts';

const normals = (n: number, seed = 1) => {
  const source = random(seed, 'values');
  return Float32Array.from({ length: n }, () => source.normal());
};

/** Asserts that a file of one or a few nodes, read, computes what it computes in ONNX Runtime; false where ORT refuses it. */
async function assertSame(
  build: (b: GraphBuilder, x: string) => string,
  shape: readonly number[],
  opset = 17,
): Promise<boolean> {
  const b = new GraphBuilder();
  b.input('x', 'float32', ['batch', ...shape]);
  b.output(
    build(b, 'x'),
    'float32',
    Array.from({ length: 4 }, (_, i) => `n${i}`),
  );
  const bytes = b.encode({ opsets: { '': opset }, irVersion: 8 });
  const dims = [2, ...shape];
  const values = normals(dims.reduce((p, q) => p * q, 1));
  let expected: ort.Tensor;
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
  }).catch(() => undefined);
  if (!session) return false;
  try {
    expected = (await session.run({ x: new ort.Tensor('float32', values, dims) }))[session.outputNames[0]!]!;
  } catch {
    return false;
  } finally {
    await session.release();
  }
  const network = new Network(onnx.read!(bytes));
  tf.tidy(() => {
    const [y] = network.apply(tf.transpose(tf.tensor(values, dims), [0, 2, 3, 1])) as [tf.Tensor];
    const actual = y.rank === 4 ? tf.transpose(y, [0, 3, 1, 2]) : y;
    assert.deepEqual(actual.shape, expected.dims);
    const wanted = expected.data as Float32Array;
    actual
      .dataSync()
      .forEach((value, i) =>
        assert.ok(Math.abs(value - wanted[i]!) < 1e-4, `${value} instead of ${wanted[i]} at ${i}`),
      );
  });
  network.dispose();
  return true;
}

type Pair = [number, number];
const small = (max: number) => fc.integer({ min: 0, max });
const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const windows = fc.record({
  sides: pair(4, 9),
  kernel: pair(1, 3),
  strides: pair(1, 3),
  pads: fc.tuple(small(1), small(1), small(1), small(1)),
  auto: fc.constantFrom('NOTSET', 'NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  ceil: small(1),
  counted: small(1),
});
type Windows = typeof windows extends fc.Arbitrary<infer T> ? T : never;

const attributesOf = ({ kernel, strides, pads, auto }: Windows): Attributes => ({
  kernel_shape: kernel,
  strides,
  // A pool's padding is less than its window.
  ...(auto === 'NOTSET' ? { pads: pads.map((n, i) => Math.min(n, kernel[i % 2]! - 1)) } : { auto_pad: auto }),
});

describe('windows of ONNX', () => {
  const cases: [string, (w: Windows) => (b: GraphBuilder, x: string) => string][] = [
    [
      'max pools',
      w => (b, x) =>
        b.node('MaxPool', [x], { ...attributesOf(w), ...(w.auto === 'NOTSET' ? { ceil_mode: w.ceil } : {}) })[0]!,
    ],
    [
      'average pools',
      w => (b, x) =>
        b.node('AveragePool', [x], {
          ...attributesOf({
            ...w,
            strides: w.strides.map((n, i) => (w.auto === 'NOTSET' ? n : Math.min(n, w.kernel[i]!))) as Pair,
          }),
          ...(w.auto === 'NOTSET' ? { ceil_mode: w.ceil, count_include_pad: w.counted } : {}),
        })[0]!,
    ],
    [
      'convolutions',
      w => (b, x) => {
        const groups = w.ceil ? 2 : 1;
        const shape = [6, 4 / groups, ...w.kernel];
        const kernel = b.initializer(
          'w',
          'float32',
          shape,
          normals(
            shape.reduce((p, q) => p * q, 1),
            2,
          ),
        );
        const bias = b.initializer('b', 'float32', [6], normals(6, 3));
        return b.node('Conv', [x, kernel, ...(w.counted ? [bias] : [])], { ...attributesOf(w), group: groups })[0]!;
      },
    ],
  ];
  for (const [what, build] of cases)
    it(`are read for ${what} of any padding`, async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(windows, async w => {
          if (await assertSame(build(w), [4, ...w.sides], 19)) compared++;
        }),
        { numRuns: 100 },
      );
      assert.ok(compared > 60, `${compared} compared`);
    });

  it('of average pools that leave places out are not guessed', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', ['batch', 4, 4, 6]);
    b.output(
      b.node('AveragePool', [x], { kernel_shape: [1, 1], strides: [1, 3], auto_pad: 'SAME_UPPER' })[0]!,
      'float32',
      [],
    );
    assert.throws(
      () => onnx.read!(b.encode()),
      /AveragePool .+: auto_pad of windows of 1 x 1 that leave places out is not supported/,
    );
  });

  const ints = (b: GraphBuilder, ...values: number[]) => b.constant('int64', [values.length], values);
  const single: [string, (b: GraphBuilder, x: string) => string, number?][] = [
    [
      'Split in unequal parts, the last first',
      (b, x) => {
        const [p, q] = b.node('Split', [x, ints(b, 1, 3)], { axis: 1 }, { outputs: ['p', 'q'] });
        return b.node('Concat', [q!, p!], { axis: 1 })[0]!;
      },
    ],
    ['Slice from the end', (b, x) => b.node('Slice', [x, ints(b, -3, 1), ints(b, 2 ** 62, -1), ints(b, 1, -1)])[0]!],
    ['Slice with attributes', (b, x) => b.node('Slice', [x], { starts: [1], ends: [3], axes: [1] })[0]!, 9],
    [
      'Resize by a factor',
      (b, x) =>
        b.node('Resize', [x, '', b.constant('float32', [4], [1, 1, 2, 3])], {
          mode: 'nearest',
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        })[0]!,
    ],
    [
      'Resize to a size',
      (b, x) => {
        const lead = b.node('Slice', [b.node('Shape', [x])[0]!, ints(b, 0), ints(b, 2)])[0]!;
        const size = b.node('Concat', [lead, ints(b, 10, 14)], { axis: 0 })[0]!;
        return b.node('Resize', [x, '', '', size], { mode: 'nearest' })[0]!;
      },
    ],
    ['Pad', (b, x) => b.node('Pad', [x, ints(b, 0, 0, 1, 0, 0, 0, 2, 1)])[0]!],
    ['Softmax of channels', (b, x) => b.node('Softmax', [x], { axis: 1 })[0]!],
    ['Softmax of places', (b, x) => b.node('Softmax', [x], { axis: 3 })[0]!],
    [
      'a gather of channels and one of rows',
      (b, x) =>
        b.node('Gather', [b.node('Gather', [x, ints(b, 3, 0, 0)], { axis: 1 })[0]!, ints(b, 2, 3)], { axis: 2 })[0]!,
    ],
    ['a quotient of two values', (b, x) => b.node('Div', [x, b.node('Sigmoid', [x])[0]!])[0]!],
    ['a difference with a row', (b, x) => b.node('Sub', [b.constant('float32', [7], [...normals(7)]), x])[0]!],
    [
      'a product along every axis',
      (b, x) => b.node('Mul', [x, b.constant('float32', [4, 1, 7], [...normals(28)])])[0]!,
    ],
    ['a concatenation of rows', (b, x) => b.node('Concat', [x, b.node('Relu', [x])[0]!], { axis: 2 })[0]!],
    [
      'a value and itself turned',
      (b, x) => {
        const square = b.node('Slice', [x, ints(b, 0), ints(b, 5), ints(b, 3)])[0]!;
        return b.node('Add', [square, b.node('Transpose', [square], { perm: [0, 1, 3, 2] })[0]!])[0]!;
      },
    ],
    [
      'a dense layer along rows',
      (b, x) => b.node('MatMul', [x, b.initializer('w', 'float32', [7, 3], normals(21, 4))])[0]!,
    ],
    [
      'a norm of channels in parts',
      (b, x) => {
        const mean = (of: string) => b.node('ReduceMean', [of], { axes: [1], keepdims: 1 })[0]!;
        const centred = b.node('Sub', [x, mean(x)])[0]!;
        const variance = b.node('Add', [
          mean(b.node('Mul', [centred, centred])[0]!),
          b.constant('float32', [], [1e-5]),
        ])[0]!;
        const normal = b.node('Div', [centred, b.node('Sqrt', [variance])[0]!])[0]!;
        const scaled = b.node('Mul', [normal, b.constant('float32', [4, 1, 1], [...normals(4)])])[0]!;
        return b.node('Add', [scaled, b.constant('float32', [4, 1, 1], [...normals(4, 2)])])[0]!;
      },
    ],
    [
      'GELU in other orders',
      (b, x) => {
        const half = b.node('Mul', [x, b.constant('float32', [], [0.5])])[0]!;
        const erf = b.node('Erf', [b.node('Mul', [x, b.constant('float32', [], [Math.SQRT1_2])])[0]!])[0]!;
        return b.node('Mul', [b.node('Add', [b.constant('float32', [], [1]), erf])[0]!, half])[0]!;
      },
    ],
    [
      'a norm with its own epsilon',
      (b, x) => {
        const vectors = [1, 2, 3].map(seed => b.constant('float32', [4], [...normals(4, seed)]));
        return b.node('BatchNormalization', [x, ...vectors, b.constant('float32', [4], [1, 2, 3, 4])], {
          epsilon: float(0.5),
        })[0]!;
      },
    ],
  ];
  for (const [what, build, opset] of single)
    it(`${what} is read`, async () => assert.ok(await assertSame(build, [4, 5, 7], opset)));
});
