import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cut } from '../../../kernel/graph/cut.ts';
import { decode, encode, toJSON } from '../../../kernel/graph/file.ts';
import { encodeSafetensors } from '../../../kernel/safetensors.ts';
import { random } from '../../../kernel/random.ts';
import { graphs } from './graphs.ts';
import { randomKept } from './oracle.ts';

describe('model file', () => {
  it('random networks, whole and cut: what was written is read', () => {
    fc.assert(
      fc.property(graphs, graph => {
        for (const one of [graph, cut(graph, randomKept(graph, random(1)))]) {
          const read = decode(encode(one));
          assert.deepEqual(toJSON(read), toJSON(one));
          for (const [name, { values, shape, trainable }] of one.parameters) {
            const other = read.parameters.get(name)!;
            assert.deepEqual([other.values, other.shape, other.trainable], [values, shape, trainable]);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a file without a graph', () =>
    assert.throws(() => decode(encodeSafetensors([])), /without a pruningbench graph/));
  it('refuses a graph with a field missing', () =>
    assert.throws(
      () => decode(encodeSafetensors([], { format: 'pruningbench', graph: '{"version":1}' })),
      /graph: name: /,
    ));
  it('refuses a graph that is newer', () => {
    const graph = JSON.stringify({ version: 99, name: 'n', inputs: {}, outputs: [], nodes: [], statistics: [] });
    assert.throws(
      () => decode(encodeSafetensors([], { format: 'pruningbench', graph })),
      /version 99, this reads up to 1/,
    );
  });
});
