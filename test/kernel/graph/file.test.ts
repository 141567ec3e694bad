import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cut } from '../../../kernel/graph/cut.ts';
import { decode, encode, toJSON } from '../../../kernel/graph/file.ts';
import { encodeSafetensors, decodeSafetensors } from '../../../kernel/graph/safetensors.ts';
import { random } from '../../../kernel/random.ts';
import { graphs } from './graphs.ts';
import { randomKept } from './oracle.ts';

const f32 = (...values: number[]) => Float32Array.from(values);

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

  it('the header is padded so that values are aligned', () => {
    const bytes = encodeSafetensors([['w', { shape: [1], values: f32(1.5) }]]);
    assert.equal((8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))) % 8, 0);
    assert.equal(new DataView(bytes.buffer).getFloat32(bytes.length - 4, true), 1.5);
  });

  const header = (json: string, data = 0) => {
    const text = new TextEncoder().encode(json);
    const bytes = new Uint8Array(8 + text.length + data);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    return bytes;
  };
  const faults: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /not a safetensors file: 0 bytes/],
    ['a header longer than the file', header('{}').slice(0, 9), /header of 2 bytes in a file of 9/],
    ['a header of huge size', new Uint8Array(8).fill(255), /safetensors header of 1844\d+ bytes in a file of 8/],
    ['a header that is not JSON', header('{'), /its header is not JSON/],
    ['a header that is a list', header('[]'), /its header is not an object/],
    [
      'another type',
      header('{"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}', 2),
      /w: type F16, only F32 is read/,
    ],
    [
      'a shape that does not fit its bytes',
      header('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4),
      /w: shape \[2\] needs 8 bytes, has 4/,
    ],
    [
      'values past the end',
      header('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4),
      /shape \[2\] needs 8 bytes, has 8 up to byte \d+ of \d+/,
    ],
    [
      'a shape of huge size',
      header('{"w":{"dtype":"F32","shape":[9007199254740991],"data_offsets":[0,4]}}', 4),
      /needs 3602\d+ bytes, has 4/,
    ],
    [
      'offsets that are not numbers',
      header('{"w":{"dtype":"F32","shape":[1],"data_offsets":"x"}}', 4),
      /w: broken header entry/,
    ],
  ];
  for (const [what, bytes, message] of faults)
    it(`refuses ${what}`, () => assert.throws(() => decodeSafetensors(bytes), message));

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
