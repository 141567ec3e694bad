import { check } from '../../../kernel/graph/check.ts';
import { shapesOf, type Graph, type Node } from '../../../kernel/graph/graph.ts';
import type { OpName } from '../../../kernel/graph/ops/index.ts';
import { Parameter, type Shape } from '../../../kernel/graph/parameter.ts';
import { sizeOf, type Constant } from './constant.ts';
import { show, type Item } from './form.ts';
import type { OnnxModel, OnnxNode } from './model.ts';
import { layerOfNode, layerOfWeight } from './names.ts';
import { countOf, lengthOf, shapeOf, showDims, type Axis, type Value } from './value.ts';

/** Values of a sample that one layer may give, and how many numbers folding may make beside those of the file. */
const [activationLimit, foldLimit] = [2 ** 28, 2 ** 22];

export interface ParameterSource {
  readonly shape: Shape;
  readonly values: () => Float32Array;
  readonly trainable?: boolean;
}

/** The graph that a file becomes, while it is read node by node. */
export class Reading {
  readonly opset: number;
  /** The batch, where the file fixes it. */
  readonly fixedBatch: number | undefined;
  readonly items = new Map<string, Item>();
  readonly #uses = new Map<string, number>();
  readonly #arranged = new Map<string, { from: readonly Axis[]; axes: readonly Axis[]; id: string }[]>();
  readonly #nodes = new Set<Node>();
  readonly #byId = new Map<string, Node>();
  readonly #parameters = new Map<string, Parameter>();
  readonly #inputs: Record<string, Shape> = {};
  #foldable: number;
  /** The file's node that is being read. */
  node!: OnnxNode;

  constructor({ opset, nodes, outputs }: OnnxModel, bytes: number, fixedBatch?: number) {
    this.opset = opset;
    this.fixedBatch = fixedBatch;
    this.#foldable = foldLimit + bytes / 4;
    for (const name of [...nodes.flatMap(({ inputs }) => inputs), ...outputs.map(({ name }) => name)])
      this.#uses.set(name, this.uses(name) + 1);
  }

  /** How many read a value of the file. */
  uses(name: string): number {
    return this.#uses.get(name) ?? 0;
  }

  /** An error about the present node, by its type and name. */
  error(message: string): Error {
    return new Error(`${this.node.type} ${this.node.name}: ${message}`);
  }

  unsupported(what: string): Error {
    return this.error(`${what} is not supported (opset ${this.opset})`);
  }

  // --- inputs and attributes of the present node ---------------------------------------------------------------------

  optional(position: number): Item | undefined {
    const name = this.node.inputs[position];
    if (!name) return undefined;
    const item = this.items.get(name);
    if (!item) throw this.error(`reads ${name}, which is not given before it`);
    return item;
  }

  item(position: number): Item {
    const item = this.optional(position);
    if (!item) throw this.error(`input ${position + 1} is missing`);
    return item;
  }

  value(position: number): Value {
    const item = this.item(position);
    if (item.kind !== 'value')
      throw this.unsupported(`a ${item.kind === 'form' ? item.what : item.kind} as input ${position + 1}`);
    return item;
  }

  constant(position: number): Constant | undefined {
    const item = this.optional(position);
    if (item === undefined || item.kind === 'constant') return item;
    throw this.unsupported(`an input ${position + 1} that is computed (${this.node.inputs[position]}, ${show(item)})`);
  }

  /** Numbers of an input that must be known, or of the attribute that older operator sets have in its place. */
  numbers(position: number, attribute?: string): number[] | undefined {
    const known = this.constant(position);
    if (known) return Array.from(this.valuesOf(known, 2 ** 16));
    return attribute === undefined ? undefined : this.ints(attribute);
  }

  valuesOf(known: Constant, most = Infinity): Float32Array | Float64Array {
    if (sizeOf(known.dims) > most) throw this.error(`${sizeOf(known.dims)} values where at most ${most} are expected`);
    return known.values();
  }

  ints(name: string): number[] | undefined {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return undefined;
    if (attribute.kind !== 'numbers') throw this.error(`attribute ${name} is no list of numbers`);
    return [...attribute.value];
  }

  number(name: string, otherwise: number): number {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return otherwise;
    if (attribute.kind !== 'number') throw this.error(`attribute ${name} is no number`);
    return attribute.value;
  }

  text(name: string, otherwise: string): string {
    const attribute = this.node.attributes.get(name);
    if (!attribute) return otherwise;
    if (attribute.kind !== 'string') throw this.error(`attribute ${name} is no text`);
    return attribute.value;
  }

