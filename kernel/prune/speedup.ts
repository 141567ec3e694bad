import type { Count } from '../graph/count.ts';
import type { Graph } from '../graph/graph.ts';

/** What a speed-up can be of: multiply-adds, as we or as Torch-Pruning counts them, or measured time. */
export type SpeedupKind = 'plain' | 'compatible' | 'latency';
export const speedupKinds = ['plain', 'compatible', 'latency'] as const satisfies readonly SpeedupKind[];

/** How many times faster a pruned graph is than the one that pruning began with. */
export type Speedup = (graph: Graph, count: Count) => number | Promise<number>;

/** The count of multiply-adds that a kind of speed-up goes by; measured time has none of its own, so that it is ours. */
export const countKey = (kind: SpeedupKind): 'macs' | 'macsCompatible' =>
  kind === 'compatible' ? 'macsCompatible' : 'macs';

/** Multiply-adds of `before` over those of a graph. */
export function countedSpeedup(before: Count, kind: Exclude<SpeedupKind, 'latency'>): Speedup {
  const key = countKey(kind);
  return (_, after) => before[key] / after[key];
}
