import { fromJSON, toJSON } from '../graph/file.ts';
import type { Graph } from '../graph/graph.ts';
import type { Pruned } from '../prune/prune.ts';
import { readCheckpoint, writeCheckpoint, type Identity } from '../train/checkpoint.ts';

/** What pruning came to, and the seconds it took. */
export interface TimedPruned extends Pruned {
  readonly seconds: number;
}

interface State extends Omit<TimedPruned, 'graph'> {
  readonly structure: unknown;
}

/** Keeps what pruning came to; returns it as it is read again. */
export async function writePruned(
  path: string,
  identity: Identity,
  { graph, ...rest }: TimedPruned,
): Promise<TimedPruned> {
  const state: State = { ...rest, structure: toJSON(graph) };
  await writeCheckpoint(path, { identity, state, tensors: graph.parameters });
  return prunedOf(state, graph.parameters);
}

/** What pruning came to, or undefined where there is no file. Throws as `readCheckpoint` does. */
export async function readPruned(path: string, identity: Identity): Promise<TimedPruned | undefined> {
  const found = await readCheckpoint<State>(path, identity);
  return found && prunedOf(found.state, found.tensors);
}

/** From JSON in both cases, so that the graph has one digest. */
const prunedOf = ({ structure, ...rest }: State, tensors: Parameters<typeof fromJSON>[1]): TimedPruned => {
  const graph: Graph = fromJSON(structure, tensors);
  return { ...rest, graph };
};
