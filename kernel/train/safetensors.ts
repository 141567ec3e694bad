/** Float32 tensors by name and a few texts, as the safetensors format holds them. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface NamedTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

const lengthBytes = 8;
const bigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** The bytes of a safetensors file. */
export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array<ArrayBuffer> {
  if (bigEndian) throw new Error('safetensors: values are little-endian, this machine is not');
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, values }] of tensors)
    entries[name] = { dtype: 'F32', shape, data_offsets: [end, (end += values.byteLength)] };
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const header = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(lengthBytes + header + end).fill(0x20, lengthBytes, lengthBytes + header);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header), true);
  bytes.set(json, lengthBytes);
  let at = lengthBytes + header;
  for (const { values } of tensors.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Reads what `encodeTensors` wrote. Throws where the bytes are cut off or of another format; `name` is for the message. */
export function decodeTensors(bytes: Uint8Array, name: string): TensorFile {
  if (bytes.length < lengthBytes) throw new Error(`${name}: ${bytes.length} bytes are no safetensors file`);
  const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = lengthBytes + header;
  if (start > bytes.length) throw new Error(`${name}: header ends at byte ${start}, the file has ${bytes.length}`);
  const { __metadata__: metadata = {}, ...entries } = parse(bytes.subarray(lengthBytes, start), name);
  const tensors = new Map<string, NamedTensor>();
  for (const [tensor, { dtype, shape, data_offsets }] of Object.entries(entries as Record<string, Entry>)) {
    if (dtype !== 'F32') throw new Error(`${name}: ${tensor} is ${dtype}, only F32 is read`);
    const [from, to] = data_offsets;
    if (start + to > bytes.length)
      throw new Error(`${name}: ${tensor} ends at byte ${start + to}, the file has ${bytes.length}`);
    const size = shape.reduce((a, b) => a * b, 1);
    if (to - from !== size * 4)
      throw new Error(`${name}: ${tensor} of shape [${shape.join(', ')}] has ${to - from} bytes, needs ${size * 4}`);
    const values = new Float32Array(size);
    new Uint8Array(values.buffer).set(bytes.subarray(start + from, start + to));
    tensors.set(tensor, { shape, values });
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

function parse(json: Uint8Array, name: string): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${name}: the header is not JSON, this is no safetensors file`, { cause });
  }
}
