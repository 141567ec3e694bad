import { Coupling, type Channels, type Place, type Role } from './channels.ts';
import { ops, type OpName } from './ops/index.ts';
import { shapesOf, view, type Graph } from './graph.ts';

/** An axis of a parameter from which a group's units take indices. */
export interface Member {
  readonly parameter: string;
  readonly axis: number;
  readonly role: Role;
  /** Op of the layer that owns the parameter. */
  readonly op: OpName;
  /** Unit of each index of the axis; -1 where an index belongs to another group. */
  readonly units: Int32Array;
}

/** Coupled channels that share all their places: what is pruned together, unit by unit. */
export interface Group {
  /** Name of the layer that produces the channels first. */
  readonly id: string;
  /** How many coupled channels there are. */
  readonly units: number;
  readonly members: readonly Member[];
  /** Why the group cannot be pruned, if so. */
  readonly protected?: string;
}

/** The groups of a graph and, for each value, the coupled channels along its last axis. */
export interface Analysis {
  readonly groups: readonly Group[];
  /** By value id: for each channel its group and unit, as positions in `groups` and in the group; -1 for neither. */
  readonly channels: ReadonlyMap<string, { readonly group: Int32Array; readonly unit: Int32Array }>;
}

/** Dependency groups of a graph, in the order of their first layer (DepGraph, Fang et al. 2023, on single channels). */
export const groups = (graph: Graph): readonly Group[] => analyze(graph).groups;

export function analyze(graph: Graph): Analysis {
  const { coupling, values } = couple(graph);
  const classOf = classify(coupling);
  const list = build(coupling, classOf);
  const channels = new Map<string, { group: Int32Array; unit: Int32Array }>();
  for (const [id, { ids }] of values) {
    channels.set(id, {
      group: ids.map(c => classOf.group[coupling.find(c)]!),
      unit: ids.map(c => classOf.unit[coupling.find(c)]!),
    });
  }
  return { groups: list, channels };
}

function couple(graph: Graph): { coupling: Coupling; values: Map<string, Channels> } {
  const coupling = new Coupling();
  const values = new Map<string, Channels>();
  const shapes = shapesOf(graph);
  for (const [id, shape] of Object.entries(graph.inputs)) {
    const ids = coupling.fresh(shape[shape.length - 1]!);
    coupling.protect(ids, `input ${id} of the network`);
    values.set(id, { ids, zero: true });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(id => values.get(id)!);
    coupling.op = node.op;
    values.set(node.id, ops[node.op].couple(view(graph, node, shapes), inputs, coupling));
  }
  for (const id of graph.outputs) coupling.protect(values.get(id)!.ids, `output ${id} of the network`);
  return { coupling, values };
}

interface Classes {
  /** By class (the channel that stands for it): position of its group, -1 if it has no place in a parameter. */
  readonly group: Int32Array;
  /** By class: position of the unit in its group. */
  readonly unit: Int32Array;
  readonly groupPlaces: readonly (readonly Place[])[];
  readonly sizes: readonly number[];
  /** First reason of protection by class. */
  readonly reasons: ReadonlyMap<number, string>;
}

/** Classes with the same set of places and parts form a group, protected ones apart; their order is that of their first index. */
function classify(coupling: Coupling): Classes {
  const { order, signature, trie } = signaturesOf(coupling);
  const reasons = coupling.reasons();
  const group = new Int32Array(coupling.size).fill(-1);
  const unit = new Int32Array(coupling.size).fill(-1);
  const positions: [free: Map<number, number>, kept: Map<number, number>] = [new Map(), new Map()];
  const groupPlaces: Place[][] = [];
  const sizes: number[] = [];
  for (const root of order) {
    const known = positions[reasons.has(root) ? 1 : 0];
    let position = known.get(signature[root]!);
    if (position === undefined) {
      known.set(signature[root]!, (position = groupPlaces.length));
      groupPlaces.push(placesOf(signature[root]!, trie).flatMap(place => coupling.places[place] ?? []));
      sizes.push(0);
    }
    group[root] = position;
    unit[root] = sizes[position]!++;
  }
  return { group, unit, groupPlaces, sizes, reasons };
}

