import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { shapesDetection } from '../../../../datasets/shapes-detection.ts';
import type { BatchOptions, Data } from '../../../../kernel/plugin.ts';
import { evaluate } from '../../../../kernel/train/evaluate.ts';
import { fit } from '../../../../kernel/train/fit.ts';
import { report } from '../../../../plugins/backends/onnxruntime/index.ts';
import { detection } from '../../../../plugins/tasks/detection.ts';
import { gains } from '../../../../plugins/tasks/detection/loss.ts';
import type { DetectionTargets } from '../../../../plugins/tasks/detection/targets.ts';
import { fresh } from '../../backends/onnxruntime/setup.ts';
import { cases, drawCase } from './cases.ts';
import { referenceLoss } from './reference.ts';
import { tinyDetector } from './tiny-detector.ts';

describe('detection on the onnxruntime backend', () => {
  before(async () => {
    await fresh();
  });
  after(() => tf.setBackend('cpu'));
  it('computes losses and gradients in one graph, without falling back, as the reference does', () => {
    const fallbacks = JSON.stringify(report().fallbacks);
    for (const given of cases.slice(0, 2)) {
      const drawn = drawCase(given);
      const outputs = drawn.outputs.map(({ values, shape }) => tf.variable(tf.tensor(values, [...shape])));
      const { value, grads } = tf.variableGrads(() => detection.loss(outputs, drawn.targets), outputs);
      const { box, class: classes, distribution } = referenceLoss(drawn);
      const expected = gains.box * box + gains.class * classes + gains.distribution * distribution;
      const [loss] = value.dataSync();
      assert.ok(Math.abs(loss! - expected) < 1e-5 * expected, `${loss}, not ${expected}`);
      assert.ok(Object.values(grads).every(gradient => gradient.dataSync().every(Number.isFinite)));
      tf.dispose([value, ...Object.values(grads), ...outputs]);
    }
    assert.equal(JSON.stringify(report().fallbacks), fallbacks);
  });
  it('learns to find discs in a short training', async () => {
    const options = shapesDetection.options.parse({ image: 64, classes: 1, figures: 1, train: 64, test: 16, noise: 0 });
    const data = (await shapesDetection.load(options)) as Data<DetectionTargets>;
    const graph = tinyDetector(64, 1, 8);
    const before = await evaluate(graph, data.test, detection);
    const { history, scores, best } = await fit(graph, data, detection, {
      epochs: 12,
      batch: 8,
      evaluateEvery: 12,
      optimizer: { kind: 'adamw', learningRate: 0.01 },
      schedule: { kind: 'cosine' },
    });
    // It rises first: boxes without an anchor that overlaps them cost nothing.
    const losses = history.map(({ loss }) => loss);
    assert.ok(losses.at(-1)! < Math.max(...losses) / 2, losses.map(loss => loss.toFixed(2)).join(' '));
    assert.ok(scores['mAP50']! > before['mAP50']! + 0.3, JSON.stringify([before, scores]));
    assert.equal(best.score, scores['mAP50-95']);
  });
  it('tells data sets how many epochs there are', async () => {
    const options = shapesDetection.options.parse({ image: 64, train: 2, test: 1 });
    const data = (await shapesDetection.load(options)) as Data<DetectionTargets>;
    const asked: [number | undefined, number | undefined][] = [];
    const batches = (request: BatchOptions) => {
      asked.push([request.epoch, request.epochs]);
      return data.train.batches(request);
    };
    await fit(tinyDetector(64, 10, 2), { ...data, train: { ...data.train, batches } }, detection, {
      epochs: 2,
      batch: 2,
    });
    assert.deepEqual(asked, [
      [0, 2],
      [1, 2],
    ]);
  });
});
