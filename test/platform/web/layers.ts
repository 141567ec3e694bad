import type { Graph } from '../../../kernel/graph/graph.ts';
import { analyze } from '../../../kernel/graph/groups.ts';
import { shapesOf, view } from '../../../kernel/graph/graph.ts';
import { ops } from '../../../kernel/graph/ops/index.ts';
import type { Layers } from '../../../plugins/platform/api.ts';

/** The layers of a graph, and of what is left of it. */
export function layersOf(before: Graph, after: Graph): Layers {
  const [first, second] = [sizes(before), sizes(after)];
  const { groups, channels } = analyze(before);
  return before.nodes.map(({ id, op }) => {
    const [a, b] = [first.get(id)!, second.get(id)!];
    return {
      id,
      op,
      group: groups[channels.get(id)!.group[0]!]?.id ?? null,
      before: a.channels,
      after: b.channels,
      params: { before: a.params, after: b.params },
      macs: { before: a.macs, after: b.macs },
    };
  });
}

function sizes(graph: Graph) {
  const shapes = shapesOf(graph);
  return new Map(
    graph.nodes.map(node => {
      const shape = shapes.get(node.id)!;
      const params = Object.values(node.parameters).reduce((sum, name) => sum + graph.parameters.get(name)!.size, 0);
      const { plain } = ops[node.op].work(view(graph, node, shapes), shape);
      return [node.id, { channels: shape.at(-1) ?? 1, params, macs: plain }] as const;
    }),
  );
}