/** A sequence of places: its last one, and the node of those before it. */
interface Step {
  readonly before: number;
  readonly place: number;
}

/**
 * The places and parts of each class with a place, as a node of a trie of sequences; `order` has these classes by their
 * first index.
 */
function signaturesOf(coupling: Coupling): { order: number[]; signature: Int32Array; trie: Step[] } {
  const order: number[] = [];
  const signature = new Int32Array(coupling.size);
  const trie: Step[] = [{ before: -1, place: -1 }];
  [...coupling.places.map(({ ids }) => ids), ...coupling.parts].forEach((ids, place) => {
    const isPart = place >= coupling.places.length;
    const next = new Map<number, number>();
    for (const id of ids) {
      const root = coupling.find(id);
      const node = signature[root]!;
      if (trie[node]!.place === place) continue;
      if (node === 0) {
        if (isPart) continue;
        order.push(root);
      }
      if (!next.has(node)) next.set(node, trie.push({ before: node, place }) - 1);
      signature[root] = next.get(node)!;
    }
  });
  return { order, signature, trie };
}

function placesOf(node: number, trie: readonly Step[]): number[] {
  const places: number[] = [];
  for (let at = node; at > 0; at = trie[at]!.before) places.push(trie[at]!.place);
  return places.reverse();
}

function build(coupling: Coupling, { group, unit, groupPlaces, sizes, reasons }: Classes): Group[] {
  const reasonOf = new Map<number, string>();
  for (const [root, reason] of reasons) if (!reasonOf.has(group[root]!)) reasonOf.set(group[root]!, reason);
  const names = new Map<string, number>();
  return groupPlaces.map((places, position) => {
    const members = places.map(({ parameter, axis, role, op, ids }) => ({
      parameter,
      axis,
      role,
      op,
      units: ids.map(c => (group[coupling.find(c)] === position ? unit[coupling.find(c)]! : -1)),
    }));
    const producer = members.find(member => member.role === 'out');
    const layer = producer ? layerOf(producer.parameter) : `${layerOf(members[0]!.parameter)}.input`;
    const nth = (names.get(layer) ?? 0) + 1;
    names.set(layer, nth);
    const reason = reasonOf.get(position);
    return {
      id: nth === 1 ? layer : `${layer}:${nth}`,
      units: sizes[position]!,
      members,
      ...(reason === undefined ? {} : { protected: reason }),
    };
  });
}

/** The layer in a parameter's name: what stands before its last dot. */
export const layerOf = (parameter: string): string => parameter.slice(0, parameter.lastIndexOf('.'));

/** The groups as they are after a cut: units and indices that went are gone from the members too. */
export function restrict(groups: readonly Group[], kept: ReadonlyMap<string, ArrayLike<boolean | number>>): Group[] {
  const key = ({ parameter, axis }: Member) => `${parameter}@${axis}`;
  const gone = new Map<string, Uint8Array>();
  for (const group of groups) {
    const mask = kept.get(group.id);
    for (const member of group.members) {
      const place = gone.get(key(member)) ?? new Uint8Array(member.units.length);
      gone.set(key(member), place);
      if (mask)
        for (let i = 0; i < place.length; i++) if (member.units[i]! >= 0 && !mask[member.units[i]!]) place[i] = 1;
    }
  }
  return groups.map(group => {
    const mask = kept.get(group.id);
    let units = 0;
    const renumbered = Int32Array.from({ length: group.units }, (_, unit) => (!mask || mask[unit] ? units++ : -1));
    const members = group.members.map(member => {
      const place = gone.get(key(member))!;
      const left = member.units.filter((_, index) => !place[index]);
      for (let i = 0; i < left.length; i++) if (left[i]! >= 0) left[i] = renumbered[left[i]!]!;
      return { ...member, units: left };
    });
    return { ...group, units, members };
  });
}
