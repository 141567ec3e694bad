import { foldNorms } from '../../kernel/graph/fold.ts';
import { shapesOf, view, type Graph } from '../../kernel/graph/graph.ts';
import type { OnnxWriter } from '../../kernel/graph/op.ts';
import { ops } from '../../kernel/graph/ops/index.ts';
import type { Shape } from '../../kernel/graph/parameter.ts';
import { permute } from '../../kernel/strided.ts';
import type { Format } from '../../kernel/plugin.ts';
import { isSafetensors } from '../../kernel/safetensors.ts';
import { float, GraphBuilder, type Attributes } from '../backends/onnxruntime/onnx/index.ts';
import { isOnnx, readOnnx } from './onnx-reader/index.ts';

/** ONNX with opset 21: images are `[batch, channels, height, width]`, the batch is free, weights are float32. */
export const onnx: Format = {
  kind: 'format',
  id: 'onnx',
  title: 'ONNX, opset 21',
  extension: '.onnx',
  write(model, { fold = false } = {}) {
    const graph = fold ? foldNorms(model) : model;
    const bytes = 4 * [...graph.parameters.values()].reduce((n, parameter) => n + parameter.size, 0);
    if (bytes >= 2 ** 31) throw new RangeError(`${graph.name}: ${bytes} bytes of weights, an ONNX file holds 2^31 - 1`);
    return new Writer(graph).encode();
  },
  // A safetensors file may begin with any byte, that of an ONNX field too.
  recognizes: bytes => isOnnx(bytes) && !isSafetensors(bytes),
  read: readOnnx,
};

/** Attributes that ONNX wants as floating point, whatever their value. */
const floating = new Set(['epsilon', 'alpha', 'beta', 'momentum']);

/** A node that has not been given to the builder: the name of its output may still change. */
interface Pending {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly attributes: Attributes;
  output: string;
}

class Writer implements OnnxWriter {
  readonly #graph: Graph;
  readonly #builder = new GraphBuilder();
  readonly #taken: Set<string>;
  readonly #parameters = new Map<string, string>();
  /** Nodes of the graph node that is being written. */
  #pending: Pending[] = [];
  #node = '';

  constructor(graph: Graph) {
    this.#graph = graph;
    // Values keep the names of their nodes, whatever else wants them.
    this.#taken = new Set([...Object.keys(graph.inputs), ...graph.nodes.map(node => node.id)]);
  }

  encode(): Uint8Array {
    const graph = this.#graph;
    const shapes = shapesOf(graph);
    for (const [id, shape] of Object.entries(graph.inputs)) this.#builder.input(id, 'float32', dimensions(shape));
    for (const node of graph.nodes) {
      this.#node = node.id;
      const value = ops[node.op].onnx(view(graph, node, shapes), node.inputs, this);
      this.#flush(value);
    }
    for (const id of graph.outputs) this.#builder.output(id, 'float32', dimensions(shapes.get(id)!));
    return this.#builder.encode({ name: graph.name, producer: 'pruningbench' });
  }

  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, unknown>> = {}): string {
    const output = this.#fresh(`${this.#node}/${type}`);
    this.#pending.push({ type, inputs, attributes: encoded(attributes), output });
    return output;
  }

  constant(values: Float32Array | BigInt64Array, shape: readonly number[]): string {
    return values instanceof Float32Array
      ? this.#builder.constant('float32', shape, values)
      : this.#builder.constant('int64', shape, Array.from(values, Number));
  }

  parameter(name: string, permutation?: readonly number[]): string {
    const key = `${name} ${permutation?.join() ?? ''}`;
    const known = this.#parameters.get(key);
    if (known !== undefined) return known;
    const { shape, values } = this.#graph.parameters.get(name)!;
    const stored = this.#fresh(name);
    if (permutation) {
      const dims = permutation.map(axis => shape[axis]!);
      this.#builder.initializer(stored, 'float32', dims, permute(values, shape, permutation));
    } else this.#builder.initializer(stored, 'float32', shape, values);
    this.#parameters.set(key, stored);
    return stored;
  }

  /** Gives the value the name of the graph's node and writes what is pending. */
  #flush(value: string): void {
    const last = this.#pending.find(({ output }) => output === value);
    if (last) last.output = this.#node;
    else this.#pending.push({ type: 'Identity', inputs: [value], attributes: {}, output: this.#node });
    for (const { type, inputs, attributes, output } of this.#pending) {
      this.#builder.node(
        type,
        inputs.map(name => (last && name === value ? this.#node : name)),
        attributes,
        {
          name: output,
          outputs: [output],
        },
      );
    }
    this.#pending = [];
  }

  #fresh(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}:${n}`;
    this.#taken.add(name);
    return name;
  }
}

function encoded(attributes: Readonly<Record<string, unknown>>): Attributes {
  const entries = Object.entries(attributes).map(([name, value]) => [
    name,
    floating.has(name) ? float(value as number) : value,
  ]);
  return Object.fromEntries(entries) as Attributes;
}

/** Sizes as ONNX has them: the batch first, an image with its channels before height and width. */
function dimensions(shape: Shape): (number | string)[] {
  if (shape.length !== 3) return ['batch', ...shape];
  const [height, width, channels] = shape as [number, number, number];
  return ['batch', channels, height, width];
}
