import { join } from 'node:path';
import { groupsChart } from '../../../kernel/bench/groups-chart.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { layersOf as layersIn } from '../../../kernel/graph/layers.ts';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import { writeInFolder } from '../../../kernel/train/write-atomically.ts';
import { onnx, safetensors } from '../../formats/index.ts';
import type { GroupFile, Layers } from '../api.ts';

/** Writes what a run leaves for people: its model, how that came out of the one before, the record; returns the names. */
export async function writeResultFiles(
  folder: string,
  before: Graph,
  after: Graph,
  record?: RunRecord,
): Promise<string[]> {
  const files: Record<string, Uint8Array> = {
    'model.onnx': onnx.write(after),
    'model.safetensors': safetensors.write(after),
    'layers.json': json(layersOf(before, after)),
    'groups.json': json(groupsOf(before, record)),
    'groups.vl.json': json(groupsChart(before).spec),
    ...(record ? { 'record.json': json(record) } : {}),
  };
  for (const [name, bytes] of Object.entries(files)) await writeInFolder(join(folder, name), bytes);
  return Object.keys(files);
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);

/** Layers with a kernel, in the order of the graph. */
export function layersOf(before: Graph, after: Graph): Layers {
  const groupOf = new Map(
    groups(before).flatMap(({ id, members }) =>
      members.filter(({ role }) => role === 'out').map(({ parameter }) => [parameter, id] as const),
    ),
  );
  const left = new Map(layersIn(after).map(layer => [layer.id, layer]));
  return layersIn(before).map(({ id, op, kernel, channels, params, macs }) => {
    const now = left.get(id)!;
    return {
      id,
      op,
      group: groupOf.get(kernel) ?? null,
      before: channels,
      after: now.channels,
      params: { before: params, after: now.params },
      macs: { before: macs, after: now.macs },
    };
  });
}

/** Dependency groups of a graph, and what a record says was kept of each. */
export function groupsOf(graph: Graph, record?: RunRecord): GroupFile {
  const kept = new Map(record?.groups.map(group => [group.id, group.kept.length]));
  return groups(graph).map(({ id, units, protected: reason, members }) => ({
    id,
    units,
    kept: kept.get(id) ?? units,
    protected: reason ?? null,
    members: members.map(({ parameter, axis, role }) => ({ parameter, axis, role })),
  }));
}
