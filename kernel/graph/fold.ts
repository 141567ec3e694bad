import { check } from './check.ts';
import type { Graph, Node } from './graph.ts';
import { Parameter } from './parameter.ts';

/**
 * The graph with every batch norm that alone reads a convolution or dense layer made part of that layer: the same
 * outputs at inference, fewer nodes. The layer keeps its name and has a bias afterwards.
 */
export function foldNorms(graph: Graph): Graph {
  const readers = new Map<string, number>();
  for (const id of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs])
    readers.set(id, (readers.get(id) ?? 0) + 1);
  const layers = new Map(graph.nodes.map(node => [node.id, node]));
  const parameters = new Map(graph.parameters);
  const folded = new Map<string, Node>();
  const renamed = new Map<string, string>();
  for (const norm of graph.nodes) {
    const layer = layers.get(norm.inputs[0] ?? '');
    if (norm.op !== 'batch-norm' || graph.outputs.includes(norm.id)) continue;
    if (!layer || !['conv', 'dense'].includes(layer.op) || readers.get(layer.id) !== 1 || isShared(graph, layer))
      continue;
    const of = (node: Node, role: string) => graph.parameters.get(node.parameters[role] ?? '');
    const [kernel, bias] = [of(layer, 'kernel')!, of(layer, 'bias')];
    const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map(role => of(norm, role)!);
    const { epsilon } = norm.attributes as { epsilon: number };
    const filters = scale!.size;
    const factor = (f: number) => scale!.values[f]! / Math.sqrt(variance!.values[f]! + epsilon);
    const shifted = (f: number) => offset!.values[f]! + ((bias?.values[f] ?? 0) - mean!.values[f]!) * factor(f);
    const biasName = layer.parameters.bias ?? `${layer.id}.bias`;
    const factors = () => Float64Array.from({ length: filters }, (_, f) => factor(f));
    parameters.set(layer.parameters.kernel!, new Parameter(kernel.shape, () => scaledBy(kernel.values, factors())));
    parameters.set(
      biasName,
      new Parameter([filters], () => Float32Array.from({ length: filters }, (_, f) => shifted(f))),
    );
    for (const name of Object.values(norm.parameters)) parameters.delete(name);
    folded.set(layer.id, { ...layer, parameters: { ...layer.parameters, bias: biasName } });
    renamed.set(norm.id, layer.id);
  }
  const nodes = graph.nodes.flatMap(node => {
    if (renamed.has(node.id)) return [];
    const own = folded.get(node.id) ?? node;
    return [{ ...own, inputs: own.inputs.map(id => renamed.get(id) ?? id) }];
  });
  return check({ ...graph, nodes, parameters });
}

/** Whether another layer has the same weights. */
const isShared = ({ nodes }: Graph, layer: Node) =>
  nodes.some(node => node !== layer && Object.values(node.parameters).includes(layer.parameters.kernel!));

/** Values whose last axis is multiplied place by place. */
const scaledBy = (values: Float32Array, factors: Float64Array): Float32Array =>
  values.map((value, i) => value * factors[i % factors.length]!);
