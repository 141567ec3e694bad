import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { GraphBuilder } from '../../../../plugins/backends/onnxruntime/onnx/index.ts';
import { declareStop, ortTensor, Session } from '../../../../plugins/backends/onnxruntime/session.ts';

const options = { intraOpNumThreads: 1, graphOptimizationLevel: 'basic', enableMemPattern: false } as const;

/** What session.ts relies on and onnxruntime-node does not promise. */
describe('onnxruntime-node: the native session', () => {
  const model = (stops = true) => {
    const graph = new GraphBuilder();
    if (stops) declareStop(graph);
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

  const outputs = () => ({
    double: ortTensor('float32', new Float32Array(4), [2, 2]),
    negative: ortTensor('int32', new Int32Array(2), [2]),
    not: ortTensor('bool', new Uint8Array(1), []),
  });

  for (const stops of [true, false]) {
    it(`runs synchronously and fills the arrays given, ${stops ? 'with' : 'without'} a stop`, () => {
      const session = new Session(model(stops), options);
      const { double, negative, not } = outputs();
      session.run(feeds(), { double, negative, not });
      assert.deepEqual(double.data, new Float32Array([2, 4, 6, 8]));
      assert.deepEqual(negative.data, new Int32Array([-5, 6]));
      assert.deepEqual(Array.from(not.data), [0]);
      session.dispose();
    });
  }

  it('computes only the outputs asked for, and takes them back as inputs', () => {
    const session = new Session(model(), options);
    const [first, second] = [outputs(), outputs()];
    session.run(feeds(), { double: first.double });
    assert.deepEqual(first.negative.data, new Int32Array(2));
    session.run({ ...feeds(), x: first.double }, { double: second.double });
    assert.deepEqual(second.double.data, new Float32Array([4, 8, 12, 16]));
    assert.deepEqual(first.double.data, new Float32Array([2, 4, 6, 8]));
    session.dispose();
  });

  it('does not convert results behind a stop', () => {
    const { binding } = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js') as {
      binding: {
        InferenceSession: new () => { loadModel(...args: unknown[]): void; run(...args: unknown[]): unknown };
      };
    };
    const session = new binding.InferenceSession();
    const bytes = model();
    session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, {});
    const { double } = outputs();
    assert.throws(() => session.run(feeds(), { stop: null, double }, {}), {
      message: 'Tensor type (16) is not supported.',
    });
    assert.deepEqual(double.data, new Float32Array([2, 4, 6, 8]));
  });

  it('reads inputs in place, when it runs', () => {
    const session = new Session(model(), options);
    const [inputs, { double }] = [feeds(), outputs()];
    inputs.x.data[0] = 10;
    session.run(inputs, { double });
    assert.equal(double.data[0], 20);
    session.dispose();
  });

  it('throws for inputs that are wrong', () => {
    const session = new Session(model(), options);
    const inputs = { ...feeds(), x: ortTensor('float32', new Float32Array(3), [3]) };
    assert.throws(() => session.run(inputs, outputs()), /Invalid rank for input: x/);
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
