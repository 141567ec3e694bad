import { shapesOf, view, type Graph } from './graph.ts';
import { ops } from './ops/index.ts';
import type { Shape } from './parameter.ts';

/** A layer with a kernel. */
export interface Layer {
  readonly id: string;
  readonly op: string;
  /** Name of its kernel, and the shape of that. */
  readonly kernel: string;
  readonly shape: Shape;
  /** Channels that it gives. */
  readonly channels: number;
  /** Trainable values. */
  readonly params: number;
  /** Multiply-adds for one input. */
  readonly macs: number;
}

/** The layers of a graph that have a kernel, in its order. */
export function layersOf(graph: Graph): Layer[] {
  const shapes = shapesOf(graph);
  return graph.nodes.flatMap(node => {
    const { kernel } = node.parameters;
    if (kernel === undefined) return [];
    const own = Object.values(node.parameters).map(name => graph.parameters.get(name)!);
    const output = shapes.get(node.id)!;
    return {
      id: node.id,
      op: node.op,
      kernel,
      shape: graph.parameters.get(kernel)!.shape,
      channels: output.at(-1)!,
      params: own.reduce((sum, { size, trainable }) => sum + (trainable ? size : 0), 0),
      macs: ops[node.op].work(view(graph, node, shapes), output).plain,
    };
  });
}
