import assert from 'node:assert/strict';
import { decodeSafetensors, encodeSafetensors } from '../../kernel/safetensors.ts';

describe('safetensors', () => {
  const tensors = new Map([
    ['a', { shape: [2, 2], values: Float32Array.of(1, -2, 3.5, 1e-30) }],
    ['none', { shape: [0, 3], values: new Float32Array(0) }],
    ['scalar', { shape: [], values: Float32Array.of(7) }],
  ]);
  it('reads what it wrote', () =>
    assert.deepEqual(decodeSafetensors(encodeSafetensors(tensors, { hello: 'there' })), {
      tensors,
      metadata: { hello: 'there' },
    }));
  it('copies what it read, from a Buffer too', () => {
    const bytes = Buffer.from(encodeSafetensors(tensors));
    const read = decodeSafetensors(bytes);
    bytes.fill(0, bytes.length - 4);
    assert.deepEqual(read.tensors, tensors);
  });
  it('writes the format: a length, a header padded so that values are aligned, values', () => {
    const bytes = encodeSafetensors(tensors, { hello: 'there' });
    const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assert.equal(header % 8, 0);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header))), {
      __metadata__: { hello: 'there' },
      a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      none: { dtype: 'F32', shape: [0, 3], data_offsets: [16, 16] },
      scalar: { dtype: 'F32', shape: [], data_offsets: [16, 20] },
    });
    assert.equal(new DataView(bytes.buffer).getFloat32(8 + header + 8, true), 3.5);
  });
  it('reads half precision, double precision and integers', () => {
    const half = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x0001, 2 ** -24],
      [0x7bff, 65504],
    ] as const;
    const bytes = header(
      '{"f":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]},' +
        '"d":{"dtype":"F64","shape":[1],"data_offsets":[10,18]},"i":{"dtype":"I64","shape":[],"data_offsets":[18,26]}}',
      26,
    );
    const view = new DataView(bytes.buffer, bytes.length - 26);
    half.forEach(([bits], i) => view.setUint16(2 * i, bits, true));
    view.setUint16(8, 0xbfc0, true);
    view.setFloat64(10, 0.25, true);
    view.setBigInt64(18, -7n, true);
    const { tensors: read } = decodeSafetensors(bytes);
    assert.deepEqual(
      [...read].map(([name, { values }]) => [name, ...values]),
      [
        ['f', ...half.map(([, value]) => value)],
        ['b', -1.5],
        ['d', 0.25],
        ['i', -7],
      ],
    );
  });
  it('is refused wherever it is cut off', () => {
    const bytes = encodeSafetensors(tensors);
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => decodeSafetensors(bytes.subarray(0, length)), /safetensors/, `${length} of ${bytes.length}`);
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
      header('{"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', 1),
      /w: type F8_E4M3, only F32, F16, BF16, F64, I64, I32 are read/,
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
});
