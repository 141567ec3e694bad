import * as tf from '@tensorflow/tfjs';
import type { Graph } from '../graph/graph.ts';
import type { Group, Member } from '../graph/groups.ts';
import type { Parameter } from '../graph/parameter.ts';
import type { Criterion, MemberView } from '../plugin.ts';
import type { Random } from '../random.ts';
import { normalizations, type Normalization } from './normalize.ts';
import { Pairs } from './pairs.ts';
import { sideOf, stackOf, type Followed, type Side } from './stack.ts';
import { Sums } from './sums.ts';

/** How the local scores of a unit, one per member, become one. */
export type Reduction = keyof typeof reductions;

/** Folds the next member's scores into what the members before it gave. */
export const reductions = {
  mean: (a: number, b: number) => a + b,
  sum: (a: number, b: number) => a + b,
  max: (a: number, b: number) => Math.max(a, b),
  prod: (a: number, b: number) => a * b,
  first: (a: number) => a,
} satisfies Record<string, (a: number, b: number) => number>;

export const reductionNames = Object.keys(reductions) as Reduction[];
export const normalizationNames = Object.keys(normalizations) as Normalization[];

/** A criterion with its options and how its scores are put together. */
export interface Scoring {
  readonly criterion: Criterion;
  readonly options: unknown;
  readonly reduce: Reduction;
  readonly normalize: Normalization;
}

/** Kernels on both sides and the scales of norms; biases, statistics and embeddings do not score. */
export const scoresByDefault = ({ role }: MemberView): boolean => role === 'out' || role === 'in' || role === 'scale';

/** Members of a group that the criterion scores. */
export const scoringMembers = (criterion: Criterion, group: Group): readonly Member[] =>
  group.members.filter(member => (criterion.scores ? criterion.scores(member) : scoresByDefault(member)));

/** Whether a criterion has anything to say about a group. */
export const isScored = (criterion: Criterion, group: Group): boolean =>
  criterion.unit !== undefined || scoringMembers(criterion, group).length > 0;

/**
 * Indices that each unit has in its first producing member: the heads or channel groups that it spans, over which its
 * score is averaged.
 */
function spans(group: Group): Float64Array {
  const producer = group.members.find(member => member.role === 'out') ?? group.members[0]!;
  const indices = new Float64Array(group.units);
  for (const unit of producer.units) if (unit >= 0) indices[unit]!++;
  return indices;
}

/**
 * Scores of a group's units, before normalisation, from the local scores of its members: the sum of a unit's indices in
 * each member, reduced over members.
 */
export function reduceMembers(
  group: Group,
  members: readonly Member[],
  local: readonly ArrayLike<number>[],
  how: Reduction,
): Float64Array {
  const fold = reductions[how];
  const total = new Float64Array(group.units);
  const own = new Float64Array(group.units);
  for (let m = 0; m < members.length; m++) {
    addUp(local[m]!, members[m]!.units, m === 0 ? total : own.fill(0));
    if (m > 0) for (let unit = 0; unit < total.length; unit++) total[unit] = fold(total[unit]!, own[unit]!);
  }
  const scoring = how === 'mean' ? members.length : 1;
  const span = spans(group);
  for (let unit = 0; unit < total.length; unit++) total[unit]! /= span[unit]! * scoring;
  return total;
}

/** Adds the scores of each unit's indices to `sums`. */
function addUp(scores: ArrayLike<number>, units: Int32Array, sums: Float64Array): void {
  for (let i = 0; i < units.length; i++) {
    const unit = units[i]!;
    if (unit >= 0) sums[unit]! += scores[i]!;
  }
}

/** Scores of the units of `groups`, comparable across groups, higher is more important. */
export async function score(
  graph: Graph,
  groups: readonly Group[],
  scoring: Scoring,
  random: Random,
): Promise<Float64Array[]> {
  const { criterion, options, reduce, normalize } = scoring;
  if (criterion.unit)
    return groups.map(group => {
      const scores = Float64Array.from(
        criterion.unit!({ id: group.id, units: group.units, random: random.fork(group.id) }, options),
      );
      return normalizations[normalize](checked(scoring, group, scores));
    });
  const members = groups.map(group => scoringMembers(criterion, group));
  const local = await localScores(graph, members.flat(), scoring);
  let at = 0;
  return groups.map((group, g) => {
    const own = local.slice(at, (at += members[g]!.length));
    return normalizations[normalize](checked(scoring, group, reduceMembers(group, members[g]!, own, reduce)));
  });
}

/** Scores that are one finite number per unit, and not negative where they become shares. */
export function checked({ criterion, normalize }: Scoring, group: Group, scores: Float64Array): Float64Array {
  if (scores.length !== group.units)
    throw new RangeError(
      `criterion ${criterion.id}: ${scores.length} scores for the ${group.units} units of ${group.id}`,
    );
  const least = normalize === 'lamp' ? 0 : -Infinity;
  for (let unit = 0; unit < scores.length; unit++)
    if (!Number.isFinite(scores[unit]) || scores[unit]! < least)
      throw new RangeError(
        `criterion ${criterion.id}: unit ${unit} of ${group.id} scores ${scores[unit]}` +
          (least === 0 ? ', lamp takes finite scores from 0 on' : ''),
      );
  return scores;
}

async function localScores(graph: Graph, members: readonly Member[], scoring: Scoring): Promise<ArrayLike<number>[]> {
  const { criterion, options } = scoring;
  if (criterion.element || criterion.pair) {
    const followed = await followedOf(graph, members, scoring);
    return members.map(({ parameter, axis }) =>
      followed.get(parameter)!.scores(sideOf(graph.parameters.get(parameter)!, axis)),
    );
  }
  const tensors = tf.tidy(() =>
    members.map(member => {
      const scores = criterion.local!(slicesOf(graph.parameters.get(member.parameter)!, member.axis), member, options);
      if (scores.shape.length !== 1 || scores.shape[0] !== member.units.length)
        throw new RangeError(
          `criterion ${criterion.id}: ${member.parameter} has ${member.units.length} slices along axis ${member.axis}, scores are [${scores.shape.join(', ')}]`,
        );
      return scores;
    }),
  );
  try {
    const values: ArrayLike<number>[] = [];
    for (const tensor of tensors) values.push(await tensor.data());
    return values;
  } finally {
    tf.dispose(tensors);
  }
}

/** A parameter as `[indices along the axis, values of the slice]`. */
export function slicesOf({ values, shape }: Parameter, axis: number): tf.Tensor2D {
  const others = [...shape.keys()].filter(a => a !== axis);
  return tf.tidy(() => tf.reshape(tf.transpose(tf.tensor(values, [...shape]), [axis, ...others]), [shape[axis]!, -1]));
}

/** By parameter of the members: scores of a criterion that states `element` or `pair`. */
export async function followedOf(
  graph: Graph,
  members: readonly Member[],
  { criterion, options }: Scoring,
): Promise<ReadonlyMap<string, Followed>> {
  const sides = new Map<string, Set<Side>>();
  for (const { parameter, axis } of members) {
    const side = sideOf(graph.parameters.get(parameter)!, axis);
    sides.set(parameter, (sides.get(parameter) ?? new Set()).add(side));
  }
  const element = (weight: number) => criterion.element!(weight, options);
  const pair = (a: number, b: number, ab: number) => criterion.pair!(a, b, ab, options);
  const followed = new Map<string, Followed>();
  for (const [parameter, scored] of sides) {
    const stack = stackOf(graph.parameters.get(parameter)!);
    followed.set(parameter, criterion.element ? new Sums(stack, element) : await Pairs.of(stack, scored, pair));
  }
  return followed;
}
