import assert from 'node:assert/strict';
import { groupsChart, type GroupsChartOptions } from '../../../kernel/bench/groups-chart.ts';
import { Builder } from '../../../kernel/graph/builder.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { build } from '../../../plugins/api.ts';

interface Strip {
  readonly group: string;
  readonly members: string;
  readonly passes: boolean;
  readonly x: number;
  readonly x2: number;
}
interface Strand {
  readonly strand: string;
  readonly group: string;
  readonly at: number;
}

/** The rows of the chart's layers, and its legend. */
function rowsOf(graph: Graph, options?: GroupsChartOptions) {
  const { spec } = groupsChart(graph, options);
  const { layer } = spec as unknown as {
    layer: { data: { values: object[] }; encoding: { color?: { scale: { domain: string[]; range: string[] } } } }[];
  };
  const [strands, boxes, strips, labels] = layer.map(({ data }) => data.values);
  return {
    strands: strands as Strand[],
    boxes: boxes as { layers: string; x: number; x2: number; y: number; y2: number; outside: boolean }[],
    strips: strips as Strip[],
    labels: (labels as { label: string }[]).map(({ label }) => label),
    scale: layer[0]!.encoding.color!.scale,
  };
}

const membersIn = (strips: readonly Strip[]): Set<string> =>
  new Set(
    strips
      .filter(({ passes }) => !passes)
      .flatMap(({ group, members }) => members.split(', ').map(m => `${group}: ${m}`)),
  );

/** Every member of every group, as a strip names it. */
const membersOf = (graph: Graph): Set<string> =>
  new Set(
    groups(graph).flatMap(({ id, units, members, protected: reason }) =>
      members.map(
        ({ parameter, axis }) => `${reason ? 'cannot be pruned' : `${id} (${units} units)`}: ${parameter} axis ${axis}`,
      ),
    ),
  );

const models: Readonly<Record<string, () => Graph>> = {
  resnet18: () => build('resnet18', { width: 0.25 }),
  resnext50: () => build('resnext50', { width: 0.25 }),
  mobilenetv2: () => build('mobilenetv2', { width: 0.25 }),
  googlenet: () => build('googlenet', { width: 0.25 }),
  'vit-tiny': () => build('vit-tiny', { width: 0.25, depth: 2 }),
  yolov8n: () => build('yolov8n', { width: 0.5, image: 64 }),
};

describe('chart of groups', () => {
  for (const [name, make] of Object.entries(models))
    for (const rows of [false, true])
      it(`shows every member of every group of ${name} in the colour of its group, ${rows ? 'in rows' : 'singly'}`, () => {
        const graph = make();
        const { strips, boxes, labels } = rowsOf(graph, { rows });
        assert.deepEqual(membersIn(strips), membersOf(graph));
        const drawn = boxes.filter(({ outside }) => !outside);
        if (rows) assert.ok(drawn.length < graph.nodes.length);
        else assert.equal(drawn.length, graph.nodes.length);
        assert.equal(labels.length, boxes.length);
        const shown = drawn.flatMap(({ layers }) => layers.split(', ').map(layer => layer.split(' ')[0]));
        assert.deepEqual(shown.sort(), graph.nodes.map(({ id }) => id).sort());
      });

  it('puts boxes apart, each below what it reads', () => {
    const { boxes } = rowsOf(models['yolov8n']!(), { nodes: 'model.4' });
    boxes.forEach((a, i) =>
      boxes.slice(i + 1).forEach(b => assert.ok(a.x2 <= b.x || b.x2 <= a.x || a.y2 <= b.y || b.y2 <= a.y)),
    );
  });

  it('joins a residual block by one colour on both ways into the sum', () => {
    const { strands, scale } = rowsOf(models['resnet18']!(), { nodes: 'layer2.0' });
    const first = new Map(strands.filter(({ at }) => at === 0).map(({ strand, group }) => [strand, group]));
    assert.deepEqual(scale.domain, ['conv1 (16 units)', 'layer2.0.conv1 (32 units)', 'layer2.0.conv2 (32 units)']);
    assert.equal(new Set(scale.range).size, 3);
    const count = (group: string) => [...first.values()].filter(own => own === group).length;
    // stem to both branches; inner to norm, activation and convolution; both branches over norms to the sum and on
    assert.deepEqual(scale.domain.map(count), [2, 3, 6]);
  });

  it('divides a concatenation, and what reads it, among the groups that are joined', () => {
    const b = new Builder('joined');
    const x = b.input('image', [4, 4, 3]);
    const parts = [b.conv('a', x, { filters: 2, kernel: 1 }), b.conv('b', x, { filters: 6, kernel: 1 })];
    const graph = b.build(b.conv('out', b.concat('both', parts), { filters: 4, kernel: 1 }));
    const { strips } = rowsOf(graph, { nodes: ['both', 'out'] });
    const widths = (passes: boolean) =>
      strips
        .filter(strip => strip.passes === passes && strip.group !== 'cannot be pruned')
        .map(({ group, x, x2 }) => [group, x2 - x] as const);
    for (const rows of [widths(true), widths(false)]) {
      assert.deepEqual(
        rows.map(([group]) => group),
        ['a (2 units)', 'b (6 units)'],
      );
      assert.ok(Math.abs(rows[1]![1] / rows[0]![1] - 3) < 1e-9);
    }
  });

  it('shows what comes from outside of a part and who reads it there', () => {
    const { labels, boxes } = rowsOf(models['resnet18']!(), { nodes: ['layer1.0.conv1', 'layer1.0.bn1'] });
    assert.deepEqual(labels, ['layer1.0.conv1', 'layer1.0.bn1', 'relu', 'to layer1.0.relu1']);
    assert.deepEqual(
      boxes.map(({ outside }) => outside),
      [false, false, true, true],
    );
  });

  it('takes a name for what ends there or at a dot', () => {
    const b = new Builder('tens');
    let x = b.input('image', [4, 4, 3]);
    for (const n of [1, 10]) x = b.conv(`layer.${n}`, x, { filters: 2, kernel: 1 });
    const { boxes } = rowsOf(b.build(x), { nodes: 'layer.1' });
    assert.deepEqual(
      boxes.filter(({ outside }) => !outside).map(({ layers }) => layers),
      ['layer.1 (conv)'],
    );
    assert.throws(() => groupsChart(b.build(x), { nodes: ['layer.1', 'later'] }), /tens: no node later to draw/);
  });

  it('gives names no meaning in the picture', async () => {
    const names = ['<script>alert(1)</script>', '__proto__', 'a" onload="b', 'constructor', "datum['x']"];
    const b = new Builder('<img src=x onerror=y>');
    let x = b.input('<i>', [4, 4, 3]);
    for (const name of names) x = b.conv(name, x, { filters: 2, kernel: 1, bias: true });
    const graph = b.build(x);
    assert.deepEqual(membersIn(rowsOf(graph).strips), membersOf(graph));
    const svg = await groupsChart(graph).toSvg();
    assert.doesNotMatch(svg, /<(?:script|img|i)[ >]|<[^>]* onload="/);
    for (const name of ['&lt;script&gt;alert(1)&lt;/script&gt;', '__proto__', 'constructor'])
      assert.ok(svg.includes(`>${name}<`), name);
  });
});
