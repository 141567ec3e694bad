import type { Graph } from '../graph/graph.ts';
import type { Group, Member } from '../graph/groups.ts';
import { normalizations } from './normalize.ts';
import { checked, reduceMembers, scoringMembers, type Scoring } from './score.ts';
import { sideOf, stackOf, type Followed, type Side } from './stack.ts';
import { Sums } from './sums.ts';

/** Scores of a criterion that states `element`, kept up to date while units are removed. */
export class Follower {
  readonly #groups: readonly Group[];
  readonly #scoring: Scoring;
  readonly #members: readonly (readonly Member[])[];
  readonly #graph: Graph;
  readonly #followed = new Map<string, Followed>();
  /** By group: what its units are cut from, whether or not their axis scores. */
  readonly #touched: readonly (readonly { followed: Followed; side: Side; units: Int32Array }[])[];
  readonly #alive: readonly Uint8Array[];

  constructor(graph: Graph, groups: readonly Group[], scoring: Scoring) {
    const { criterion, options } = scoring;
    this.#graph = graph;
    this.#groups = groups;
    this.#scoring = scoring;
    this.#members = groups.map(group => scoringMembers(criterion, group));
    const f = (weight: number) => criterion.element!(weight, options);
    for (const { parameter } of this.#members.flat())
      if (!this.#followed.has(parameter))
        this.#followed.set(parameter, new Sums(stackOf(graph.parameters.get(parameter)!), f));
    this.#touched = groups.map(group =>
      group.members.flatMap(member => {
        const followed = this.#followed.get(member.parameter);
        return followed ? [{ followed, side: this.#side(member), units: member.units }] : [];
      }),
    );
    this.#alive = groups.map(group => new Uint8Array(group.units).fill(1));
  }

  #side({ parameter, axis }: Member): Side {
    return sideOf(this.#graph.parameters.get(parameter)!, axis);
  }

  /** Scores of the units of each group that are left, in their order. */
  scores(): Float64Array[] {
    const { reduce, normalize, criterion } = this.#scoring;
    return this.#groups.map((group, g) => {
      const members = this.#members[g]!;
      const local = members.map(member => this.#followed.get(member.parameter)!.scores(this.#side(member)));
      const alive = this.#alive[g]!;
      const scores = checked(criterion, group, reduceMembers(group, members, local, reduce));
      let left = 0;
      for (let unit = 0; unit < alive.length; unit++) if (alive[unit]) scores[left++] = scores[unit]!;
      return normalizations[normalize](scores.subarray(0, left));
    });
  }

  remove(group: number, units: readonly number[]): void {
    const gone = new Uint8Array(this.#groups[group]!.units);
    for (const unit of units) {
      this.#alive[group]![unit] = 0;
      gone[unit] = 1;
    }
    for (const { followed, side, units: unitOf } of this.#touched[group]!) {
      const indices: number[] = [];
      for (let index = 0; index < unitOf.length; index++)
        if (unitOf[index]! >= 0 && gone[unitOf[index]!]) indices.push(index);
      followed.remove(side, indices);
    }
  }
}
