import type { Graph } from '../graph/graph.ts';
import type { Group, Member } from '../graph/groups.ts';
import { normalizations } from './normalize.ts';
import { checked, followedOf, reduceMembers, scoringMembers, type Scoring } from './score.ts';
import { sideOf, type Followed, type Side } from './stack.ts';

/** Scores of a criterion that states `element` or `pair`, kept up to date while units are removed. */
export class Follower {
  readonly #scoring: Scoring;
  readonly #groups: readonly FollowedGroup[];

  private constructor(scoring: Scoring, groups: readonly FollowedGroup[]) {
    this.#scoring = scoring;
    this.#groups = groups;
  }

  static async of(graph: Graph, groups: readonly Group[], scoring: Scoring): Promise<Follower> {
    const side = ({ parameter, axis }: Member) => sideOf(graph.parameters.get(parameter)!, axis);
    const members = groups.map(group => scoringMembers(scoring.criterion, group));
    const followed = await followedOf(graph, members.flat(), scoring);
    const handle = (member: Member): Handle => ({
      followed: followed.get(member.parameter)!,
      side: side(member),
      units: member.units,
    });
    return new Follower(
      scoring,
      groups.map((group, g) => ({
        group,
        members: members[g]!,
        scoring: members[g]!.map(handle),
        touched: group.members.filter(({ parameter }) => followed.has(parameter)).map(handle),
        alive: new Uint8Array(group.units).fill(1),
      })),
    );
  }

  /** Scores of the units of each group that are left, in their order. */
  scores(): Float64Array[] {
    const { reduce, normalize } = this.#scoring;
    return this.#groups.map(({ group, members, scoring, alive }) => {
      const local = scoring.map(({ followed, side }) => followed.scores(side));
      const scores = checked(this.#scoring, group, reduceMembers(group, members, local, reduce));
      let left = 0;
      for (let unit = 0; unit < alive.length; unit++) if (alive[unit]) scores[left++] = scores[unit]!;
      return normalizations[normalize](scores.subarray(0, left));
    });
  }

  /** Units of one group go; none of them has gone before. */
  remove(group: number, units: readonly number[]): void {
    const { alive, touched } = this.#groups[group]!;
    const gone = new Uint8Array(alive.length);
    for (const unit of units) {
      alive[unit] = 0;
      gone[unit] = 1;
    }
    for (const { followed, side, units: unitOf } of touched) {
      const indices: number[] = [];
      for (let index = 0; index < unitOf.length; index++)
        if (unitOf[index]! >= 0 && gone[unitOf[index]!]) indices.push(index);
      followed.remove(side, indices);
    }
  }
}

/** A member of a group and what follows its parameter. */
interface Handle {
  readonly followed: Followed;
  readonly side: Side;
  readonly units: Int32Array;
}

interface FollowedGroup {
  readonly group: Group;
  readonly members: readonly Member[];
  readonly scoring: readonly Handle[];
  /** What its units are cut from, whether or not their axis scores. */
  readonly touched: readonly Handle[];
  readonly alive: Uint8Array;
}
