import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { cut } from '../../../kernel/graph/cut.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { random } from '../../../kernel/random.ts';
import { onnx } from '../../../plugins/formats/index.ts';
import { assertZeroedEqualsCut, randomKept } from '../../kernel/graph/oracle.ts';
import { assertSameInOnnx } from './oracle.ts';

const folder = new URL('./fixtures/', import.meta.url);
const fixtures = readdirSync(folder).filter(name => name.endsWith('.onnx'));
const bytesOf = (name: string) => readFileSync(new URL(name, folder));
const read = (name: string) => onnx.read!(bytesOf(name.endsWith('.onnx') ? name : `${name}.onnx`));

/** Asserts that a graph computes what ONNX Runtime computes from the file that it was read from. */
async function assertSameAsFile(bytes: Uint8Array, graph: Graph): Promise<void> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const [meta] = session.inputMetadata as readonly { name: string; shape: readonly (number | string)[] }[];
  const network = new Network(graph);
  for (const batch of typeof meta!.shape[0] === 'number' ? [meta!.shape[0]] : [1, 3]) {
    const shape = Object.values(graph.inputs)[0]!;
    const source = random(batch, 'input');
    const values = Float32Array.from({ length: batch * shape.reduce((a, b) => a * b, 1) }, () => source.normal());
    const dims = shape.length === 3 ? [batch, shape[2]!, shape[0]!, shape[1]!] : [batch, ...shape];
    const results = await session.run({ [meta!.name]: new ort.Tensor('float32', values, dims) });
    tf.tidy(() => {
      const x = tf.tensor(values, dims);
      const outputs = network.apply(dims.length === 4 ? tf.transpose(x, [0, 2, 3, 1]) : x);
      session.outputNames.forEach((name, i) => {
        const y = outputs[i]!.rank === 4 ? tf.transpose(outputs[i]!, [0, 3, 1, 2]) : outputs[i]!;
        const expected = tf.tensor(results[name]!.data as Float32Array, [...results[name]!.dims]);
        assert.deepEqual(y.shape, expected.shape);
        const [difference, largest] = [tf.max(tf.abs(tf.sub(y, expected))), tf.max(tf.abs(expected))];
        const relative = tf.div(difference, largest).dataSync()[0]!;
        assert.ok(relative < 1e-5, `${name} at batch ${batch}: relative difference ${relative}`);
      });
    });
  }
  network.dispose();
  await session.release();
}

/** A graph with positions for the names of nodes, since nodes that only rearrange are called after their readers. */
function numbered(graph: Graph) {
  const positions = new Map(graph.nodes.map(({ id }, i) => [id, i]));
  return graph.nodes.map(({ op, inputs, attributes, parameters }) => ({
    op,
    inputs: inputs.map(id => positions.get(id) ?? id),
    attributes,
    parameters: Object.entries(parameters).map(([role, name]) => {
      const { shape, values, trainable } = graph.parameters.get(name)!;
      return [role, shape, [...values], trainable];
    }),
  }));
}

const opsOf = (graph: Graph) => graph.nodes.map(({ op }) => op);
const free = (graph: Graph) => groups(graph).filter(group => !group.protected);

