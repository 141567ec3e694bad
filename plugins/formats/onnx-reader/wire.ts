/** One field of a protobuf message: a number where the wire has a varint, else bytes. */
export interface Field {
  readonly number: number;
  readonly wire: number;
  /** Value of a varint field. */
  readonly value: number;
  /** Bytes of any other field: a view, not a copy. */
  readonly bytes: Uint8Array;
}

const varintWire = 0;
const none = new Uint8Array(0);

/**
 * Fields of a protobuf message. Nothing is decoded ahead and nothing recurses, so that a hostile file costs no more
 * memory than it has bytes: a generic decoder makes an object of every varint.
 */
export function* fields(bytes: Uint8Array): Generator<Field> {
  const at = { position: 0 };
  while (at.position < bytes.length) {
    const tag = varint(bytes, at);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number < 1 || number > 0x1fffffff) throw broken(`field ${number}`, at.position);
    if (wire === varintWire) {
      yield { number, wire, value: varint(bytes, at), bytes: none };
      continue;
    }
    const length = wire === 2 ? varint(bytes, at) : wire === 5 ? 4 : wire === 1 ? 8 : -1;
    if (length < 0) throw broken(`wire type ${wire}`, at.position);
    if (at.position + length > bytes.length)
      throw broken(`field ${number} of ${length} bytes, ${bytes.length - at.position} left`, at.position);
    yield { number, wire, value: 0, bytes: bytes.subarray(at.position, at.position + length) };
    at.position += length;
  }
}

const broken = (what: string, position: number) => new Error(`not an ONNX file: ${what} at byte ${position}`);

/** A signed 64-bit integer, rounded where no double holds it. */
function varint(bytes: Uint8Array, at: { position: number }): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at.position++];
    if (byte === undefined) throw broken('the file ends in a number', at.position - 1);
    if (i === 7 && (byte & 0x7f) !== 0) return longVarint(bytes, at, i);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw broken('a number of more than 10 bytes', at.position);
}

function longVarint(bytes: Uint8Array, at: { position: number }, read: number): number {
  const start = at.position - 1 - read;
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw broken('the file ends in a number', start + i);
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) {
      at.position = start + i + 1;
      return Number(BigInt.asIntN(64, value));
    }
  }
  throw broken('a number of more than 10 bytes', start);
}

/** How many varints a packed field holds. */
export function countVarints(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte < 0x80) count++;
  return count;
}

/** Integers of a repeated field, from one occurrence of it: packed or single. */
export function integers({ wire, value, bytes }: Field): number[] {
  if (wire === varintWire) return [value];
  const list: number[] = [];
  const at = { position: 0 };
  while (at.position < bytes.length) list.push(varint(bytes, at));
  return list;
}

const decoder = new TextDecoder();
export const text = ({ bytes }: Field): string => decoder.decode(bytes);

/** A view for reading little-endian numbers. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
