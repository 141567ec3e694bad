import type { Node, Value } from './value.ts';

/** A node to lower, and the recorded node it stands for. */
export interface Fused {
  readonly node: Node;
  readonly from: Node;
}

/** Replaces groups of recorded nodes by single ones that compute the same values in fewer passes. */
export function fuse(nodes: readonly Node[], _outputs: readonly Value[]): Fused[] {
  return nodes.map(node => ({ node, from: node }));
}
