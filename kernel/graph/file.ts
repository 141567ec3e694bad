import { z } from 'zod';
import { check } from './check.ts';
import type { Graph, Node } from './graph.ts';
import { Parameter } from './parameter.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../safetensors.ts';

const version = 1;
const names = z.record(z.string(), z.string());
const structure = z.object({
  version: z.int(),
  name: z.string(),
  inputs: z.record(z.string(), z.array(z.int().positive())),
  outputs: z.array(z.string()),
  nodes: z.array(
    z.object({
      id: z.string(),
      op: z.string(),
      inputs: z.array(z.string()),
      attributes: z.record(z.string(), z.unknown()),
      parameters: names,
    }),
  ),
  statistics: z.array(z.string()),
});

/** What a graph is without its values: JSON with a version. */
export function toJSON(graph: Graph): z.infer<typeof structure> {
  return {
    version,
    name: graph.name,
    inputs: Object.fromEntries(Object.entries(graph.inputs).map(([id, shape]) => [id, [...shape]])),
    outputs: [...graph.outputs],
    nodes: graph.nodes.map(({ id, op, inputs, attributes, parameters }) => ({
      id,
      op,
      inputs: [...inputs],
      attributes: { ...attributes },
      parameters: { ...parameters },
    })),
    statistics: [...graph.parameters].filter(([, parameter]) => !parameter.trainable).map(([name]) => name),
  };
}

/** A model as one file: safetensors with the structure in its metadata. */
export function encode(graph: Graph): Uint8Array {
  return encodeSafetensors(graph.parameters, { format: 'pruningbench', graph: JSON.stringify(toJSON(graph)) });
}

/** Reads what `encode` wrote and verifies it. Throws where the file is of another kind, broken or newer than this. */
export function decode(bytes: Uint8Array): Graph {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== 'pruningbench' || !metadata.graph)
    throw new Error('a safetensors file without a pruningbench graph: weights alone go into a model of the zoo');
  return fromJSON(JSON.parse(metadata.graph), tensors);
}

/** The graph of a structure that `toJSON` gave, with its values. Throws where they are broken or newer than this. */
export function fromJSON(json: unknown, tensors: ReadonlyMap<string, StoredTensor>): Graph {
  const parsed = structure.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new Error(`graph: ${issue.path.join('.')}: ${issue.message}`);
  }
  const { nodes, statistics, ...rest } = parsed.data;
  if (rest.version > version) throw new Error(`graph of version ${rest.version}, this reads up to ${version}`);
  const still = new Set(statistics);
  const parameters = new Map<string, Parameter>();
  for (const [name, { shape, values }] of tensors) parameters.set(name, new Parameter(shape, values, !still.has(name)));
  return check({ name: rest.name, inputs: rest.inputs, outputs: rest.outputs, nodes: nodes as Node[], parameters });
}
