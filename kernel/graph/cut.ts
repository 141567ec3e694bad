import { check } from './check.ts';
import { analyze, type Group } from './groups.ts';
import type { Graph } from './graph.ts';
import { ops } from './ops/index.ts';
import { shapesOf, view } from './graph.ts';
import { takeAxes, type Parameter } from './parameter.ts';

/** For each group by id, whether its units stay. Groups that are not named stay whole. */
export type KeptUnits = ReadonlyMap<string, readonly boolean[]>;

/**
 * The graph without the units that do not stay: a new, verified graph. Weights are gathered when they are first read.
 * Throws for a group that is unknown, protected, of another size, or would be left empty.
 */
export function cut(graph: Graph, kept: KeptUnits): Graph {
  return cutter(graph)(kept);
}

/** `cut` for one graph many times over: its groups are found once. */
export function cutter(graph: Graph): (kept: KeptUnits) => Graph {
  const { groups, channels } = analyze(graph);
  const byId = new Map(groups.map(group => [group.id, group]));
  const shapes = shapesOf(graph);
  const views = graph.nodes.map(node => view(graph, node, shapes));
  return kept => {
    for (const [id, units] of kept) validate(byId.get(id), id, units);
    const stays = groups.map(group => kept.get(group.id));
    const keptChannels = (id: string): boolean[] => {
      const { group, unit } = channels.get(id)!;
      return Array.from(group, (g, i) => g < 0 || stays[g]?.[unit[i]!] !== false);
    };
    const nodes = graph.nodes.map((node, i) => {
      const op = ops[node.op];
      if (!op.cut) return node;
      const attributes = op.cut(views[i]!, node.inputs.map(keptChannels), keptChannels(node.id));
      return { ...node, attributes: attributes as Record<string, unknown> };
    });
    return check({ ...graph, nodes, parameters: cutParameters(graph, groups, kept) });
  };
}

function cutParameters(graph: Graph, groups: readonly Group[], kept: KeptUnits): Map<string, Parameter> {
  /** By parameter and axis: whether each index stays. */
  const masks = new Map<string, (Uint8Array | undefined)[]>();
  for (const group of groups) {
    const units = kept.get(group.id);
    if (!units || !units.includes(false)) continue;
    for (const { parameter, axis, units: unitOf } of group.members) {
      let axes = masks.get(parameter);
      if (!axes) masks.set(parameter, (axes = []));
      const mask = (axes[axis] ??= new Uint8Array(unitOf.length).fill(1));
      for (let i = 0; i < unitOf.length; i++) if (unitOf[i]! >= 0 && !units[unitOf[i]!]) mask[i] = 0;
    }
  }
  const parameters = new Map(graph.parameters);
  for (const [name, axes] of masks) {
    const parameter = graph.parameters.get(name)!;
    const keep = parameter.shape.map((_, axis) => {
      const mask = axes[axis];
      return mask && indicesOf(mask);
    });
    parameters.set(name, takeAxes(parameter, keep));
  }
  return parameters;
}

function indicesOf(mask: Uint8Array): Int32Array {
  const indices = new Int32Array(mask.length);
  let n = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i]) indices[n++] = i;
  return indices.slice(0, n);
}

function validate(group: Group | undefined, id: string, units: readonly boolean[]): void {
  if (!group) throw new Error(`no group ${id} to cut`);
  if (units.length !== group.units) throw new RangeError(`group ${id} has ${group.units} units, got ${units.length}`);
  if (!units.includes(false)) return;
  if (group.protected) throw new Error(`group ${id} is protected: ${group.protected}`);
  if (!units.includes(true)) throw new Error(`group ${id}: none of its ${group.units} units would stay`);
}
