import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { Tensor4D } from '@tensorflow/tfjs';
import type { OnnxruntimeBackend } from '../../../../plugins/backends/onnxruntime/backend.ts';
import * as cases from './cases.ts';
import { difference, fresh, onCpu, values } from './setup.ts';

/** Value and gradient of a function of the image, against fixed weights of its output. */
function withGradient(f: cases.Differentiable): cases.Case {
  return () => {
    const x = cases.image();
    const weigh = (y: tf.Tensor) => tf.sum(tf.mul(tf.square(y), cases.normal(y.shape, 1, 11)));
    const gradient = tf.grad(z => weigh(f(z as Tensor4D)))(x);
    return [f(x), gradient];
  };
}

for (const blocked of [true, false]) {
  describe(`onnxruntime backend: kernels, ${blocked ? 'blocked' : 'plain'} convolutions`, () => {
    let backend: OnnxruntimeBackend;
    before(async () => {
      backend = await fresh({ blocked });
    });
    after(() => tf.setBackend('cpu'));

    const compare = (name: string, compute: cases.Case, lowered: boolean) =>
      it(name, async () => {
        const expected = await onCpu(() => values(tf.tidy(compute)));
        const calls = () => Object.values(backend.report().fallbacks).reduce((sum, used) => sum + used.calls, 0);
        const fallbacks = calls();
        const got = values(tf.tidy(compute));
        const apart = difference(expected, got);
        assert.ok(
          apart < 5e-5,
          `differs by ${apart}: ${expected[0]!.data.slice(0, 4)}, got ${got[0]!.data.slice(0, 4)}`,
        );
        if (lowered) assert.equal(calls(), fallbacks, 'ran on the cpu backend');
      });

    const differentiable = blocked
      ? ['elementwise', 'reductions', 'convolutions', 'pools', 'sizes', 'products', 'shapes']
      : ['convolutions', 'pools', 'sizes'];
    for (const group of differentiable) {
      const table = cases[group as 'elementwise'];
      // The gradient of prod is made of Cumprod, which has no ONNX operator.
      for (const name in table) compare(`${group}: ${name}`, withGradient(table[name]!), name !== 'prod');
    }
    if (!blocked) return;
    for (const name in cases.exact) compare(name, cases.exact[name]!, name !== 'nothing added');
    for (const name in cases.others) compare(`cpu: ${name}`, cases.others[name]!, false);
  });
}

