import { ops } from './ops/index.ts';
import { shapesOf, view, type Graph } from './graph.ts';

export interface Count {
  /** Trainable values; running statistics are not among them. */
  readonly params: number;
  /** Multiply-adds of convolution, dense and attention products for one input. */
  readonly macs: number;
  /**
   * The count with which the paper's speed-ups were measured (Torch-Pruning's): adds the biases of convolutions per
   * position, 2 per element for affine norms, 1 per element for ReLU, GELU and pools.
   */
  readonly macsCompatible: number;
}

/** Parameters and multiply-adds of a graph, from shapes alone. */
export function count(graph: Graph): Count {
  const shapes = shapesOf(graph);
  let macs = 0;
  let extra = 0;
  for (const node of graph.nodes) {
    const work = ops[node.op].work(view(graph, node, shapes), shapes.get(node.id)!);
    macs += work.plain;
    extra += work.extra;
  }
  let params = 0;
  for (const parameter of graph.parameters.values()) if (parameter.trainable) params += parameter.size;
  return { params, macs, macsCompatible: macs + extra };
}
