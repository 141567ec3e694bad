import { ops, type OpName } from './ops/index.ts';
import type { NodeView } from './op.ts';
import type { Parameter, Shape } from './parameter.ts';

export interface Node {
  readonly id: string;
  readonly op: OpName;
  /** Ids of nodes or of graph inputs. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Names of parameters by role, as in `{ kernel: 'stem.kernel' }`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * A model: immutable data, nodes in an order in which every input stands before its reader. The same graph is trained,
 * pruned, counted, saved and exported.
 */
export interface Graph {
  readonly name: string;
  /** Shapes of the inputs by id, without the batch, channels last. */
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly nodes: readonly Node[];
  /** Ids of the nodes whose values the graph returns. */
  readonly outputs: readonly string[];
  readonly parameters: ReadonlyMap<string, Parameter>;
}

/** A node as its op sees it. */
export function view(graph: Graph, node: Node, shapes: ReadonlyMap<string, Shape>): NodeView<unknown> {
  const parameters: Record<string, Shape> = {};
  for (const [role, name] of Object.entries(node.parameters)) {
    const parameter = graph.parameters.get(name);
    if (!parameter) throw new Error(`${node.op} ${node.id}: no parameter ${name}`);
    parameters[role] = parameter.shape;
  }
  const inputs = node.inputs.map(id => {
    const shape = shapes.get(id);
    if (!shape) throw new Error(`${node.op} ${node.id}: input ${id} is not defined before it`);
    return shape;
  });
  return { id: node.id, attributes: node.attributes, inputs, names: node.parameters, parameters };
}

/** Shapes of all values by id, without the batch. Throws where something does not fit. */
export function shapesOf(graph: Graph): Map<string, Shape> {
  const shapes = new Map<string, Shape>(Object.entries(graph.inputs));
  for (const node of graph.nodes) shapes.set(node.id, ops[node.op].shape(view(graph, node, shapes)));
  return shapes;
}

/** Shape of what the graph reads, or of the first where it reads several. */
export const inputShape = ({ inputs }: Graph): Shape => Object.values(inputs)[0]!;

/** The graph with other values in some of its parameters. */
export function withParameters(graph: Graph, parameters: Iterable<readonly [string, Parameter]>): Graph {
  const next = new Map(graph.parameters);
  for (const [name, parameter] of parameters) {
    const old = next.get(name);
    if (!old) throw new Error(`${graph.name}: no parameter ${name}`);
    if (old.shape.join() !== parameter.shape.join())
      throw new Error(`${graph.name}: ${name} is [${old.shape.join(', ')}], got [${parameter.shape.join(', ')}]`);
    next.set(name, parameter);
  }
  return { ...graph, parameters: next };
}