describe('onnxruntime backend: filter gradients', () => {
  before(() => fresh());
  after(() => tf.setBackend('cpu'));

  type Pad = 'same' | 'valid' | number;
  const shapes: [name: string, filter: number[], size: number, stride: number, pad: Pad][] = [
    ['3x3', [3, 3, 4, 5], 8, 1, 'same'],
    ['3x3 of 16 channels', [3, 3, 16, 24], 8, 1, 1],
    ['3x3 of 16 channels, stride 2', [3, 3, 16, 24], 8, 2, 1],
    ['3x3 of 16 channels, stride 2, uneven padding', [3, 3, 16, 24], 8, 2, 'same'],
    ['3x3 of 12 channels', [3, 3, 12, 20], 8, 1, 1],
    ['3x3 of 15 channels, padded', [3, 3, 15, 14], 8, 1, 1],
    ['3x3 of 15 channels, padded, stride 2', [3, 3, 15, 22], 8, 2, 1],
    ['1x1 of 15 channels, padded, stride 2', [1, 1, 15, 23], 8, 2, 'same'],
    ['4x4 stride 2', [4, 4, 16, 16], 8, 2, 1],
    ['3x3 stride 3', [3, 3, 16, 16], 9, 3, 'same'],
    ['3x3 on a large image', [3, 3, 8, 8], 32, 1, 1],
    ['3x3 on a large image, valid', [3, 3, 8, 8], 36, 1, 'valid'],
    ['5x3 on a large image', [5, 3, 8, 16], 32, 1, 'same'],
    ['1x1', [1, 1, 16, 8], 8, 1, 'same'],
    ['1x1 stride 2', [1, 1, 16, 8], 8, 2, 'same'],
    ['7x7 stride 2 of an image', [7, 7, 3, 16], 16, 2, 3],
  ];
  for (const [name, filter, size, stride, pad] of shapes) {
    it(name, async () => {
      const compute = () => {
        const x = cases.normal([2, size, size, filter[2]!], 1, 3) as Tensor4D;
        const w = cases.normal(filter, 0.3, 4) as Tensor4D;
        const y = tf.conv2d(x, w, stride, pad);
        const weights = cases.normal(y.shape, 1, 5);
        const gradients = tf.grads((a, b) =>
          tf.sum(tf.mul(tf.conv2d(a as Tensor4D, b as Tensor4D, stride, pad), weights)),
        )([x, w]);
        return [y, ...gradients];
      };
      const expected = await onCpu(() => values(tf.tidy(compute)));
      const apart = difference(expected, values(tf.tidy(compute)));
      assert.ok(apart < 1e-4, `differs by ${apart}`);
    });
  }

  it('one pixel of channels that fill no blocks, with a bias', async () => {
    const compute = () => {
      const x = cases.normal([1, 1, 1, 64], 1, 3) as Tensor4D;
      const y = tf.conv2d(x, cases.normal([1, 1, 64, 74], 0.3, 4) as Tensor4D, 1, 'same');
      return [tf.add(y, cases.normal([74], 1, 5))];
    };
    const expected = await onCpu(() => values(tf.tidy(compute)));
    assert.ok(difference(expected, values(tf.tidy(compute))) < 1e-4);
  });

  for (const channels of [4, 16, 15]) {
    for (const [stride, multiplier] of [
      [1, 1],
      [2, 1],
      [1, 2],
    ] as const) {
      it(`depthwise, ${channels} channels, stride ${stride}, multiplier ${multiplier}`, async () => {
        const compute = () => {
          const x = cases.normal([3, 8, 8, channels], 1, 3) as Tensor4D;
          const w = cases.normal([3, 3, channels, multiplier], 0.3, 4) as Tensor4D;
          const y = tf.depthwiseConv2d(x, w, stride, 1);
          const weights = cases.normal(y.shape, 1, 5);
          const loss = (a: tf.Tensor, b: tf.Tensor) =>
            tf.sum(tf.mul(tf.depthwiseConv2d(a as Tensor4D, b as Tensor4D, stride, 1), weights));
          return [y, ...tf.grads(loss)([x, w])];
        };
        const expected = await onCpu(() => values(tf.tidy(compute)));
        const apart = difference(expected, values(tf.tidy(compute)));
        assert.ok(apart < 1e-4, `differs by ${apart}`);
      });
    }
  }

  // The cpu backend's gradients know no half-pixel centres.
  for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
    it(`${resize.name} by half-pixel centres: the gradient is the adjoint`, () => {
      const [difference] = values(
        tf.tidy(() => {
          const [x, y] = [cases.normal([2, 5, 7, 3]), cases.normal([2, 9, 4, 3], 1, 2)];
          const forward = (t: tf.Tensor) => tf.sum(tf.mul(resize(t as Tensor4D, [9, 4], false, true), y));
          return tf.sub(forward(x), tf.sum(tf.mul(x, tf.grad(forward)(x))));
        }),
      );
      assert.ok(Math.abs(Number(difference!.data[0])) < 1e-4, `differs by ${difference!.data[0]}`);
    });
  }

  it('average pooling shares among the places that exist, unlike the cpu backend', () => {
    const gradient = values(
      tf.tidy(() => tf.grad(x => tf.sum(tf.avgPool(x as Tensor4D, 2, 2, 'same')))(tf.ones([1, 3, 3, 1]))),
    );
    assert.deepEqual(gradient[0]!.data, [0.25, 0.25, 0.5, 0.25, 0.25, 0.5, 0.5, 0.5, 1]);
  });
});

describe('onnxruntime backend: kernels of its own', () => {
  before(() => fresh());
  after(() => tf.setBackend('cpu'));

  const run = (kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap = {}) => {
    const y: unknown = tf.engine().runKernel(kernel, inputs, attributes);
    return y as tf.Tensor;
  };
  type Form = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => tf.Tensor;
  const forms: Record<string, { direct: Form; composed: Form }> = {
    Gelu: {
      direct: x => run('Gelu', { x }),
      composed: x => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    },
    Silu: { direct: x => run('Silu', { x }), composed: x => tf.mul(x, tf.sigmoid(x)) },
    LayerNorm: {
      direct: (x, scale, offset) => run('LayerNorm', { x, scale, offset }, { epsilon: 1e-3 }),
      composed: (x, scale, offset) => {
        const { mean, variance } = tf.moments(x, -1, true);
        return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-3))), scale), offset);
      },
    },
  };
  for (const [name, { direct, composed }] of Object.entries(forms)) {
    for (const shape of [
      [3, 5],
      [2, 3, 4, 32],
      [2, 3, 4, 30],
    ]) {
      it(`${name} of ${shape.join(' x ')} agrees with its parts`, async () => {
        const channels = shape.at(-1)!;
        const filter = () => cases.normal([1, 1, channels, channels], 0.3, 4) as Tensor4D;
        const compute = (form: Form) => () => {
          const inputs = [cases.normal(shape), cases.normal([channels], 1, 2), cases.normal([channels], 1, 3)];
          const before = (x: tf.Tensor) => (x.rank === 4 ? tf.conv2d(x as Tensor4D, filter(), 1, 'same') : x);
          const y = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => form(before(x), a, b);
          const loss = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) =>
            tf.addN([tf.sum(tf.mul(y(x, a, b), cases.normal(shape, 1, 5))), tf.sum(a), tf.sum(b)]);
          return [y(inputs[0]!, inputs[1]!, inputs[2]!), ...tf.grads(loss)(inputs)];
        };
        const expected = await onCpu(() => values(tf.tidy(compute(composed))));
        const apart = difference(expected, values(tf.tidy(compute(direct))));
        assert.ok(apart < 5e-5, `differs by ${apart}`);
      });
    }
  }
});

