import { check } from './check.ts';
import { analyze, type Group } from './groups.ts';
import { shapesOf, view, type Graph } from './graph.ts';
import { ops } from './ops/index.ts';
import { gather, Parameter } from './parameter.ts';

/** For each group by id, whether each of its units stays (true or 1). Groups that are not named stay whole. */
export type KeptUnits = ReadonlyMap<string, ArrayLike<boolean | number>>;

/**
 * The graph without the units that do not stay: a new, verified graph. Weights are gathered when they are first read.
 * Throws for a group that is unknown, protected, of another size, or would be left empty.
 */
export function cut(graph: Graph, kept: KeptUnits): Graph {
  return cutter(graph)(kept);
}

/** `cut` for one graph many times over: its groups are found once, here if they are not given. */
export function cutter(graph: Graph, { groups, channels } = analyze(graph)): (kept: KeptUnits) => Graph {
  const ids = new Set(groups.map(group => group.id));
  const shapes = shapesOf(graph);
  const views = graph.nodes.map(node => view(graph, node, shapes));
  const cutParameters = parameterCutter(graph, groups);
  return kept => {
    for (const id of kept.keys()) if (!ids.has(id)) throw new Error(`no group ${id} to cut`);
    const stays = groups.map(group => stayOf(group, kept.get(group.id)));
    const keptChannels = (id: string): boolean[] => {
      const { group, unit } = channels.get(id)!;
      return Array.from(group, (g, i) => g < 0 || stays[g]?.mask[unit[i]!] !== 0);
    };
    const nodes = graph.nodes.map((node, i) => {
      const op = ops[node.op];
      if (!op.cut) return node;
      const attributes = op.cut(views[i]!, input => keptChannels(node.inputs[input]!));
      return { ...node, attributes: attributes as Record<string, unknown> };
    });
    return check({ ...graph, nodes, parameters: cutParameters(stays) });
  };
}

/** What stays of a group: 1 for each unit that does, and how many do not. */
interface Stay {
  readonly mask: Uint8Array;
  readonly gone: number;
}

/** A copy of what stays of a group; undefined where all of it does. */
function stayOf(group: Group, kept: ArrayLike<boolean | number> | undefined): Stay | undefined {
  if (!kept) return undefined;
  if (kept.length !== group.units)
    throw new RangeError(`group ${group.id} has ${group.units} units, got ${kept.length}`);
  const mask = new Uint8Array(group.units);
  let left = 0;
  for (let unit = 0; unit < mask.length; unit++) left += mask[unit] = kept[unit] ? 1 : 0;
  if (left === group.units) return undefined;
  if (group.protected) throw new Error(`group ${group.id} is protected: ${group.protected}`);
  if (left === 0) throw new Error(`group ${group.id}: none of its ${group.units} units would stay`);
  return { mask, gone: group.units - left };
}

/** An axis of a parameter and the group that some of its indices belong to. */
interface Place {
  readonly axis: number;
  readonly group: number;
  readonly units: Int32Array;
  /** How many indices a unit has here: one number where that is the same for all units, else by unit. */
  readonly indices: number | Uint32Array;
}

function parameterCutter(
  graph: Graph,
  groups: readonly Group[],
): (stays: readonly (Stay | undefined)[]) => Map<string, Parameter> {
  const places = new Map<string, Place[]>();
  groups.forEach((group, g) => {
    for (const { parameter, axis, units } of group.members) {
      const indices = new Uint32Array(group.units);
      for (const unit of units) if (unit >= 0) indices[unit]!++;
      const same = indices.every(n => n === indices[0]);
      const known = places.get(parameter) ?? [];
      places.set(parameter, known);
      known.push({ axis, group: g, units, indices: same ? indices[0]! : indices });
    }
  });
  return stays => {
    const parameters = new Map(graph.parameters);
    for (const [name, known] of places) {
      const cuts = known.filter(({ group }) => stays[group]);
      if (cuts.length === 0) continue;
      const old = graph.parameters.get(name)!;
      const shape = [...old.shape];
      for (const { axis, group, indices } of cuts) {
        shape[axis]! -= indicesGone(stays[group]!, indices);
      }
      parameters.set(name, new Parameter(shape, () => gather(old, keptAlong(old, cuts, stays)), old.trainable));
    }
    return parameters;
  };
}

function indicesGone({ mask, gone }: Stay, indices: number | Uint32Array): number {
  if (typeof indices === 'number') return gone * indices;
  return indices.reduce((n, count, unit) => n + (mask[unit] ? 0 : count), 0);
}

/** By axis of a parameter: the indices that stay after a cut, in their order; undefined for all of them. */
export function keptIndices(
  graph: Graph,
  parameter: string,
  groups: readonly Group[],
  kept: KeptUnits,
): (Int32Array | undefined)[] {
  const stays = groups.map(group => stayOf(group, kept.get(group.id)));
  const cuts = groups.flatMap(({ members }, group) =>
    stays[group] ? members.filter(m => m.parameter === parameter).map(m => ({ ...m, group })) : [],
  );
  return keptAlong(graph.parameters.get(parameter)!, cuts, stays);
}

function keptAlong(
  parameter: Parameter,
  cuts: readonly Pick<Place, 'axis' | 'group' | 'units'>[],
  stays: readonly (Stay | undefined)[],
): (Int32Array | undefined)[] {
  return parameter.shape.map((length, axis) => {
    const here = cuts.filter(place => place.axis === axis);
    if (here.length === 0) return undefined;
    const gone = new Uint8Array(length);
    for (const { units, group } of here) {
      const { mask } = stays[group]!;
      for (let i = 0; i < length; i++) if (units[i]! >= 0 && !mask[units[i]!]) gone[i] = 1;
    }
    const indices = new Int32Array(length);
    let n = 0;
    for (let i = 0; i < length; i++) if (!gone[i]) indices[n++] = i;
    return indices.slice(0, n);
  });
}
