import { bfloatToNumber, halfToNumber } from '../../../kernel/float16.ts';
import { constant, sizeOf, type Constant, type Kind } from './constant.ts';
import { countVarints, fields, integers, text, viewOf, type Field } from './wire.ts';

interface ElementType {
  readonly name: string;
  readonly kind: Kind;
  /** Bytes of an element in raw_data. */
  readonly size: number;
  /** Field of the values where they are not raw, and how they are packed there. */
  readonly field: number;
  readonly at: (view: DataView, offset: number) => number;
}

const element = (
  name: string,
  kind: Kind,
  size: number,
  field: number,
  at: (view: DataView, offset: number) => number,
): ElementType => ({ name, kind, size, field, at });

/** Fields of TensorProto that hold values. */
const [floatData, int32Data, int64Data, rawData, doubleData, uint64Data] = [4, 5, 7, 9, 10, 11];

/** Element types of ONNX by number. */
const elementTypes = new Map<number, ElementType>([
  [1, element('float', 'float', 4, floatData, (v, i) => v.getFloat32(i, true))],
  [2, element('uint8', 'int', 1, int32Data, (v, i) => v.getUint8(i))],
  [3, element('int8', 'int', 1, int32Data, (v, i) => v.getInt8(i))],
  [5, element('int16', 'int', 2, int32Data, (v, i) => v.getInt16(i, true))],
  [6, element('int32', 'int', 4, int32Data, (v, i) => v.getInt32(i, true))],
  [7, element('int64', 'int', 8, int64Data, (v, i) => Number(v.getBigInt64(i, true)))],
  [9, element('bool', 'bool', 1, int32Data, (v, i) => v.getUint8(i))],
  [10, element('float16', 'float', 2, int32Data, (v, i) => halfToNumber(v.getUint16(i, true)))],
  [11, element('double', 'float', 8, doubleData, (v, i) => v.getFloat64(i, true))],
  [12, element('uint32', 'int', 4, uint64Data, (v, i) => v.getUint32(i, true))],
  [13, element('uint64', 'int', 8, uint64Data, (v, i) => Number(v.getBigUint64(i, true)))],
  [16, element('bfloat16', 'float', 2, int32Data, (v, i) => bfloatToNumber(v.getUint16(i, true)))],
]);

/** Kind of an element type by ONNX's number. Throws where it has no numbers that are read. */
export function kindOf(type: number, at: string): Kind {
  const found = elementTypes.get(type);
  if (!found) throw new Error(`${at}: element type ${type} is not supported`);
  return found.kind;
}

/** Greatest size of an axis and of a whole tensor. */
export const limit = 2 ** 31 - 1;

/** Decodes a TensorProto. Sizes are checked against the bytes here; values are decoded when they are asked for. */
export function decodeTensor(bytes: Uint8Array): Constant {
  let name = '';
  let type = 0;
  let external = false;
  const dims: number[] = [];
  const data = new Map<number, Field[]>();
  for (const field of fields(bytes)) {
    if (field.number === 1) dims.push(...integers(field).slice(0, 64));
    else if (field.number === 2) type = field.value;
    else if (field.number === 8) name = text(field);
    else if (field.number === 13) external = true;
    else if (field.number === 14) external ||= field.value === 1;
    else {
      const list = data.get(field.number);
      if (list) list.push(field);
      else data.set(field.number, [field]);
    }
  }
  const at = `initializer ${name || '(no name)'}`;
  if (external) throw new Error(`${at}: its values lie in another file, which is not read: save the model as one file`);
  const element = elementTypes.get(type);
  if (!element) throw new Error(`${at}: element type ${type} is not supported`);
  const size = sizeOf(dims);
  if (dims.length > 16 || dims.some(n => n < 0 || n > limit) || size > limit)
    throw new RangeError(`${at}: shape [${dims.slice(0, 16).join(', ')}]`);
  const raw = data.get(rawData)?.at(-1);
  const has = raw ? raw.bytes.length / element.size : countOf(data.get(element.field) ?? [], element);
  if (has !== size)
    throw new RangeError(
      `${at}: shape [${dims.join(', ')}] has ${size} values, the file has ${has} of ${element.name}`,
    );
  const decode = raw
    ? () => decodeRaw(raw.bytes, element, size)
    : () => decodeTyped(data.get(element.field) ?? [], element, size);
  // Weights are decoded again each time, so that a graph is not held twice; the small ones that shapes are made of are kept.
  let kept: Float32Array | Float64Array | undefined;
  return constant(element.kind, dims, size > 4096 ? decode : () => (kept ??= decode()), name);
}

const isFixed = ({ field }: ElementType) => field === floatData || field === doubleData;

function countOf(list: readonly Field[], element: ElementType): number {
  return list.reduce((n, { wire, bytes }) => {
    if (wire === 0) return n + 1;
    return n + (isFixed(element) ? bytes.length / element.size : countVarints(bytes));
  }, 0);
}

const empty = (kind: Kind, size: number) => (kind === 'float' ? new Float32Array(size) : new Float64Array(size));

function decodeRaw(
  bytes: Uint8Array,
  { kind, size, at, name }: ElementType,
  length: number,
): Float32Array | Float64Array {
  // A copy, aligned to four bytes; `slice` of a Buffer would be none.
  if (name === 'float') return new Float32Array(new Uint8Array(bytes).buffer, 0, length);
  const out = empty(kind, length);
  const view = viewOf(bytes);
  for (let i = 0; i < length; i++) out[i] = at(view, i * size);
  return out;
}

function decodeTyped(list: readonly Field[], element: ElementType, length: number): Float32Array | Float64Array {
  const out = empty(element.kind, length);
  let to = 0;
  for (const field of list) {
    if (isFixed(element)) {
      const view = viewOf(field.bytes);
      for (let i = 0; i < view.byteLength; i += element.size) out[to++] = element.at(view, i);
    } else for (const n of integers(field)) out[to++] = element.kind === 'float' ? fromBits(element.name, n) : n;
  }
  return out;
}

const fromBits = (name: string, n: number) =>
  name === 'float16' ? halfToNumber(n & 0xffff) : bfloatToNumber(n & 0xffff);