describe('onnxruntime backend: TrainingBatchNorm', () => {
  before(() => fresh());
  after(() => tf.setBackend('cpu'));

  const epsilon = 1e-3;
  const direct = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => {
    const outputs: unknown = tf.engine().runKernel('TrainingBatchNorm', { x, scale, offset }, { epsilon });
    return outputs as [tf.Tensor, tf.Tensor, tf.Tensor];
  };
  const composed = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => {
    const axes = x.shape.slice(0, -1).map((_, i) => i);
    const { mean, variance } = tf.moments(x, axes);
    const y = tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon))), scale), offset);
    return [y, mean, variance] as const;
  };
  const inputs = (shape: number[], mean: number) => {
    const channels = [shape.at(-1)!];
    return [tf.add(cases.normal(shape), mean), cases.normal(channels, 1, 2), cases.normal(channels, 1, 3)] as const;
  };

  for (const shape of [
    [16, 6],
    [4, 5, 6],
    [2, 4, 4, 6],
    [2, 4, 4, 16],
    [2, 4, 4, 15],
  ]) {
    it(`agrees with its parts for rank ${shape.length}, ${shape.at(-1)} channels`, async () => {
      const compute = (norm: typeof composed | typeof direct) => () => {
        const [x, scale, offset] = inputs(shape, 0.5);
        const weights = cases.normal(shape, 1, 5);
        const conv = (t: tf.Tensor) =>
          shape.length === 4
            ? tf.conv2d(t as Tensor4D, tf.eye(shape[3]!).reshape([1, 1, shape[3]!, shape[3]!]) as Tensor4D, 1, 'same')
            : t;
        const loss = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) =>
          tf.sum(tf.mul(tf.relu(norm(conv(a), b, c)[0]), weights));
        return [...norm(conv(x), scale, offset), ...tf.grads(loss)([x, scale, offset])];
      };
      const expected = await onCpu(() => values(tf.tidy(compute(composed))));
      const apart = difference(expected, values(tf.tidy(compute(direct))));
      assert.ok(apart < 5e-5, `differs by ${apart}`);
    });
  }

  for (const channels of [6, 16, 15]) {
    it(`with a shortcut and ReLU behind it, ${channels} channels`, async () => {
      const compute = (norm: typeof composed | typeof direct) => () => {
        const [x, scale, offset] = inputs([2, 4, 4, 3], 0.5);
        const filters = [1, 2, 3].map(
          seed => cases.normal([3, 3, seed === 1 ? 3 : channels, channels], 0.3, seed) as Tensor4D,
        );
        const vectors = [scale, offset].map((_, i) => cases.normal([channels], 1, i + 8));
        const loss = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor, d: tf.Tensor) => {
          const stem = tf.relu(norm(tf.conv2d(a as Tensor4D, filters[0]!, 1, 1), b, c)[0]);
          const y = norm(tf.conv2d(stem as Tensor4D, d as Tensor4D, 1, 1), b, c)[0];
          const block = tf.relu(tf.add(stem, y));
          const other = norm(tf.conv2d(block as Tensor4D, filters[2]!, 1, 1), b, c)[0];
          return tf.sum(tf.mul(tf.relu(tf.add(other, y)), cases.normal(y.shape, 1, 4)));
        };
        return tf.grads(loss)([x, vectors[0]!, vectors[1]!, filters[1]!]);
      };
      const expected = await onCpu(() => values(tf.tidy(compute(composed))));
      const apart = difference(expected, values(tf.tidy(compute(direct))));
      assert.ok(apart < 1e-4, `differs by ${apart}`);
    });
  }

  for (const channels of [4, 16, 15]) {
    it(`keeps the variance of ${channels} channels with a large mean`, () => {
      const [, , variance] = values(
        tf.tidy(() => {
          const [x, scale, offset] = inputs([4, 8, 8, channels], 1000);
          const through = tf.conv2d(
            x as Tensor4D,
            tf.eye(channels).reshape([1, 1, channels, channels]) as Tensor4D,
            1,
            'same',
          );
          return direct(through, scale, offset);
        }),
      );
      for (const v of variance!.data) assert.ok(Math.abs(Number(v) - 1) < 0.4, `variance ${v}`);
    });
  }
});