describe('onnx reader', () => {
  for (const name of fixtures.filter(name => !name.startsWith('windows'))) {
    it(`${name} computes what it computes in ONNX Runtime, and so when cut, written and read again`, async () => {
      const graph = read(name);
      await assertSameAsFile(bytesOf(name), graph);
      const small = cut(graph, randomKept(graph, random(3, name), 0.6));
      await assertSameInOnnx(small);
      for (const whole of [graph, small]) {
        const again = onnx.read!(onnx.write(whole));
        assert.deepEqual(numbered(again), numbered(whole));
      }
    });
    it(`${name} cut is the file with its units at zero`, () => {
      const graph = read(name);
      assert.ok(free(graph).length > 0);
      assertZeroedEqualsCut(graph, randomKept(graph, random(7, name), 0.5));
    });
  }

  it('finds the same groups whoever wrote the file and whenever', () => {
    const shape = (name: string) =>
      free(read(name))
        .map(({ units, members }) => `${units}x${members.length}`)
        .sort();
    for (const name of [
      'transformer-11',
      'transformer-20',
      'transformer-fixed-13',
      'transformer-fused-17',
      'transformer-fused-dynamo-18',
    ])
      assert.deepEqual(shape(name), shape('transformer-17'), name);
    const units = (name: string) =>
      free(read(name))
        .map(group => group.units)
        .sort();
    for (const name of ['conv-17', 'conv-fixed-14', 'conv-folded-13', 'conv-dynamo-18'])
      assert.deepEqual(units(name), units('conv-11'), name);
  });

  it('recognizes attention, norms, GELU and embeddings in their exported forms', () => {
    for (const name of fixtures.filter(name => name.startsWith('transformer')))
      assert.deepEqual(
        [...new Set(opsOf(read(name)))].sort(),
        [
          'add',
          'attention',
          'class-token',
          'constant',
          'conv',
          'dense',
          'gelu',
          'layer-norm',
          'multiply',
          'position-embedding',
          'slice',
          'token',
          'tokens',
        ],
        name,
      );
    assert.ok(opsOf(read('multi-head-17')).includes('attention'));
  });

  it('recognizes shuffles of channels and of pixels', () => {
    for (const name of ['shuffles-13', 'shuffles-dynamo-18']) {
      const ops = opsOf(read(name));
      for (const op of ['gather', 'depth-to-space', 'space-to-depth'] as const)
        assert.ok(ops.includes(op), `${name}: ${op}`);
      for (const op of ['reshape', 'transpose'] as const) assert.ok(!ops.includes(op), `${name}: ${op}`);
    }
  });

  it('names layers and parameters as PyTorch does', () => {
    const names = new Set(read('conv-11').parameters.keys());
    for (const name of ['stem.kernel', 'bn.scale', 'bn.variance', 'depthwise.bias', 'squeeze.kernel', 'fc.kernel'])
      assert.ok(names.has(name), name);
    const transformer = new Set(read('transformer-17').parameters.keys());
    for (const name of [
      'cls_token.token',
      'pos_embed.embedding',
      'qkv.kernel',
      'qkv.bias',
      'norm1.scale',
      'gamma.value',
    ])
      assert.ok(transformer.has(name), name);
  });

  it('protects what a decoder makes of channels, with the reason', () => {
    const reasons = groups(read('decode-12')).map(group => group.protected);
    assert.ok(
      reasons.some(reason => /^reshape .+: its meaning for channels is unknown$/.test(reason ?? '')),
      reasons.join('; '),
    );
    assert.deepEqual(
      free(read('decode-12')).map(({ id }) => id),
      ['stem'],
    );
  });

  it('refuses a window partition by its name', () =>
    assert.throws(
      () => read('windows-17'),
      /^Error: Reshape \/Reshape_1: mixes the batch with places \(\[batch, 2, 2, 4, 4, 8\] to \[4 batch, 16, 8\]\), as a window partition does/,
    ));

  it('trains a step', () => {
    for (const name of ['conv-11', 'transformer-fused-17', 'decode-12']) {
      const network = new Network(read(name));
      const loss = tf.tidy(() => {
        const x = tf.randomNormal([2, ...Object.values(network.graph.inputs)[0]!], 0, 1, 'float32', 1);
        const cost = () => tf.mean(tf.square(network.apply(x, { training: true })[0]!)) as tf.Scalar;
        return tf.train.sgd(0.01).minimize(cost, true, network.trainable)!.dataSync()[0]!;
      });
      assert.ok(Number.isFinite(loss) && loss > 0, `${name}: ${loss}`);
      for (const [id, variable] of network.variables)
        assert.ok(variable.dataSync().every(Number.isFinite), `${name} ${id}`);
      network.dispose();
    }
  });
});
