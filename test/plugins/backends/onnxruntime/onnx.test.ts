import assert from 'node:assert/strict';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { float, GraphBuilder } from '../../../../plugins/backends/onnxruntime/onnx/index.ts';

/** Models are read by onnxruntime-node's public API, as any reader of ONNX would. */
describe('ONNX writer', () => {
  it('a named batch dimension, initializers, attributes of all kinds', async () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['batch', 3]);
    const w = graph.initializer('w', 'float32', [3, 2], [1, 2, 3, 4, 5, 6]);
    const [product] = graph.node('Gemm', [x, w], { alpha: float(0.5), transB: 0 });
    const [leaky] = graph.node('LeakyRelu', [product!], { alpha: float(0.1) });
    graph.node('Transpose', [leaky!], { perm: [1, 0] }, { outputs: ['y'], name: 'last' });
    graph.output('y', 'float32', [2, 'batch']);
    const session = await InferenceSession.create(graph.encode({ name: 'test', producer: 'tests' }));
    for (const batch of [1, 2]) {
      const input = new Tensor('float32', new Float32Array(3 * batch).fill(-2), [batch, 3]);
      const { y } = await session.run({ x: input });
      assert.deepEqual(y!.dims, [2, batch]);
      const expected = [-9, -12].flatMap(v => new Array<number>(batch).fill(v * 0.1));
      (y!.data as Float32Array).forEach((v, i) => assert.ok(Math.abs(v - expected[i]!) < 1e-6));
    }
  });

  it('several outputs, optional inputs left out, int64 and bool constants, another domain', async () => {
    const graph = new GraphBuilder();
    graph.input('x', 'float32', [4]);
    const count = graph.constant('int64', [1], [2]);
    assert.equal(graph.constant('int64', [1], [2]), count);
    graph.node('TopK', ['x', count], {}, { outputs: ['values', 'indices'] });
    graph.node('Clip', ['x', '', graph.constant('float32', [], [2])], {}, { outputs: ['clipped'] });
    graph.node('Gelu', ['x'], {}, { domain: 'com.microsoft', outputs: ['gelu'] });
    graph.output('values', 'float32', [2]);
    graph.output('indices', 'int64', [2]);
    graph.output('clipped', 'float32', [4]);
    graph.output('gelu', 'float32', [4]);
    const session = await InferenceSession.create(graph.encode());
    const result = await session.run({ x: new Tensor('float32', new Float32Array([1, 4, 3, 0]), [4]) });
    assert.deepEqual(Array.from(result['values']!.data as Float32Array), [4, 3]);
    assert.deepEqual(Array.from(result['indices']!.data as BigInt64Array), [1n, 2n]);
    assert.deepEqual(Array.from(result['clipped']!.data as Float32Array), [1, 2, 2, 0]);
    assert.equal((result['gelu']!.data as Float32Array)[3], 0);
  });

  it('refuses a constant that does not fit its shape', () => {
    assert.throws(
      () => new GraphBuilder().initializer('w', 'float32', [2, 2], [1, 2, 3]),
      /^Error: initializer w: 3 values for shape \[2,2\]$/,
    );
  });
});
