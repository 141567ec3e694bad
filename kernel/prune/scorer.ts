import { restrict, type Group } from '../graph/groups.ts';
import type { Graph } from '../graph/graph.ts';
import { random } from '../random.ts';
import type { CalibrationData } from './calibration.ts';
import { Estimates } from './estimates.ts';
import { Follower } from './follow.ts';
import { score, type Scoring } from './score.ts';

/** Scores of the units that are left, step by step. */
export interface Scorer {
  /** By group, of its units that are left, in their order; `graph` is what the steps before have left. */
  scores(step: number, graph: Graph): Float64Array[] | Promise<Float64Array[]>;
  /** Units of one group go; none of them has gone before. */
  remove(group: number, units: readonly number[]): void;
}

export interface ScorerOptions {
  readonly seed: number;
  /** For criteria that need data. */
  readonly calibration?: CalibrationData | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The way to score that a criterion allows; `kept` has the groups that are pruned and changes as their units go. */
export async function scorerOf(
  graph: Graph,
  all: readonly Group[],
  kept: ReadonlyMap<string, Uint8Array>,
  scoring: Scoring,
  options: ScorerOptions,
): Promise<Scorer> {
  const { criterion } = scoring;
  const isPruned = ({ id }: Group) => kept.has(id);
  if (criterion.element || criterion.pair) return Follower.of(graph, all.filter(isPruned), scoring);
  const left = criterion.unit
    ? () => all.filter(isPruned).map(group => ({ ...group, units: kept.get(group.id)!.filter(Boolean).length }))
    : () => restrict(all, kept).filter(isPruned);
  const stream = (step: number) => random(options.seed, `${criterion.id}/step ${step}`);
  if (criterion.estimate)
    return new Estimates(scoring, options, stream, () => ({ groups: left(), kept: [...kept.values()] }));
  return {
    scores: (step, now) => score(now, left(), scoring, stream(step)),
    remove: () => undefined,
  };
}
