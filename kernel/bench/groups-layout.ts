import { graphlib, layout } from '@dagrejs/dagre';
import type { Graph, Node } from '../graph/graph.ts';
import { analyze, type Analysis, type Member } from '../graph/groups.ts';

/** Channels of one group along an axis. */
export interface Segment {
  /** Position of the group; -1 for channels of none. */
  readonly group: number;
  /** Ends on the axis, from 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** What loses slices here; none where channels only pass through. */
  readonly members: readonly Member[];
}

/** A node or several in a row; or a value from outside of the part that is drawn, or the layers outside that read one. */
export interface Box {
  readonly label: string;
  readonly nodes: readonly Node[];
  /** Channels that its weights read. */
  readonly reads: readonly Segment[];
  /** Channels of its value. */
  readonly gives: readonly Segment[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A value on its way from one box to another. */
export interface Edge {
  readonly points: readonly Point[];
  readonly segments: readonly Segment[];
}

export interface Layout {
  readonly analysis: Analysis;
  readonly boxes: readonly Box[];
  readonly edges: readonly Edge[];
  readonly width: number;
  readonly height: number;
}

const boxHeight = 30;
const letter = 6.1;

/**
 * Boxes of a graph or of a part of it, below what they read, and the ways between them. `names` are ids of nodes or what
 * they begin with up to a dot; with `rows`, nodes that only pass on the channels of the one before share its box. Throws
 * for a name that no node has.
 */
export function layoutOf(graph: Graph, names: readonly string[] | undefined, rows: boolean | undefined): Layout {
  const analysis = analyze(graph);
  const nodes = chosen(graph, names);
  const readers = readersOf(graph);
  const parts = rowsOf(nodes, readers, graph, analysis, rows ?? nodes.length > mostSingly);
  const boxOf = new Map<string, number>();
  parts.forEach((part, i) => part.forEach(({ id }) => boxOf.set(id, i)));

  const sketches: Omit<Box, 'x' | 'y'>[] = parts.map(part => sketch(part, analysis));
  const ways: { from: number; to: number; value: string }[] = [];
  const outside = (value: string, label: string) =>
    sketches.push({ label, nodes: [], reads: [], gives: segmentsOf(value, analysis, []), ...sizeOf(label) }) - 1;
  parts.forEach((part, to) => {
    for (const value of part[0]!.inputs) {
      const from = boxOf.get(value) ?? outside(value, value);
      boxOf.set(value, from);
      ways.push({ from, to, value });
    }
  });
  parts.forEach((part, from) => {
    const value = part.at(-1)!.id;
    const others = (readers.get(value) ?? []).filter(id => !boxOf.has(id));
    if (others.length === 0) return;
    const label = others.length === 1 ? `to ${others[0]!}` : `to ${others.length} other layers`;
    ways.push({ from, to: outside(value, label), value });
  });
  return { analysis, ...placed(sketches, ways, analysis) };
}

/** As many nodes have a box of their own where that is not said. */
const mostSingly = 24;

function chosen(graph: Graph, names: readonly string[] | undefined): readonly Node[] {
  if (!names) return graph.nodes;
  const fits = (id: string, name: string) => id === name || id.startsWith(`${name}.`);
  for (const name of names)
    if (!graph.nodes.some(({ id }) => fits(id, name))) throw new Error(`${graph.name}: no node ${name} to draw`);
  return graph.nodes.filter(({ id }) => names.some(name => fits(id, name)));
}

function readersOf({ nodes }: Graph): Map<string, string[]> {
  const readers = new Map<string, string[]>();
  for (const { id, inputs } of nodes)
    for (const value of new Set(inputs)) readers.set(value, [...(readers.get(value) ?? []), id]);
  return readers;
}

/** Nodes that share a box: each only passes on the channels of the one before, which nobody else reads. */
function rowsOf(
  nodes: readonly Node[],
  readers: ReadonlyMap<string, readonly string[]>,
  graph: Graph,
  { channels, groups }: Analysis,
  rows: boolean,
): Node[][] {
  const reading = new Set(
    groups.flatMap(({ members }) => members.filter(({ role }) => role === 'in').map(({ parameter }) => parameter)),
  );
  const same = (a: string, b: string) =>
    (['group', 'unit'] as const).every(key => channels.get(a)![key].join() === channels.get(b)![key].join());
  const parts: Node[][] = [];
  const last = new Map<string, Node[]>();
  for (const node of nodes) {
    const [input] = node.inputs;
    const before = rows && node.inputs.length === 1 ? last.get(input!) : undefined;
    const joins =
      before &&
      readers.get(input!)!.length === 1 &&
      !graph.outputs.includes(input!) &&
      !Object.values(node.parameters).some(name => reading.has(name)) &&
      same(input!, node.id);
    const part = joins ? before : [];
    if (!joins) parts.push(part);
    part.push(node);
    last.set(node.id, part);
  }
  return parts;
}

function sketch(nodes: readonly Node[], analysis: Analysis): Omit<Box, 'x' | 'y'> {
  const [first, ...others] = nodes as [Node, ...Node[]];
  const prefix = first.id.slice(0, first.id.lastIndexOf('.') + 1);
  const short = others.map(({ id }) => (id.startsWith(prefix) ? id.slice(prefix.length) : id));
  const label = [first.id, ...short].join(' + ');
  const own = new Set(nodes.flatMap(({ parameters }) => Object.values(parameters)));
  const members = analysis.groups.flatMap((group, g) =>
    group.members.filter(({ parameter }) => own.has(parameter)).map(member => ({ group: g, member })),
  );
  const reading = members.filter(({ member }) => member.role === 'in');
  const axis = reading[0]?.member;
  const owners = new Int32Array(axis?.units.length ?? 0).fill(-1);
  for (const { group, member } of reading)
    if (member.parameter === axis!.parameter) member.units.forEach((unit, i) => unit >= 0 && (owners[i] = group));
  return {
    label,
    nodes,
    reads: segments(owners, reading),
    gives: segmentsOf(
      nodes.at(-1)!.id,
      analysis,
      members.filter(({ member }) => member.role !== 'in'),
    ),
    ...sizeOf(label),
  };
}

const sizeOf = (label: string) => ({ width: Math.max(70, Math.ceil(label.length * letter) + 18), height: boxHeight });

interface Owned {
  readonly group: number;
  readonly member: Member;
}

const segmentsOf = (value: string, { channels }: Analysis, members: readonly Owned[]): Segment[] =>
  segments(channels.get(value)!.group, members);

/** Groups along an axis as parts of its length, in the order of their first channel. */
function segments(groupOf: Int32Array, members: readonly Owned[]): Segment[] {
  const counts = new Map<number, number>();
  for (const group of groupOf) counts.set(group, (counts.get(group) ?? 0) + 1);
  let at = 0;
  return [...counts].map(([group, count]) => ({
    group,
    from: at / groupOf.length,
    to: (at += count) / groupOf.length,
    members: members.filter(owned => owned.group === group).map(({ member }) => member),
  }));
}

/** A place for each box, and a way for each value that goes from one to another. */
function placed(
  sketches: readonly Omit<Box, 'x' | 'y'>[],
  ways: readonly { from: number; to: number; value: string }[],
  analysis: Analysis,
): Omit<Layout, 'analysis'> {
  const drawing = new graphlib.Graph({ multigraph: true });
  drawing.setGraph({ rankdir: 'TB', nodesep: 18, edgesep: 14, ranksep: 24, marginx: 4, marginy: 4 });
  sketches.forEach(({ width, height }, i) => drawing.setNode(String(i), { width, height }));
  ways.forEach(({ from, to }, i) => drawing.setEdge(String(from), String(to), {}, String(i)));
  layout(drawing);
  const boxes = sketches.map((box, i): Box => {
    const { x, y } = drawing.node(String(i)) as { x: number; y: number };
    return { ...box, x, y };
  });
  const bends = ways.map(({ from, to }, i) => {
    const { points } = drawing.edge(String(from), String(to), String(i)) as { points: Point[] };
    return points.slice(1, -1);
  });
  const edges = ways.map(({ from, to, value }, i): Edge => {
    const [source, target] = [boxes[from]!, boxes[to]!];
    // ways into one box end side by side, in the order in which they come
    const beside = [...ways.keys()]
      .filter(n => ways[n]!.to === to)
      .sort((a, b) => bends[a]!.at(-1)!.x - bends[b]!.at(-1)!.x);
    const gap = Math.min(26, target.width / (beside.length + 1));
    const end = target.x + (beside.indexOf(i) - (beside.length - 1) / 2) * gap;
    return {
      points: [
        { x: source.x, y: source.y + source.height / 2 },
        ...bends[i]!,
        { x: end, y: target.y - target.height / 2 },
      ],
      segments: segmentsOf(value, analysis, []),
    };
  });
  const { width, height } = drawing.graph() as { width: number; height: number };
  return { boxes, edges, width, height };
}
