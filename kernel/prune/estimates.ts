import { withParameters, type Graph } from '../graph/graph.ts';
import type { Group } from '../graph/groups.ts';
import { Parameter } from '../graph/parameter.ts';
import type { Estimate } from '../plugin.ts';
import type { Random } from '../random.ts';
import { calibrated } from './calibration.ts';
import { Follower } from './follow.ts';
import { normalizations } from './normalize.ts';
import { checked, reduceMembers, scoringMembers, type Scoring } from './score.ts';
import type { Scorer, ScorerOptions } from './scorer.ts';

/** The groups that are pruned as they are now, and which of their first units they still have. */
interface Present {
  readonly groups: readonly Group[];
  readonly kept: readonly Uint8Array[];
}

/** Scores of a criterion that runs the network on data: estimated anew every so many steps, followed in between. */
export class Estimates implements Scorer {
  readonly #scoring: Scoring;
  readonly #options: ScorerOptions;
  readonly #stream: (step: number) => Random;
  readonly #present: () => Present;
  #last: { readonly scorer: Pick<Follower, 'scores' | 'remove'>; readonly place: readonly Int32Array[] } | undefined;

  constructor(scoring: Scoring, options: ScorerOptions, stream: (step: number) => Random, present: () => Present) {
    const { criterion } = scoring;
    if (!options.calibration) throw new Error(`criterion ${criterion.id} needs data to run the network on`);
    this.#scoring = scoring;
    this.#options = options;
    this.#stream = stream;
    this.#present = present;
  }

  async scores(step: number, graph: Graph): Promise<Float64Array[]> {
    const { every = 1 } = this.#options.calibration!;
    if (!this.#last || (step - 1) % every === 0) {
      const { groups, kept } = this.#present();
      this.#last = { scorer: await this.#estimate(step, graph, groups), place: kept.map(placesIn) };
    }
    return this.#last.scorer.scores();
  }

  remove(group: number, units: readonly number[]): void {
    const { scorer, place } = this.#last!;
    scorer.remove(
      group,
      units.map(unit => place[group]![unit]!),
    );
  }

  async #estimate(step: number, graph: Graph, groups: readonly Group[]): Promise<Pick<Follower, 'scores' | 'remove'>> {
    const { criterion, options } = this.#scoring;
    const estimate = await calibrated(
      { graph, groups, random: this.#stream(step) },
      this.#options.calibration!,
      this.#options,
      calibration => criterion.estimate!(calibration, options),
    );
    if ('elements' in estimate) return this.#follow(graph, groups, estimate.elements);
    return new Held(
      groups,
      groups.map(group => this.#unitScores(group, estimate)),
      this.#scoring,
    );
  }

  /** The weights' scores take the weights' place. */
  #follow(graph: Graph, groups: readonly Group[], elements: ReadonlyMap<string, Float32Array>): Promise<Follower> {
    const { criterion } = this.#scoring;
    const names = new Set(groups.flatMap(group => scoringMembers(criterion, group).map(({ parameter }) => parameter)));
    const parameters = [...names].map(name => {
      const { shape } = graph.parameters.get(name)!;
      return [name, new Parameter(shape, scoresOf(criterion.id, name, elements) as Float32Array)] as const;
    });
    const { pair: _, ...rest } = criterion;
    const scoring = { ...this.#scoring, criterion: { ...rest, element: (score: number) => score } };
    return Follower.of(withParameters(graph, parameters), groups, scoring);
  }

  #unitScores(group: Group, estimate: Exclude<Estimate, { elements: unknown }>): Float64Array {
    const { criterion, reduce } = this.#scoring;
    if ('units' in estimate)
      return checked(this.#scoring, group, Float64Array.from(scoresOf(criterion.id, group.id, estimate.units)));
    const members = scoringMembers(criterion, group);
    const local = members.map(({ parameter, units }) => {
      const scores = scoresOf(criterion.id, parameter, estimate.filters);
      if (scores.length !== units.length)
        throw new RangeError(`criterion ${criterion.id}: ${scores.length} scores for ${units.length} of ${parameter}`);
      return scores;
    });
    return checked(this.#scoring, group, reduceMembers(group, members, local, reduce));
  }
}

function scoresOf(criterion: string, of: string, known: ReadonlyMap<string, ArrayLike<number>>): ArrayLike<number> {
  const scores = known.get(of);
  if (!scores) throw new Error(`criterion ${criterion}: no scores for ${of}`);
  return scores;
}

/** Scores of units that stay what they are while others go. */
class Held {
  readonly #scores: readonly Float64Array[];
  readonly #alive: readonly Uint8Array[];
  readonly #scoring: Scoring;

  constructor(groups: readonly Group[], scores: readonly Float64Array[], scoring: Scoring) {
    this.#scores = scores;
    this.#alive = groups.map(({ units }) => new Uint8Array(units).fill(1));
    this.#scoring = scoring;
  }

  scores(): Float64Array[] {
    return this.#scores.map((scores, g) =>
      normalizations[this.#scoring.normalize](scores.filter((_, unit) => this.#alive[g]![unit])),
    );
  }

  remove(group: number, units: readonly number[]): void {
    for (const unit of units) this.#alive[group]![unit] = 0;
  }
}

/** For every unit of the beginning, its place among those that are left. */
function placesIn(kept: Uint8Array): Int32Array {
  let next = 0;
  return Int32Array.from(kept, stays => (stays ? next++ : -1));
}
