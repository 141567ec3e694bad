import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { report } from '../../../../plugins/backends/onnxruntime/index.ts';
import type * as Ours from '../../../../plugins/backends/onnxruntime/tf.ts';
import { fresh } from './setup.ts';

/** The convolutional network of the TensorFlow.js tutorial on handwritten digits, on generated ones. */
async function tutorial(lib: typeof Ours): Promise<number> {
  const model = lib.sequential();
  const conv = { kernelSize: 5, strides: 1, activation: 'relu', kernelInitializer: 'varianceScaling' } as const;
  model.add(lib.layers.conv2d({ inputShape: [28, 28, 1], filters: 8, ...conv }));
  model.add(lib.layers.maxPooling2d({ poolSize: [2, 2], strides: [2, 2] }));
  model.add(lib.layers.conv2d({ filters: 16, ...conv }));
  model.add(lib.layers.maxPooling2d({ poolSize: [2, 2], strides: [2, 2] }));
  model.add(lib.layers.flatten());
  model.add(lib.layers.dense({ units: 10, kernelInitializer: 'varianceScaling', activation: 'softmax' }));
  model.compile({ optimizer: lib.train.adam(), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

  // Digit d is a bar at height 2 d + 4, in noise.
  const count = 500;
  const digits = Array.from({ length: count }, (_, i) => i % 10);
  const xs = lib.tidy(() => {
    const images = digits.map(d => {
      const bar = lib.pad(lib.ones([2, 20]), [
        [2 * d + 4, 22 - 2 * d],
        [4, 4],
      ]);
      return lib.add(bar, lib.randomUniform([28, 28], 0, 0.5, 'float32', d));
    });
    return lib.reshape(lib.stack(images), [count, 28, 28, 1]);
  });
  const ys = lib.oneHot(lib.tensor1d(digits, 'int32'), 10);
  await model.fit(xs, ys, { batchSize: 64, epochs: 8, validationSplit: 0.2, shuffle: true, verbose: 0 });
  const [, accuracy] = model.evaluate(xs, ys) as tf.Scalar[];
  return (await accuracy!.data())[0]!;
}

describe('a tfjs program on the onnxruntime backend', () => {
  let kernels: tf.KernelConfig[];
  before(async () => {
    await fresh();
    kernels = tf.getKernelsForBackend('onnxruntime');
  });
  after(async () => {
    await tf.setBackend('cpu');
    // The import is a second copy of the backend, whose kernels do not go with the first one's that other tests use.
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, 'onnxruntime');
      tf.registerKernel(kernel);
    }
  });

  it('one other import, and the tutorial on digits trains without a fallback', async () => {
    await fresh({ smallElements: 64 });
    // The one line that differs from a program for tfjs.
    const ours = await import('../../../../plugins/backends/onnxruntime/tf.ts');
    assert.equal(ours.getBackend(), 'onnxruntime');
    const accuracy = await tutorial(ours);
    assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
    assert.deepEqual(report().fallbacks, {});
  });
});
