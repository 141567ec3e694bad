import { groups } from '../graph/groups.ts';
import type { Graph } from '../graph/graph.ts';
import type { Criterion, Sparsity } from '../plugin.ts';
import { scoresByDefault } from './score.ts';

/** What a regularizer makes sparse, for a criterion that prunes afterwards; without one, what most criteria score. */
export function sparsityOf(graph: Graph, criterion?: Pick<Criterion, 'scores'>): Sparsity {
  const scores = criterion?.scores ?? scoresByDefault;
  const sparse = groups(graph)
    .filter(group => !group.protected)
    .map(group => ({ ...group, members: group.members.filter(member => scores(member)) }));
  return { graph, groups: sparse.filter(({ members }) => members.length > 0) };
}
