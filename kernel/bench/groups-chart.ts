import type { TopLevelSpec } from 'vega-lite';
import type { Graph } from '../graph/graph.ts';
import { chart, type Chart } from '../jupyter/chart.ts';
import { layoutOf, type Box, type Layout, type Segment } from './groups-layout.ts';

export interface GroupsChartOptions {
  /** What is drawn: ids of nodes, or what ids begin with up to a dot, as `layer1.0` (default: the whole graph). */
  readonly nodes?: string | readonly string[];
  /**
   * Whether layers that only pass on channels, as norms and activations do, share the box of the layer before (default:
   * from 25 nodes on).
   */
  readonly rows?: boolean;
  readonly title?: string;
}

const strip = 6;
const grey = '#9aa1ad';
const ink = '#737a87';
const base = [
  ...['#4c78a8', '#f58518', '#54a24b', '#e45756', '#b279a2', '#3fb8af'],
  ...['#d9a514', '#8c6d4f', '#e377c2', '#6b5bd2', '#8fae1b', '#1f9bd1'],
];

/** Colours of groups; lighter and darker ones where there are many. */
const colours = [0, 0.45, -0.4].flatMap(shift => base.map(colour => shifted(colour, shift)));

/** Towards white, or towards black where `by` is negative. */
function shifted(colour: string, by: number): string {
  const parts = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));
  const moved = parts.map(part => Math.round(by > 0 ? part + (255 - part) * by : part * (1 + by)));
  return `#${moved.map(part => part.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * The layers of a graph, or of a part of it, and what flows between them, coloured by dependency group: what has the same
 * colour loses slices together. The strip at the top of a box are the channels that its weights read, the one at its
 * bottom those that it gives, pale where it has no weights for them and only passes them on. Channels that cannot be
 * pruned are grey.
 */
export function groupsChart(graph: Graph, { nodes, rows, title }: GroupsChartOptions = {}): Chart {
  const names = typeof nodes === 'string' ? [nodes] : nodes;
  const layout = layoutOf(graph, names, rows);
  const { width, height, boxes } = layout;
  const paint = painter(layout);
  const axis = (extent: number, reverse: boolean) => ({
    type: 'quantitative',
    scale: { domain: reverse ? [extent, 0] : [0, extent], nice: false, zero: false },
    axis: null,
  });
  const x = { field: 'x', ...axis(width, false) };
  const y = { field: 'y', ...axis(height, true) };
  const area = { x, x2: { field: 'x2' }, y, y2: { field: 'y2' } };
  const colour = {
    field: 'group',
    type: 'nominal',
    title: 'lose slices together',
    scale: { domain: paint.labels, range: paint.colours },
    legend: { symbolType: 'square', symbolOpacity: 1, symbolStrokeWidth: 0, labelLimit: 300, symbolLimit: 200 },
  };
  return chart({
    title: title ?? `dependency groups of ${graph.name}${names ? `: ${partOf(names)}` : ''}`,
    width,
    height,
    layer: [
      {
        data: { values: strands(layout, paint.label) },
        mark: { type: 'line', interpolate: 'basis', opacity: 0.9 },
        encoding: {
          x,
          y,
          detail: { field: 'strand' },
          order: { field: 'at' },
          color: colour,
          strokeWidth: { field: 'width', type: 'quantitative', scale: null },
        },
      },
      {
        data: { values: boxes.map(rectangle) },
        mark: { type: 'rect', cornerRadius: 3, color: ink, stroke: ink, strokeOpacity: 0.7 },
        encoding: {
          ...area,
          fillOpacity: { condition: { test: 'datum.outside', value: 0 }, value: 0.16 },
          tooltip: [{ field: 'layers' }],
        },
      },
      {
        data: { values: boxes.flatMap(box => strips(box, paint.label)) },
        mark: { type: 'rect' },
        encoding: {
          ...area,
          color: colour,
          opacity: {
            field: 'passes',
            type: 'nominal',
            scale: { domain: [true, false], range: [0.4, 1] },
            legend: null,
          },
          tooltip: ['group', 'channels', 'members'].map(field => ({ field })),
        },
      },
      {
        data: { values: boxes.map(({ label, x, y }) => ({ label, x, y })) },
        mark: { type: 'text', fontSize: 10.5, dy: 0.5, color: ink, fontWeight: 600, baseline: 'middle', limit: 0 },
        encoding: { x, y, text: { field: 'label' } },
      },
    ],
  } as unknown as TopLevelSpec);
}

const partOf = (names: readonly string[]): string =>
  names.length > 3 ? `${names[0]!} and ${names.length - 1} more` : names.join(', ');

/** What groups are called in the legend, and their colours, in the order of the graph. */
function painter({ analysis: { groups }, boxes }: Layout) {
  const shown = new Set(boxes.flatMap(({ reads, gives }) => [...reads, ...gives].map(({ group }) => group)));
  const free = groups.flatMap((group, g) => (shown.has(g) && !group.protected ? [g] : []));
  const names = new Map(free.map(g => [g, `${groups[g]!.id} (${groups[g]!.units} units)`]));
  const fixed = 'cannot be pruned';
  const kept = [...shown].some(g => !names.has(g));
  return {
    label: (group: number) => names.get(group) ?? fixed,
    labels: [...names.values(), ...(kept ? [fixed] : [])],
    colours: [...free.map((_, i) => colours[i % colours.length]!), ...(kept ? [grey] : [])],
  };
}

type Label = (group: number) => string;

/** A line for each group in each value that goes from one box to another, side by side. */
const strands = ({ edges }: Layout, label: Label) =>
  edges.flatMap(({ points, segments }, edge) => {
    const all = Math.min(14, Math.max(5, 3 * segments.length));
    return segments.flatMap(({ group, from, to }) =>
      points.map(({ x, y }, at) => ({
        strand: `${edge} ${group}`,
        group: label(group),
        at,
        x: x + ((from + to) / 2 - 0.5) * all,
        y,
        width: (to - from) * all,
      })),
    );
  });

const rectangle = ({ label, nodes, x, y, width, height }: Box) => ({
  layers: nodes.length > 0 ? nodes.map(({ id, op }) => `${id} (${op})`).join(', ') : label,
  outside: nodes.length === 0,
  x: x - width / 2,
  x2: x + width / 2,
  y: y - height / 2,
  y2: y + height / 2,
});

function strips(box: Box, label: Label) {
  if (box.nodes.length === 0) return [];
  const { x, y, width, height, reads, gives } = box;
  const left = x - width / 2;
  const row = (y: number) => (segment: Segment) => ({
    group: label(segment.group),
    channels: `${Math.round(100 * (segment.to - segment.from))} %`,
    members:
      segment.members.map(({ parameter, axis }) => `${parameter} axis ${axis}`).join(', ') || 'none, they pass through',
    passes: segment.members.length === 0,
    x: left + segment.from * width,
    x2: left + segment.to * width,
    y,
    y2: y + strip,
  });
  return [...reads.map(row(y - height / 2)), ...gives.map(row(y + height / 2 - strip))];
}
