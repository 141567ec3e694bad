import { readFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { z } from 'zod';
import { find, type Catalogue } from '../../../kernel/catalogue.ts';
import { count } from '../../../kernel/graph/count.ts';
import { shapesOf, type Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { readModel } from '../../../kernel/read-model.ts';

const shape = z.array(z.int());
const member = z.object({ parameter: z.string(), axis: z.int(), role: z.string(), op: z.string() });
/** A model as the server knows it: of its groups that which criteria ask for. */
export const inspectedModel = z.object({
  inputs: z.array(shape),
  outputs: z.array(shape),
  params: z.int(),
  macs: z.int(),
  groups: z.array(
    z.object({ id: z.string(), units: z.int(), members: z.array(member), protected: z.string().nullable() }),
  ),
});
export type InspectedModel = z.infer<typeof inspectedModel>;

export const inspectedData = z.object({ task: z.string(), classes: z.int(), shape, train: z.int(), test: z.int() });
export type InspectedData = z.infer<typeof inspectedData>;

export type Job =
  | { readonly kind: 'dataset'; readonly dataset: string; readonly options: Readonly<Record<string, unknown>> }
  | { readonly kind: 'file'; readonly path: string };

export interface Question {
  readonly id: number;
  readonly job: Job;
}
export type Answer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** Parameters that a model may have here. */
const mostParams = 1e9;

export function inspectGraph(graph: Graph): InspectedModel {
  const { params, macs } = count(graph);
  // counted from shapes alone, which costs nothing; what comes after costs memory
  if (params > mostParams || !Number.isSafeInteger(macs))
    throw new Error(`${graph.name} has ${params} parameters, ${mostParams} at most can be had here`);
  const shapes = shapesOf(graph);
  return {
    inputs: Object.values(graph.inputs).map(input => [...input]),
    outputs: graph.outputs.map(id => [...shapes.get(id)!]),
    params,
    macs,
    groups: groups(graph).map(({ id, units, members, protected: reason }) => ({
      id,
      units,
      members: members.map(({ parameter, axis, role, op }) => ({ parameter, axis, role, op })),
      protected: reason ?? null,
    })),
  };
}

/** Does what a question asks for. */
export async function inspect(job: Job, known: Catalogue): Promise<InspectedModel | InspectedData> {
  if (job.kind === 'file') return inspectGraph(readModel(known.formats, await readFile(job.path)));
  const plugin = find('dataset', known.datasets, job.dataset);
  const { task, classes, shape, train, test } = await plugin.load(parseOptions(plugin, job.options));
  return { task, classes: classes.length, shape: [...shape], train: train.size, test: test.size };
}

/** A message as it may be shown to people who are not to know where things lie. */
export function withoutPlaces(message: string): string {
  const places = [process.env['PRUNINGBENCH_DATA'], process.cwd(), tmpdir(), homedir()];
  return places.reduce<string>((text, place) => (place && place !== '/' ? text.replaceAll(place, '…') : text), message);
}
