import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { defineTask } from '../../../kernel/plugin.ts';
import { prune } from '../../../kernel/prune/prune.ts';
import { random } from '../../../kernel/random.ts';
import { createOptimizer, optimizerOptions } from '../../../kernel/train/optimizer.ts';
import { trainStep } from '../../../kernel/train/step.ts';
import { magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { protectedGlobal } from '../../../plugins/strategies/index.ts';
import { fresh } from '../backends/onnxruntime/setup.ts';
import { forms } from './forms.ts';

/** All outputs of an image pulled to a number of its own. */
const regression = defineTask<Float32Array>({
  id: 'regression',
  title: 'regression',
  score: 'loss',
  loss(outputs, targets) {
    const wanted = tf.tensor2d(targets, [targets.length, 1]);
    const distance = (y: tf.Tensor) => tf.mean(tf.square(tf.sub(tf.reshape(y, [targets.length, -1]), wanted)));
    return tf.addN(outputs.map(distance)) as tf.Scalar;
  },
  meter: () => assert.fail('nobody asks for it'),
});

/** Losses of two steps of plain descent on the same images. */
async function losses(graph: Graph): Promise<number[]> {
  const network = new Network(graph);
  const optimizer = createOptimizer(
    optimizerOptions.parse({ kind: 'sgd', momentum: 0, weightDecay: 0 }),
    network.variables,
  );
  const source = random(2, 'batch');
  const [shape] = Object.values(graph.inputs);
  const normals = (length: number) => Float32Array.from({ length }, () => source.normal());
  const batch = { size: 2, images: normals(2 * shape!.reduce((n, d) => n * d, 1)), targets: normals(2) };
  const found: number[] = [];
  for (let step = 0; step < 2; step++) {
    // So small a step that the loss falls along its gradient even where norms are over a few places of two images.
    const loss = trainStep({ network, task: regression, optimizer }, batch, 1e-5, {
      epoch: 0,
      epochs: 1,
      step,
      steps: 2,
    });
    found.push((await loss.data())[0]!);
    loss.dispose();
  }
  network.dispose();
  optimizer.dispose();
  return found;
}

describe('models train on the default backend', () => {
  after(() => tf.setBackend('cpu'));
  const options = { criterion: magnitudeL2, strategy: protectedGlobal, speedup: 2, steps: 100 };
  for (const { name, model, image, build } of forms) {
    // One size of YOLO, which has three levels from 64 pixels on.
    if (model === 'yolov8m' || image !== (model === 'yolov8n' || name.includes('heads') ? 64 : 32)) continue;
    it(`${name}, pruned to odd widths: one step lowers the loss and nothing falls back`, async () => {
      const backend = await fresh();
      const [before, after] = await losses((await prune(build(), options)).graph);
      assert.ok(Number.isFinite(before) && after! < before!, `loss ${before}, then ${after}`);
      assert.deepEqual(backend.report().fallbacks, {});
    });
  }
});
