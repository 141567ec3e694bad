import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { useBackend } from '../../../kernel/backend.ts';
import { Builder } from '../../../kernel/graph/builder.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { fit } from '../../../kernel/train/fit.ts';
import { tensorflow } from '../../../plugins/backends/tensorflow.ts';
import { resnet18 } from '../../../plugins/models/resnet.ts';
import { classification } from '../../../plugins/tasks/classification.ts';
import { graphs } from '../../kernel/graph/graphs.ts';
import { scrambled } from '../../kernel/graph/oracle.ts';
import { tinyData, tinyGraph, tinyTraining } from '../../kernel/train/tiny.ts';
import { normal } from './onnxruntime/cases.ts';
import { difference, onCpu, values } from './onnxruntime/setup.ts';

const resnet = () => resnet18.build(resnet18.options.parse({ classes: 3, width: 1 / 16, image: 6, channels: 2 }));

describe('tensorflow backend', () => {
  before(async function () {
    try {
      await useBackend([tensorflow], 'tensorflow');
    } catch (error) {
      console.log(`    skipped: ${(error as Error).message}`);
      this.skip();
    }
  });
  beforeEach(() => tf.setBackend('tensorflow'));
  after(() => tf.setBackend('cpu'));

  for (const [name, make, options] of [
    ['a tiny network', tinyGraph, {}],
    ['a narrow ResNet-18', resnet, { batch: 11, epochs: 6, optimizer: { kind: 'sgd', learningRate: 0.05 } }],
  ] as const)
    it(`trains ${name} as the cpu backend does`, async () => {
      const train = async () => {
        const { history } = await fit(make(), tinyData(), classification, { ...tinyTraining, ...options });
        return history.map(({ loss }) => loss);
      };
      const before = tf.memory().numTensors;
      const got = await train();
      assert.equal(tf.memory().numTensors, before);
      await tf.setBackend('cpu');
      const expected = await train();
      assert.ok(got.at(-1)! < 0.75 * got[0]!, got.join());
      // Later, differences have grown.
      for (const i of [0, 1])
        assert.ok(Math.abs(got[i]! / expected[i]! - 1) < 1e-4, `${got.join()}, not ${expected.join()}`);
    });

  it('computes loss, gradients and outputs of random networks as the cpu backend does', () =>
    fc.assert(
      fc.asyncProperty(graphs, async bare => {
        const graph = scrambled(bare);
        const got = passes(graph);
        const apart = difference(await onCpu(() => passes(graph)), got);
        assert.ok(apart < 1e-3, `apart by ${apart}`);
      }),
      { numRuns: 60 },
    ));

  it('normalizes vectors and images by one kernel, and gives the same', async () => {
    assert.equal(tf.getKernel('TrainingBatchNorm', 'tensorflow') !== undefined, !usesGpu());
    const b = new Builder('norms');
    const y = b.batchNorm('norm', b.conv('conv', b.input('image', [4, 4, 3]), { filters: 5, kernel: 3 }));
    const vector = b.batchNorm('norm2', b.dense('fc', b.flatten('flatten', y), { units: 6 }));
    const graph = scrambled(b.build(b.dense('head', vector, { units: 3 })));
    const got = passes(graph);
    const apart = difference(await onCpu(() => passes(graph)), got);
    assert.ok(apart < 1e-4, `apart by ${apart}`);
  });
});

const usesGpu = () => (tf.backend() as unknown as { isUsingGpuDevice: boolean }).isUsingGpuDevice;

/** Loss and gradients in training, then outputs in evaluation, with the running statistics of that. */
function passes(graph: Graph) {
  const network = new Network(graph);
  const found = tf.tidy(() => {
    const x = normal([4, ...Object.values(graph.inputs)[0]!]);
    const loss = () => classification.loss(network.apply(x, { training: true }), Int32Array.of(0, 1, 2, 0));
    const { value, grads } = tf.variableGrads(loss, network.trainable);
    return [value, ...network.trainable.flatMap(({ name }) => grads[name] ?? []), ...network.apply(x)];
  });
  network.dispose();
  return values(found);
}
