import type { Count } from '../graph/count.ts';
import type { Graph } from '../graph/graph.ts';

/** What a speed-up can be of: multiply-adds, as we or as Torch-Pruning counts them, or measured time. */
export type SpeedupKind = 'plain' | 'compatible' | 'latency';
export const speedupKinds = ['plain', 'compatible', 'latency'] as const satisfies readonly SpeedupKind[];

/** How many times faster a pruned graph is than the one that pruning began with. */
export type Speedup = (graph: Graph, count: Count) => number | Promise<number>;

/** Multiply-adds of `before` over those of a graph. */
export const countedSpeedup =
  (before: Count, kind: Exclude<SpeedupKind, 'latency'>): Speedup =>
  (_, after) =>
    kind === 'plain' ? before.macs / after.macs : before.macsCompatible / after.macsCompatible;
