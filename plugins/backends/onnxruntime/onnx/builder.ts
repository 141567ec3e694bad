import { attributeTypes, elementTypes, ModelProto, type ElementType } from './schema.ts';

/** A dimension: a size, or the name of one that is known only when the model runs (such as `batch`). */
export type Dimension = number | string;

/** The value of an attribute. A number or list of numbers is integer; wrap it in {@link float} for floating point. */
export type Attribute =
  number | readonly number[] | string | readonly string[] | { readonly float: number | readonly number[] };

/** Attributes of a node by name; `undefined` ones are left out. */
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** Marks an attribute as floating point. */
export const float = (value: number | readonly number[]) => ({ float: value });

/** What a node may say beyond its type, inputs and attributes. */
export interface NodeOptions {
  /** Operator set it belongs to; the standard one by default. */
  domain?: string;
  name?: string;
  /** Names of its outputs (`''` leaves an optional one out); one fresh name by default. */
  outputs?: readonly string[];
}

type Message = Record<string, unknown>;

/** Builds one ONNX graph, node by node, and encodes it as a model file. */
export class GraphBuilder {
  private readonly nodes: Message[] = [];
  private readonly initializers: Message[] = [];
  private readonly inputs: Message[] = [];
  private readonly outputs: Message[] = [];
  private readonly domains = new Set(['']);
  private readonly shared = new Map<string, string>();
  private counter = 0;

  /** Number of nodes so far. */
  get size(): number {
    return this.nodes.length;
  }

  /** A name nothing in this graph has yet. */
  fresh(prefix = 't'): string {
    return `${prefix}_${this.counter++}`;
  }

  /** Declares a graph input and returns its name. */
  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Declares the value called `name` a graph output. */
  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** Stores a constant tensor under `name` and returns the name. */
  initializer(name: string, type: ElementType, dims: readonly number[], values: ArrayLike<number>): string {
    const size = dims.reduce((a, b) => a * b, 1);
    if (size !== values.length) throw new Error(`initializer ${name}: ${values.length} values for shape [${dims}]`);
    this.initializers.push({ name, dims: [...dims], data_type: elementTypes[type], raw_data: bytes(type, values) });
    return name;
  }

  /** A constant tensor under a fresh name; small equal ones are stored once. */
  constant(type: ElementType, dims: readonly number[], values: ArrayLike<number>): string {
    if (values.length > 256) return this.initializer(this.fresh('k'), type, dims, values);
    const text = Array.from(values, v => (Object.is(v, -0) ? '-0' : String(v))).join();
    const key = `${type}[${dims}]${text}`;
    let name = this.shared.get(key);
    if (name === undefined) {
      name = this.initializer(this.fresh('k'), type, dims, values);
      this.shared.set(key, name);
    }
    return name;
  }

  /** Adds a node and returns the names of its outputs. An empty input name leaves an optional input out. */
  node(type: string, inputs: readonly string[], attributes: Attributes = {}, options: NodeOptions = {}): string[] {
    const outputs = [...(options.outputs ?? [this.fresh()])];
    const domain = options.domain ?? '';
    this.domains.add(domain);
    const attribute: Message[] = [];
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) attribute.push({ name, ...attributeValue(value) });
    }
    const name = options.name ?? `${type}_${this.counter++}`;
    this.nodes.push({ op_type: type, domain, name, input: [...inputs], output: outputs, attribute });
    return outputs;
  }

  /** The model as a file. `opsets` gives the version of each domain in use; the standard one is 21 unless said. */
  encode(options: { name?: string; producer?: string; irVersion?: number; opsets?: Record<string, number> } = {}) {
    const opsets: Record<string, number> = { '': 21, ...options.opsets };
    for (const domain of this.domains) opsets[domain] ??= 1;
    return ModelProto.encode(
      ModelProto.fromObject({
        ir_version: options.irVersion ?? 10,
        producer_name: options.producer ?? 'tfjs-onnxruntime',
        opset_import: Object.entries(opsets).map(([domain, version]) => ({ domain, version })),
        graph: {
          name: options.name ?? 'graph',
          node: this.nodes,
          initializer: this.initializers,
          input: this.inputs,
          output: this.outputs,
        },
      }),
    ).finish();
  }
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Message {
  const dim = shape.map(d => (typeof d === 'number' ? { dim_value: d } : { dim_param: d }));
  return { name, type: { tensor_type: { elem_type: elementTypes[type], shape: { dim } } } };
}

function attributeValue(value: Attribute): Message {
  if (typeof value === 'number') return { i: value, type: attributeTypes.int };
  if (typeof value === 'string') return { s: Buffer.from(value), type: attributeTypes.string };
  if ('float' in value) {
    const f = value.float;
    return typeof f === 'number' ? { f, type: attributeTypes.float } : { floats: [...f], type: attributeTypes.floats };
  }
  if (value.length > 0 && typeof value[0] === 'string') {
    return { strings: value.map(s => Buffer.from(String(s))), type: attributeTypes.strings };
  }
  return { ints: [...value], type: attributeTypes.ints };
}

/** Little-endian bytes, as ONNX's raw_data wants them (every platform onnxruntime-node ships for is little-endian). */
function bytes(type: ElementType, values: ArrayLike<number>): Uint8Array {
  const view = (a: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) =>
    new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
  switch (type) {
    case 'float32':
      return view(values instanceof Float32Array ? values : Float32Array.from(values));
    case 'float64':
      return view(Float64Array.from(values));
    case 'int32':
      return view(Int32Array.from(values));
    case 'int64':
      return view(BigInt64Array.from(Array.from(values, v => BigInt(v))));
    case 'int8':
      return view(Int8Array.from(values));
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values);
    case 'string':
    case 'bfloat16':
      throw new Error(`initializer: ${type} is not supported`);
  }
}
