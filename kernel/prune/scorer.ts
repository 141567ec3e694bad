import { restrict, type Group } from '../graph/groups.ts';
import type { Graph } from '../graph/graph.ts';
import { random } from '../random.ts';
import { Follower } from './follow.ts';
import { score, type Scoring } from './score.ts';

/** Scores of the units that are left, step by step. */
export interface Scorer {
  /** By group, of its units that are left, in their order; `graph` is what the steps before have left. */
  scores(step: number, graph: Graph): Float64Array[] | Promise<Float64Array[]>;
  /** Units of one group go; none of them has gone before. */
  remove(group: number, units: readonly number[]): void;
}

/** The way to score that a criterion allows; `kept` has the groups that are pruned and changes as their units go. */
export async function scorerOf(
  graph: Graph,
  all: readonly Group[],
  kept: ReadonlyMap<string, Uint8Array>,
  scoring: Scoring,
  seed: number,
): Promise<Scorer> {
  const { criterion } = scoring;
  const isPruned = ({ id }: Group) => kept.has(id);
  if (criterion.element || criterion.pair) return Follower.of(graph, all.filter(isPruned), scoring);
  const left = criterion.unit
    ? () => all.filter(isPruned).map(group => ({ ...group, units: kept.get(group.id)!.filter(Boolean).length }))
    : () => restrict(all, kept).filter(isPruned);
  return {
    scores: (step, now) => score(now, left(), scoring, random(seed, `${criterion.id}/step ${step}`)),
    remove: () => undefined,
  };
}
