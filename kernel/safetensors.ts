import { bfloatToNumber, halfToNumber } from './float16.ts';

/** A tensor of a safetensors file. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const bigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/**
 * Bytes of a safetensors file: eight bytes with the length of a JSON header, the header, then the values, in float32.
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  if (bigEndian) throw new Error('safetensors: values are little-endian, this machine is not');
  const header: Record<string, unknown> = { __metadata__: metadata };
  const list = [...tensors];
  let end = 0;
  for (const [name, { shape, values }] of list) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += values.byteLength)] };
  }
  let json = new TextEncoder().encode(JSON.stringify(header));
  // Values start at a multiple of eight bytes, as the format's own writers have it.
  const padding = -json.length & 7;
  json = new Uint8Array([...json, ...Array<number>(padding).fill(0x20)]);
  const bytes = new Uint8Array(8 + json.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  let at = 8 + json.length;
  for (const [, { values }] of list) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

type Decode = (view: DataView, offset: number) => number;

/** Types that are read, with the bytes of an element; PyTorch's states hold counters beside weights. */
const types: Readonly<Record<string, readonly [size: number, decode: Decode]>> = {
  F32: [4, (view, i) => view.getFloat32(i, true)],
  F16: [2, (view, i) => halfToNumber(view.getUint16(i, true))],
  BF16: [2, (view, i) => bfloatToNumber(view.getUint16(i, true))],
  F64: [8, (view, i) => view.getFloat64(i, true)],
  I64: [8, (view, i) => Number(view.getBigInt64(i, true))],
  I32: [4, (view, i) => view.getInt32(i, true)],
};

/** Whether bytes begin as a safetensors file: with eight of a length, of which the upper ones are 0, and a brace. */
export const isSafetensors = (bytes: Uint8Array): boolean =>
  bytes[8] === 0x7b && bytes.subarray(5, 8).every(byte => byte === 0);

/** Reads a safetensors file; values become float32. Sizes are checked against the bytes before anything is allocated. */
export function decodeSafetensors(bytes: Uint8Array): {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
} {
  if (bytes.length < 8) throw new RangeError(`not a safetensors file: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const start = 8 + length;
  if (start > bytes.length) throw new RangeError(`safetensors header of ${length} bytes in a file of ${bytes.length}`);
  const header = parseHeader(bytes.subarray(8, start));
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = entry as { dtype: unknown; shape: unknown; data_offsets: unknown };
    const type = typeof dtype === 'string' && Object.hasOwn(types, dtype) ? types[dtype] : undefined;
    if (!type)
      throw new Error(`safetensors ${name}: type ${String(dtype)}, only ${Object.keys(types).join(', ')} are read`);
    const [bytesEach, decode] = type;
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
      throw new Error(`safetensors ${name}: broken header entry`);
    const size = shape.reduce((a, b) => a * b, 1);
    const [from, to] = offsets as [number, number];
    if (to - from !== size * bytesEach || start + to > bytes.length)
      throw new RangeError(
        `safetensors ${name}: shape [${shape.join(', ')}] needs ${size * bytesEach} bytes, has ${to - from} up to byte ${start + to} of ${bytes.length}`,
      );
    // A copy, aligned to four bytes; `slice` of a Buffer would be none.
    const own = new Uint8Array(bytes.subarray(start + from, start + to));
    const values =
      dtype === 'F32' ? new Float32Array(own.buffer) : decoded(new DataView(own.buffer), size, bytesEach, decode);
    tensors.set(name, { shape, values });
  }
  return { tensors, metadata: (header.__metadata__ ?? {}) as Record<string, string> };
}

function decoded(view: DataView, length: number, bytesEach: number, decode: Decode): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = decode(view, i * bytesEach);
  return values;
}

function parseHeader(json: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw new Error('not a safetensors file: its header is not JSON', { cause });
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new Error('not a safetensors file: its header is not an object');
  return header as Record<string, unknown>;
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(n => Number.isSafeInteger(n) && (n as number) >= 0);
