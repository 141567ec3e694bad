import assert from 'node:assert/strict';
import { Builder } from '../../../kernel/graph/builder.ts';
import { check } from '../../../kernel/graph/check.ts';
import type { Graph, Node } from '../../../kernel/graph/graph.ts';
import { Parameter } from '../../../kernel/graph/parameter.ts';

function net(): Graph {
  const b = new Builder('net');
  const x = b.conv('stem', b.input('image', [4, 4, 3]), { filters: 4, kernel: 3, padding: 1, bias: true });
  return b.build(b.dense('head', b.globalAveragePool('pool', b.batchNorm('bn', x)), { units: 2 }));
}
const changed = (id: string, change: Partial<Node> | Record<string, unknown>): Graph => {
  const graph = net();
  return { ...graph, nodes: graph.nodes.map(node => (node.id === id ? ({ ...node, ...change } as Node) : node)) };
};
const withShape = (name: string, shape: number[]): Graph => {
  const graph = net();
  const size = shape.reduce((a, b) => a * b, 1);
  return { ...graph, parameters: new Map(graph.parameters).set(name, new Parameter(shape, new Float32Array(size))) };
};

describe('check', () => {
  it('passes a sound graph', () => {
    const graph = net();
    assert.equal(check(graph), graph);
  });

  const faults: [string, () => Graph, RegExp][] = [
    ['an unknown op', () => changed('bn', { op: 'wavelet' }), /node bn: op wavelet is not supported/],
    [
      'an op named like a property of objects',
      () => changed('bn', { op: 'constructor' }),
      /op constructor is not supported/,
    ],
    ['an input defined nowhere', () => changed('bn', { inputs: ['nose'] }), /bn: input nose is not defined before it/],
    ['a cycle', () => changed('stem', { inputs: ['head'] }), /stem: input head is not defined before it/],
    ['two nodes of one id', () => changed('bn', { id: 'stem' }), /batch-norm stem: there is another stem before it/],
    ['too many inputs', () => changed('bn', { inputs: ['stem', 'stem'] }), /batch-norm bn: 2 inputs, takes 1/],
    [
      'a wrong attribute',
      () => changed('bn', { attributes: { epsilon: -1, momentum: 0.1 } }),
      /bn: attribute epsilon: /,
    ],
    ['an attribute too many', () => changed('pool', { attributes: { size: 2 } }), /pool: attribute .*size/],
    ['a missing parameter role', () => changed('head', { parameters: { bias: 'head.bias' } }), /dense head: no kernel/],
    [
      'an unknown parameter role',
      () => changed('pool', { parameters: { kernel: 'head.kernel' } }),
      /unknown parameter role kernel/,
    ],
    [
      'a parameter that is not there',
      () => changed('head', { parameters: { kernel: 'nose' } }),
      /dense head: no parameter nose/,
    ],
    [
      'a parameter of no node',
      () => changed('head', { parameters: { kernel: 'head.kernel' } }),
      /head.bias belongs to no node/,
    ],
    [
      'channels that do not fit',
      () => withShape('stem.kernel', [3, 3, 5, 4]),
      /conv stem: 3 input channels, kernel expects 5 x 1 groups/,
    ],
    ['biases that do not fit', () => withShape('stem.bias', [7]), /conv stem: 7 biases for 4 filters/],
    ['norms that do not fit', () => withShape('bn.mean', [7]), /batch-norm bn: 4 input channels, mean has 7/],
    ['features that do not fit', () => withShape('head.kernel', [9, 2]), /dense head: 4 inputs, kernel expects 9/],
    ['an output that is not there', () => ({ ...net(), outputs: ['nose'] }), /output nose is not in the graph/],
    ['no outputs', () => ({ ...net(), outputs: [] }), /net: no outputs/],
    ['an input of no size', () => ({ ...net(), inputs: { image: [4, 0, 3] } }), /input image: shape \[4, 0, 3\]/],
    ['a window larger than its image', () => ({ ...net(), ...smallImage() }), /window of 3 over 2 places/],
  ];
  for (const [what, make, message] of faults) it(`refuses ${what}`, () => assert.throws(() => check(make()), message));

  it('a parameter whose values do not fill its shape', () =>
    assert.throws(() => new Parameter([2, 3], new Float32Array(5)), /shape \[2, 3\] got 5 values/));
});

function smallImage(): Pick<Graph, 'inputs' | 'nodes'> {
  const graph = changed('stem', {
    attributes: { stride: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1], groups: 1 }, // prettier-ignore
  });
  return { nodes: graph.nodes, inputs: { image: [2, 2, 3] } };
}
