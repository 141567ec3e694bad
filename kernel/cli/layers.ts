import { shapesOf, view, type Graph } from '../graph/graph.ts';
import { ops } from '../graph/ops/index.ts';

/** A layer with a kernel. */
export interface Layer {
  readonly id: string;
  readonly op: string;
  readonly kernel: readonly number[];
  /** Multiply-adds for one input. */
  readonly macs: number;
}

/** The layers of a graph that have a kernel, in its order. */
export function layersOf(graph: Graph): Layer[] {
  const shapes = shapesOf(graph);
  return graph.nodes.flatMap(node => {
    const seen = view(graph, node, shapes);
    const { kernel } = seen.parameters;
    if (!kernel) return [];
    const { plain } = ops[node.op].work(seen, shapes.get(node.id)!);
    return [{ id: node.id, op: node.op, kernel, macs: plain }];
  });
}
