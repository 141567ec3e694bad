import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { GraphBuilder } from '../../../../plugins/backends/onnxruntime/onnx/index.ts';
import { ortTensor, Session } from '../../../../plugins/backends/onnxruntime/session.ts';

const options = { intraOpNumThreads: 1, graphOptimizationLevel: 'basic', enableMemPattern: false } as const;

/** What session.ts relies on and onnxruntime-node does not promise. */
describe('onnxruntime-node: the native session', () => {
  const model = () => {
    const graph = new GraphBuilder();
    graph.input('x', 'float32', [2, 2]);
    graph.input('n', 'int32', [2]);
    graph.input('b', 'bool', []);
    graph.node('Add', ['x', 'x'], {}, { outputs: ['double'] });
    graph.node('Neg', ['n'], {}, { outputs: ['negative'] });
    graph.node('Not', ['b'], {}, { outputs: ['not'] });
    graph.output('double', 'float32', [2, 2]);
    graph.output('negative', 'int32', [2]);
    graph.output('not', 'bool', []);
    return graph.encode();
  };
  const feeds = () => ({
    x: ortTensor('float32', new Float32Array([1, 2, 3, 4]), [2, 2]),
    n: ortTensor('int32', new Int32Array([5, -6]), [2]),
    b: ortTensor('bool', new Uint8Array([1]), []),
  });

  it('is the version that was tested', () => {
    const require = createRequire(import.meta.url);
    const { version } = JSON.parse(readFileSync(require.resolve('onnxruntime-node/package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal(version, '1.30.0');
  });

  it('runs synchronously and gives typed arrays', () => {
    const session = new Session(model(), options);
    const { double, negative, not } = session.run(feeds(), ['double', 'negative', 'not']);
    assert.deepEqual(double!.data, new Float32Array([2, 4, 6, 8]));
    assert.deepEqual(double!.dims, [2, 2]);
    assert.deepEqual(negative!.data, new Int32Array([-5, 6]));
    assert.deepEqual(Array.from(not!.data), [0]);
    session.dispose();
  });

  it('gives only the outputs asked for, in fresh arrays, and takes them back as inputs', () => {
    const session = new Session(model(), options);
    const first = session.run(feeds(), ['double']);
    assert.deepEqual(Object.keys(first), ['double']);
    const second = session.run({ ...feeds(), x: first['double']! }, ['double']);
    assert.deepEqual(second['double']!.data, new Float32Array([4, 8, 12, 16]));
    assert.deepEqual(first['double']!.data, new Float32Array([2, 4, 6, 8]));
    session.dispose();
  });

  it('reads inputs in place, when it runs', () => {
    const session = new Session(model(), options);
    const inputs = feeds();
    inputs.x.data[0] = 10;
    assert.equal(session.run(inputs, ['double'])['double']!.data[0], 20);
    session.dispose();
  });

  it('throws for a graph that is wrong, and names the node', () => {
    const graph = new GraphBuilder();
    graph.input('x', 'float32', [2]);
    graph.node('NoSuchOperator', ['x'], {}, { outputs: ['y'], name: '#3:Name/x' });
    graph.output('y', 'float32', [2]);
    assert.throws(() => new Session(graph.encode(), options), /#3:Name\//);
  });
});
