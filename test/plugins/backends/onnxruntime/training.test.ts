import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { normal } from './cases.ts';
import { batch, convnet, dispose, mobilenet, resnet, step, vit, yolo, type Network } from './models.ts';
import { fresh } from './setup.ts';

async function losses(
  make: () => Network,
  optimizer: tf.Optimizer,
  steps: number,
  [images, size] = [6, 8],
): Promise<number[]> {
  const network = make();
  const { x, labels } = batch(images, size);
  const found: number[] = [];
  for (let i = 0; i < steps; i++) {
    const loss = step(network, optimizer, x, labels);
    found.push((await loss.data())[0]!);
    loss.dispose();
  }
  dispose(network);
  tf.dispose([x, labels]);
  optimizer.dispose();
  return found;
}

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.02, 0.9),
  nesterov: () => tf.train.momentum(0.02, 0.9, true),
  adam: () => tf.train.adam(0.003),
};

const networks: Record<string, () => Network> = {
  'ResNet of 8 channels': () => resnet(8, [1, 1]),
  'ResNet of 6 channels': () => resnet(6, [1, 1]),
  'ResNet of 14 channels, padded to blocks': () => resnet(14, [1, 1]),
  'convolution, pooling, depthwise': () => convnet(8),
};

describe('onnxruntime backend: training', () => {
  before(() => fresh());
  after(() => tf.setBackend('cpu'));

  for (const [network, make] of Object.entries(networks)) {
    for (const [name, optimizer] of Object.entries(optimizers)) {
      if (network.startsWith('ResNet') && name !== 'momentum' && name !== 'adam') continue;
      it(`${network}, ${name}: losses as on the cpu backend, nothing falls back`, async () => {
        await tf.setBackend('cpu');
        const expected = await losses(make, optimizer(), 6);
        const backend = await fresh();
        const got = await losses(make, optimizer(), 6);
        expected.forEach((loss, i) => {
          const apart = Math.abs(got[i]! - loss) / loss;
          assert.ok(apart < 1e-5, `step ${i}: loss ${got[i]}, on cpu ${loss}`);
        });
        assert.deepEqual(backend.report().fallbacks, {});
      });
    }
  }

  // One image for YOLO: the cpu backend's gradient of resizing is wrong for more.
  // Norms over its four last places magnify what rounding leaves.
  const large: [name: string, data: [images: number, size: number], tolerance: number, make: () => Network][] = [
    ['MobileNet', [2, 16], 1e-4, () => mobilenet(16, [1, 2, 1])],
    ['ViT', [2, 16], 1e-4, () => vit({ size: 16, patch: 4, channels: 24, heads: 2, depth: 2, dropout: 0.1 })],
    ['YOLO', [1, 64], 2e-3, () => yolo(4, 3)],
  ];
  for (const [name, data, tolerance, make] of large) {
    it(`${name}: losses as on the cpu backend, nothing falls back`, async () => {
      await tf.setBackend('cpu');
      const expected = await losses(make, tf.train.momentum(0.02, 0.9), 2, data);
      const backend = await fresh();
      const got = await losses(make, tf.train.momentum(0.02, 0.9), 2, data);
      expected.forEach((loss, i) => {
        assert.ok(Math.abs(got[i]! - loss) / loss < tolerance, `step ${i}: loss ${got[i]}, on cpu ${loss}`);
      });
      assert.deepEqual(backend.report().fallbacks, {});
    });
  }

  it('weight decay in the loss', async () => {
    const run = () => {
      const w = tf.variable(normal([4, 3]));
      const optimizer = tf.train.sgd(0.1);
      const x = normal([5, 4], 1, 2) as tf.Tensor2D;
      for (let i = 0; i < 3; i++) {
        optimizer.minimize(() => {
          const fit = tf.mean(tf.square(tf.matMul(x, w as unknown as tf.Tensor2D)));
          return tf.add(fit, tf.mul(0.01, tf.addN([tf.sum(tf.square(w)), tf.sum(tf.abs(w))]))) as tf.Scalar;
        });
      }
      const data = Array.from(w.dataSync());
      tf.dispose([w, x]);
      return data;
    };
    await tf.setBackend('cpu');
    const expected = run();
    await fresh();
    run().forEach((v, i) => assert.ok(Math.abs(v - expected[i]!) < 1e-6));
  });

  it('tf.layers: model.fit, evaluate and predict', async () => {
    const run = async () => {
      const initializer = (seed: number) => tf.initializers.glorotUniform({ seed });
      const model = tf.sequential({
        layers: [
          tf.layers.conv2d({
            inputShape: [8, 8, 3],
            filters: 8,
            kernelSize: 3,
            padding: 'same',
            useBias: false,
            kernelInitializer: initializer(1),
          }),
          tf.layers.batchNormalization(),
          tf.layers.reLU(),
          tf.layers.maxPooling2d({ poolSize: 2 }),
          tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: initializer(4) }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: initializer(3) }),
        ],
      });
      model.compile({ optimizer: tf.train.adam(0.01), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
      const x = tf.randomNormal([40, 8, 8, 3], 0, 1, 'float32', 7);
      const y = tf.tensor1d(Array.from({ length: 40 }, (_, i) => i % 10));
      const { history } = await model.fit(x, y, { epochs: 3, batchSize: 16, shuffle: false, verbose: 0 });
      const [loss] = model.evaluate(x, y) as tf.Scalar[];
      const first = (model.predict(x) as tf.Tensor).slice([0, 0], [1, 10]).dataSync();
      return [...(history['loss'] as number[]), ...(history['acc'] as number[]), loss!.dataSync()[0]!, ...first];
    };
    await tf.setBackend('cpu');
    const expected = await run();
    const backend = await fresh();
    const got = await run();
    got.forEach((v, i) => assert.ok(Math.abs(v - expected[i]!) < 1e-4, `${i}: ${v}, on cpu ${expected[i]}`));
    assert.deepEqual(backend.report().fallbacks, {});
  });
});
