import * as tf from '@tensorflow/tfjs';
import { ops } from './ops/index.ts';
import { inputShape, shapesOf, view, type Graph } from './graph.ts';
import { Parameter } from './parameter.ts';
import type { Mode, NodeView } from './op.ts';
import type { OpName } from './ops/index.ts';

/**
 * A graph on the current tfjs backend: its parameters are variables, so that it can be applied and trained. Dispose it
 * when done.
 */
export class Network {
  readonly graph: Graph;
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly #plan: readonly { id: string; op: OpName; inputs: readonly string[]; view: NodeView<unknown> }[];

  constructor(graph: Graph) {
    this.graph = graph;
    const shapes = shapesOf(graph);
    this.#plan = graph.nodes.map(node => ({
      id: node.id,
      op: node.op,
      inputs: node.inputs,
      view: view(graph, node, shapes),
    }));
    this.variables = new Map(
      [...graph.parameters].map(([name, { values, shape, trainable }]) => {
        const initial = tf.tensor(values, [...shape]);
        const variable = tf.variable(initial, trainable);
        initial.dispose();
        return [name, variable];
      }),
    );
  }

  get trainable(): tf.Variable[] {
    return [...this.variables.values()].filter(variable => variable.trainable);
  }

  /** Images of a batch, `[size, ...shape]`, as the network reads them. */
  input({ size, images }: { readonly size: number; readonly images: Float32Array }): tf.Tensor {
    return tf.tensor(images, [size, ...inputShape(this.graph)]);
  }

  /**
   * Values of the graph's outputs. `inputs` are batches, `[batch, ...shape]`, by input id, or one tensor where the graph
   * has one input. In training, norms use the batch's statistics and running ones are updated.
   */
  apply(inputs: tf.Tensor | Readonly<Record<string, tf.Tensor>>, options: ApplyOptions = {}): tf.Tensor[] {
    const { training = false, momentum, only, tap } = options;
    const mode: Mode = {
      training,
      ...(momentum === undefined ? {} : { momentum }),
      ...(training ? { update: (name: string, value: tf.Tensor) => this.variables.get(name)!.assign(value) } : {}),
    };
    const needed = only && this.#needed(only);
    return tf.tidy(() => {
      const values = new Map(this.#bind(inputs));
      for (const { id, op, inputs: ids, view } of this.#plan) {
        if (needed && !needed.has(id)) continue;
        const parameters: Record<string, tf.Tensor> = {};
        for (const [role, name] of Object.entries(view.names)) parameters[role] = this.variables.get(name)!;
        const inputs = ids.map(i => values.get(i)!);
        const output = ops[op].forward(view, inputs, parameters, mode);
        values.set(id, tap?.({ op, view, inputs, output, parameters }) ?? output);
      }
      return (only ?? this.graph.outputs).map(id => values.get(id)!);
    });
  }

  /** Ids of values and of all that they are computed from. */
  #needed(ids: readonly string[]): ReadonlySet<string> {
    const needed = new Set(ids);
    for (const { id, inputs } of this.#plan.toReversed())
      if (needed.has(id)) for (const input of inputs) needed.add(input);
    return needed;
  }

  #bind(inputs: tf.Tensor | Readonly<Record<string, tf.Tensor>>): [string, tf.Tensor][] {
    const named = inputs instanceof tf.Tensor ? { [Object.keys(this.graph.inputs)[0]!]: inputs } : inputs;
    return Object.entries(this.graph.inputs).map(([id, shape]) => {
      const x = named[id];
      if (!x) throw new Error(`${this.graph.name}: no input ${id}`);
      if (x.shape.slice(1).join() !== shape.join())
        throw new RangeError(
          `${this.graph.name}: input ${id} is [batch, ${shape.join(', ')}], got [${x.shape.join(', ')}]`,
        );
      return [id, x];
    });
  }

  /** The graph with the present values of the variables. */
  async snapshot(): Promise<Graph> {
    const parameters = new Map<string, Parameter>();
    for (const [name, variable] of this.variables) {
      const { shape, trainable } = this.graph.parameters.get(name)!;
      parameters.set(name, new Parameter(shape, (await variable.data()) as Float32Array, trainable));
    }
    return { ...this.graph, parameters };
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
  }
}

export interface ApplyOptions {
  readonly training?: boolean;
  /** In training, share of the batch's statistics in the running ones (default: each norm's own). */
  readonly momentum?: number;
  /** Ids of the values to return instead of the graph's outputs; nodes that these do not need are not computed. */
  readonly only?: readonly string[];
  /** Sees what every node computes that is needed, and may put another tensor in its place. */
  readonly tap?: (computed: Computed) => tf.Tensor | undefined;
}

/** What a node computes, and from what. */
export interface Computed {
  readonly op: OpName;
  readonly view: NodeView<unknown>;
  readonly inputs: readonly tf.Tensor[];
  readonly output: tf.Tensor;
  readonly parameters: Readonly<Record<string, tf.Tensor>>;
}
