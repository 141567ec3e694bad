import type { Constant } from './constant.ts';
import { decodeTensor } from './tensor.ts';
import { fields, integers, text, viewOf, type Field } from './wire.ts';

/** A size, or the name of one that is known only when the model runs. */
export type Dimension = number | string;

export interface ValueInfo {
  readonly name: string;
  readonly type: number;
  /** Undefined where the file does not say. */
  readonly dims: readonly Dimension[] | undefined;
}

export type Attribute =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'numbers'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Constant }
  | { readonly kind: 'other' };

export interface OnnxNode {
  readonly name: string;
  readonly type: string;
  /** Empty for ONNX's own. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** The part of a model file that is read. */
export interface OnnxModel {
  readonly name: string;
  /** Version of ONNX's own operator set. */
  readonly opset: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Constant>;
  readonly nodes: readonly OnnxNode[];
}

/** Fields of ModelProto with their wire types. */
const modelFields: Readonly<Record<number, number>> = {
  1: 0,
  2: 2,
  3: 2,
  4: 2,
  5: 0,
  6: 2,
  7: 2,
  8: 2,
  14: 2,
  20: 2,
  25: 2,
};
export const isModelField = (number: number, wire: number): boolean => modelFields[number] === wire;

/** Decodes a ModelProto. Throws where the bytes are none. */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  if (bytes.length === 0) throw new Error('not an ONNX file: it is empty');
  if (bytes.length >= 2 ** 31) throw new RangeError(`${bytes.length} bytes, an ONNX file holds 2^31 - 1`);
  let graph: Uint8Array | undefined;
  let opset: number | undefined;
  for (const field of fields(bytes)) {
    if (field.number === 7) graph = field.bytes;
    else if (field.number === 8) {
      const { domain, version } = decodeOpset(field);
      if (domain === '' || domain === 'ai.onnx') opset = version;
    }
  }
  if (!graph) throw new Error('not an ONNX file: it has no graph');
  if (opset === undefined) throw new Error('not an ONNX file: it names no operator set');
  return { opset, ...decodeGraph(graph) };
}

function decodeOpset({ bytes }: Field): { domain: string; version: number } {
  let [domain, version] = ['', 0];
  for (const field of fields(bytes))
    if (field.number === 1) domain = text(field);
    else if (field.number === 2) version = field.value;
  return { domain, version };
}

function decodeGraph(bytes: Uint8Array): Omit<OnnxModel, 'opset'> {
  let name = '';
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, Constant>();
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) nodes.push(decodeNode(field.bytes));
    else if (field.number === 2) name = text(field);
    else if (field.number === 5) {
      const tensor = decodeTensor(field.bytes);
      if (initializers.has(tensor.name)) throw new Error(`initializer ${tensor.name} is there twice`);
      initializers.set(tensor.name, tensor);
    } else if (field.number === 11) inputs.push(decodeValueInfo(field.bytes));
    else if (field.number === 12) outputs.push(decodeValueInfo(field.bytes));
    else if (field.number === 15) throw new Error('sparse initializers are not supported');
  }
  return { name, nodes, initializers, inputs, outputs };
}

function decodeNode(bytes: Uint8Array): OnnxNode {
  let [name, type, domain] = ['', '', ''];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  for (const field of fields(bytes)) {
    if (field.number === 1) inputs.push(text(field));
    else if (field.number === 2) outputs.push(text(field));
    else if (field.number === 3) name = text(field);
    else if (field.number === 4) type = text(field);
    else if (field.number === 5) attributes.set(...decodeAttribute(field.bytes));
    else if (field.number === 7) domain = text(field);
  }
  return {
    name: name || outputs[0] || '',
    type,
    domain: domain === 'ai.onnx' ? '' : domain,
    inputs,
    outputs,
    attributes,
  };
}

const float32s = ({ bytes }: Field): number[] => {
  const view = viewOf(bytes);
  return Array.from({ length: bytes.length >> 2 }, (_, i) => view.getFloat32(4 * i, true));
};

/** Subgraphs are not descended into: no op that has one is supported. */
function decodeAttribute(bytes: Uint8Array): [string, Attribute] {
  let name = '';
  let type = 0;
  let single: Attribute | undefined;
  const numbers: number[] = [];
  let isList = false;
  for (const field of fields(bytes)) {
    if (field.number === 1) name = text(field);
    else if (field.number === 20) type = field.value;
    else if (field.number === 2) single = { kind: 'number', value: float32s(field)[0] ?? 0 };
    else if (field.number === 3) single = { kind: 'number', value: field.value };
    else if (field.number === 4) single = { kind: 'string', value: text(field) };
    else if (field.number === 5) single = { kind: 'tensor', value: decodeTensor(field.bytes) };
    else if (field.number === 7 || field.number === 8) {
      isList = true;
      for (const n of field.number === 7 ? float32s(field) : integers(field)) numbers.push(n);
    }
  }
  if (isList || type === 6 || type === 7) return [name, { kind: 'numbers', value: numbers }];
  // A writer of proto3 leaves out a value of 0.
  if (!single && (type === 1 || type === 2)) return [name, { kind: 'number', value: 0 }];
  if (!single && type === 3) return [name, { kind: 'string', value: '' }];
  return [name, single ?? { kind: 'other' }];
}

function decodeValueInfo(bytes: Uint8Array): ValueInfo {
  let name = '';
  let type = 0;
  let dims: Dimension[] | undefined;
  for (const field of fields(bytes)) {
    if (field.number === 1) name = text(field);
    else if (field.number === 2)
      for (const kind of fields(field.bytes))
        if (kind.number === 1)
          for (const part of fields(kind.bytes)) {
            if (part.number === 1) type = part.value;
            else if (part.number === 2) dims = [...fields(part.bytes)].filter(f => f.number === 1).map(decodeDimension);
          }
  }
  return { name, type, dims };
}

function decodeDimension({ bytes }: Field): Dimension {
  for (const field of fields(bytes)) {
    if (field.number === 1) return field.value;
    if (field.number === 2) return text(field);
  }
  return '';
}
