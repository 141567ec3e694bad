import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { type Graph } from '../../../kernel/graph/graph.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { random } from '../../../kernel/random.ts';
import { onnx } from '../../../plugins/formats/index.ts';

const channelsFirst = (x: tf.Tensor) => (x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x);

/** Outputs of the exported file, in the graph's order, on batches in the layout of tfjs. */
async function runExported(session: ort.InferenceSession, graph: Graph, inputs: Record<string, tf.Tensor>) {
  const feeds: Record<string, ort.Tensor> = {};
  for (const [id, x] of Object.entries(inputs)) {
    const y = tf.tidy(() => channelsFirst(x.clone()));
    feeds[id] = new ort.Tensor('float32', y.dataSync() as Float32Array, y.shape);
    y.dispose();
  }
  const results = await session.run(feeds);
  return graph.outputs.map(id => results[id]!);
}

/** Asserts that ONNX Runtime computes from the exported bytes what the network computes on tfjs. */
export async function assertSameInOnnx(
  graph: Graph,
  batches: readonly number[] = [1, 3],
  tolerance = 1e-4,
): Promise<void> {
  const session = await ort.InferenceSession.create(onnx.write(graph), { intraOpNumThreads: 1 });
  const network = new Network(graph);
  try {
    for (const batch of batches) {
      const source = random(batch, 'input');
      const inputs = Object.fromEntries(
        Object.entries(graph.inputs).map(([id, shape]) => {
          const size = shape.reduce((a, b) => a * b, batch);
          return [
            id,
            tf.tensor(
              Float32Array.from({ length: size }, () => source.normal()),
              [batch, ...shape],
            ),
          ];
        }),
      );
      const actual = await runExported(session, graph, inputs);
      const outputs = network.apply(inputs);
      outputs.forEach((y, i) => {
        const expected = tf.tidy(() => channelsFirst(y.clone()));
        assert.deepEqual([...actual[i]!.dims], expected.shape);
        compare(
          actual[i]!.data as Float32Array,
          expected.dataSync(),
          `${graph.outputs[i]} at batch ${batch}`,
          tolerance,
        );
        expected.dispose();
      });
      tf.dispose([inputs, outputs]);
    }
  } finally {
    network.dispose();
    await session.release();
  }
}

function compare(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, tolerance: number): void {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  assert.ok(norm > 0 && Number.isFinite(norm), `${what}: norm ${norm} shows nothing`);
  const relative = Math.sqrt(difference / norm);
  assert.ok(relative <= tolerance, `${what}: relative difference ${relative}`);
}
