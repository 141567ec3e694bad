import { Emitter } from './emitter.ts';
import { physicalShape, rowMajor, uniform, type Layout } from './layout.ts';
import { declareStop } from './session.ts';
import type { Node, Target, Value } from './value.ts';

/** A graph in ONNX, and how its inputs and outputs map to recorded values. */
export interface Lowered {
  readonly model: Uint8Array;
  readonly nodes: number;
  /** Name of a graph input and which leaf it takes. */
  readonly feeds: readonly { readonly name: string; readonly leaf: number }[];
  /** Name and layout of the graph output that gives each requested value. */
  readonly fetches: readonly { readonly name: string; readonly layout: Layout }[];
}

/** A node that has no translation, or a wrong one. */
export class NodeError extends Error {
  constructor(
    /** Index of the node in the list that was lowered. */
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
  }
}

/** How names of ONNX nodes begin that belong to the recorded node `index`; {@link nodeIndex} reads it back. */
const prefix = (index: number, node: Node) => `#${index}:${node.operation.name}/`;

/** The recorded node that a message of ONNX Runtime speaks of. */
export const nodeIndex = (message: string): number | undefined => {
  const found = /#(\d+):\w+\//.exec(message);
  return found ? Number(found[1]) : undefined;
};

/**
 * Translates recorded nodes, given in topological order, to one ONNX graph that computes `outputs` from `leaves`, those
 * aside that are `constant`.
 */
export function lower(
  nodes: readonly Node[],
  leaves: readonly Value[],
  outputs: readonly Value[],
  constant: (leaf: Value) => boolean,
  target: Target,
): Lowered {
  const emitter = new Emitter(target);
  const placed = new Placement(emitter);
  const feeds: { name: string; leaf: number }[] = [];
  leaves.forEach((leaf, i) => {
    const shape = physicalShape(leaf.shape, leaf.layout);
    if (constant(leaf)) {
      placed.put(leaf, emitter.graph.constant(leaf.dtype, shape, leaf.host!), leaf.layout);
      return;
    }
    const name = emitter.graph.input(`in${i}`, leaf.dtype, shape);
    feeds.push({ name, leaf: i });
    placed.put(leaf, name, leaf.layout);
  });
  nodes.forEach((node, i) => {
    emitter.prefix = prefix(i, node);
    try {
      lowerNode(node, placed, emitter, target);
    } catch (error) {
      throw new NodeError(i, error);
    }
  });
  emitter.prefix = '';
  declareStop(emitter.graph);
  const used = new Set<string>();
  const fetches = outputs.map(value => {
    let layout = placed.layout(value);
    if (layout === uniform) layout = rowMajor(value.shape.length);
    let name = placed.get(value, layout);
    // An output must be computed by a node and be an output once.
    if (used.has(name) || !name.startsWith('t_')) name = emitter.identity(name);
    used.add(name);
    emitter.graph.output(name, value.dtype, physicalShape(value.shape, layout));
    return { name, layout };
  });
  return { model: emitter.graph.encode(), nodes: emitter.graph.size, feeds, fetches };
}

function lowerNode(node: Node, placed: Placement, emitter: Emitter, target: Target): void {
  const given = node.inputs.map(value => placed.layout(value));
  const layouts = node.operation.layouts?.(node, given, target) ?? {
    inputs: node.inputs.map(value => rowMajor(value.shape.length)),
    outputs: node.outputs.map(value => rowMajor(value.shape.length)),
  };
  const inputs = node.inputs.map((value, i) => placed.get(value, layouts.inputs[i]!));
  const emitted = node.operation.emit(node, inputs, emitter, layouts);
  const names = typeof emitted === 'string' ? [emitted] : emitted;
  node.outputs.forEach((value, i) => placed.put(value, names[i]!, layouts.outputs[i]!));
}

/** Where each value is: its names in the graph, by layout. */
class Placement {
  private readonly names = new Map<Value, { base: Layout; byLayout: Map<Layout, string> }>();

  constructor(private readonly emitter: Emitter) {}

  put(value: Value, name: string, layout: Layout): void {
    this.names.set(value, { base: layout, byLayout: new Map([[layout, name]]) });
  }

  layout(value: Value): Layout {
    return this.names.get(value)!.base;
  }

  get(value: Value, layout: Layout): string {
    const { base, byLayout } = this.names.get(value)!;
    let name = byLayout.get(layout);
    if (name === undefined) {
      name = this.emitter.convert(byLayout.get(base)!, value.shape, base, layout);
      byLayout.set(layout, name);
    }
    return name;
  }
}