  /** An axis as a position from the front. */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) throw this.error(`axis ${axis} of ${rank}`);
    return axis < 0 ? axis + rank : axis;
  }

  /** Counts numbers that folding is about to make. */
  spend(count: number): void {
    if (!(count >= 0)) throw this.error(`${count} values`);
    this.#foldable -= count;
    if (this.#foldable < 0) throw this.error('the file computes more constants than it has bytes');
  }

  // --- the graph -----------------------------------------------------------------------------------------------------

  input(id: string, shape: Shape): void {
    this.#inputs[id] = shape;
  }

  /** The layer's name: that of its weights where it has one, else that of the file's node. */
  layer(...weights: (Constant | undefined)[]): string {
    for (const weight of weights) {
      const layer = weight && layerOfWeight(weight.name);
      if (layer) return layer;
    }
    return layerOfNode(this.node.name, this.node.type);
  }

  /** Adds a node and returns its id, which is the one wanted or that with a number. */
  emit(
    op: OpName,
    wanted: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, unknown>> = {},
    parameters: Readonly<Record<string, ParameterSource>> = {},
  ): string {
    let id = wanted;
    for (let n = 2; this.#byId.has(id) || id in this.#inputs; n++) id = `${wanted}:${n}`;
    const names: Record<string, string> = {};
    for (const [role, { shape, values, trainable = true }] of Object.entries(parameters)) {
      names[role] = `${id}.${role}`;
      this.#parameters.set(names[role], new Parameter(shape, values, trainable));
    }
    const node = { id, op, inputs, attributes, parameters: names };
    this.#nodes.add(node);
    this.#byId.set(id, node);
    return id;
  }

  /** What a value of the graph was brought to before. */
  arranged(id: string): { from: readonly Axis[]; axes: readonly Axis[]; id: string }[] {
    const list = this.#arranged.get(id) ?? [];
    this.#arranged.set(id, list);
    return list;
  }

  /** Removes a node that nothing else reads, for one that does more; its name is free again. */
  discard(node: Node): void {
    this.#nodes.delete(node);
    this.#byId.delete(node.id);
  }

  /** Removes a dense layer that is to be written again, and returns its kernel. */
  takeBack(node: Node): ParameterSource {
    const name = node.parameters.kernel!;
    const kernel = this.#parameters.get(name)!;
    this.discard(node);
    this.#parameters.delete(name);
    return { shape: kernel.shape, values: () => kernel.values, trainable: kernel.trainable };
  }

  /** A new value with its axes, checked against what a machine can hold. */
  made(id: string, axes: readonly Axis[], dims: readonly Axis[]): Value {
    const count = countOf(axes);
    if (!(count <= activationLimit) || dims.length > 8 || axes.length > 8)
      throw this.error(`its output ${showDims(dims.map(lengthOf))} is too large`);
    return { kind: 'value', id, axes, dims, factor: 1 };
  }

  /** The node that gives a value. */
  producer(id: string): Node | undefined {
    return this.#byId.get(id);
  }

  /** A parameter from a constant: its values as float32. */
  parameter(known: Constant, shape: Shape = known.dims, values = () => float32(known)): ParameterSource {
    return { shape, values };
  }

  /** The verified graph without what no output needs. */
  build(name: string, outputs: readonly Value[]): Graph {
    const needed = new Set(outputs.map(({ id }) => id));
    for (const node of [...this.#nodes].reverse())
      if (needed.has(node.id)) for (const id of node.inputs) needed.add(id);
    const nodes = [...this.#nodes].filter(({ id }) => needed.has(id));
    const used = new Set(nodes.flatMap(({ parameters }) => Object.values(parameters)));
    const graph = check({
      name,
      inputs: this.#inputs,
      nodes,
      outputs: outputs.map(({ id }) => id),
      parameters: new Map([...this.#parameters].filter(([id]) => used.has(id))),
    });
    const shapes = shapesOf(graph);
    for (const { id, axes } of outputs)
      if (shapes.get(id)!.join() !== shapeOf(axes).join())
        throw new Error(`${id}: read as [${shapeOf(axes).join(', ')}], computes [${shapes.get(id)!.join(', ')}]`);
    return graph;
  }
}

export const float32 = (known: Constant): Float32Array => {
  const values = known.values();
  return values instanceof Float32Array ? values : Float32Array.from(values);
};
