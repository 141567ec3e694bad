import { cut } from '../graph/cut.ts';
import { withParameters, type Graph } from '../graph/graph.ts';
import { groups, type Group } from '../graph/groups.ts';
import { Parameter } from '../graph/parameter.ts';
import type { Criterion } from '../plugin.ts';
import { finish } from '../prune/finish.ts';
import { scoringOf } from '../prune/prune.ts';
import { isScored } from '../prune/score.ts';
import { scorerOf } from '../prune/scorer.ts';
import { ensure, type Check, type CheckContext } from './check.ts';
import { noise } from './noise.ts';
import { constant, scrambled, smallGraphs } from './small-graphs.ts';

const scoredGroups = (criterion: Criterion, graph: Graph) =>
  groups(graph).filter(group => !group.protected && isScored(criterion, group));

const calibrationOf = (graph: Graph, task: CheckContext['classification']) => ({
  split: noise(graph, 12, 3),
  task,
  batches: 2,
  batch: 4,
});

/** Scores of groups in a first pruning step. */
async function score(
  graph: Graph,
  list: readonly Group[],
  criterion: Criterion,
  { classification: task }: CheckContext,
): Promise<Float64Array[]> {
  const kept = new Map(list.map(({ id, units }) => [id, new Uint8Array(units).fill(1)]));
  const calibration = calibrationOf(graph, task);
  const scorer = await scorerOf(graph, list, kept, scoringOf(criterion), { seed: 4, calibration });
  return scorer.scores(1, graph);
}

const same = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
  a.every((scores, g) => scores.every((value, unit) => value === b[g]![unit]));

const onSmallGraphs = Object.entries(smallGraphs).flatMap(([name, make]): Check<Criterion>[] => [
  {
    name: `${name}: one finite score per unit, the same for the same seed, whatever the order of groups`,
    async run(criterion, context) {
      const graph = scrambled(make());
      const list = scoredGroups(criterion, graph);
      // That they are finite and as many as units is held by whoever asks for scores.
      const scores = await score(graph, list, criterion, context);
      ensure(same(await score(graph, list, criterion, context), scores), () => 'the second time, scores differ');
      const reversed = (await score(graph, list.toReversed(), criterion, context)).reverse();
      ensure(same(reversed, scores), () => 'with the groups in another order, scores differ');
    },
  },
  {
    name: `${name}: constant, zero and single-unit groups give no NaN`,
    async run(criterion, context) {
      for (const value of [0, 1]) {
        const graph = constant(make(), value);
        await score(graph, scoredGroups(criterion, graph), criterion, context);
      }
    },
  },
]);

/** The graph without every other unit, with the weights that the criterion then gives it. */
async function finished(graph: Graph, criterion: Criterion, { classification }: CheckContext): Promise<Graph> {
  const list = groups(graph);
  const free = list.filter(group => !group.protected);
  const kept = new Map(
    free.map(({ id, units }) => [id, Uint8Array.from({ length: units }, (_, unit) => 1 - (unit % 2))]),
  );
  const ended = { original: graph, groups: list, kept, pruned: cut(graph, kept) };
  return finish(ended, scoringOf(criterion), calibrationOf(graph, classification), { seed: 4 });
}

/** What a criterion must do. */
export const criterionChecks: readonly Check<Criterion>[] = [
  ...onSmallGraphs,
  {
    name: 'weights that it changes at the end are those of the pruned network, finite, the same for the same seed',
    async run(criterion, context) {
      for (const make of Object.values(smallGraphs)) {
        const graph = scrambled(make());
        const [first, second] = [await finished(graph, criterion, context), await finished(graph, criterion, context)];
        for (const [name, { values }] of first.parameters) {
          const again = second.parameters.get(name)!.values;
          ensure(
            values.every((value, i) => value === again[i]),
            () => `the second time, ${name} differs`,
          );
        }
      }
    },
  },
  {
    name: 'scores follow a permutation of the channels',
    async run(criterion, context) {
      if (criterion.unit) return;
      const graph = scrambled(smallGraphs.residual());
      const inner = (g: Graph) => scoredGroups(criterion, g).filter(({ id }) => id === 'inner');
      if (inner(graph).length === 0) return;
      const [before] = await score(graph, inner(graph), criterion, context);
      for (const order of [
        [1, 2, 3, 0],
        [3, 1, 0, 2],
        [2, 3, 0, 1],
      ]) {
        const permuted = permuteInner(graph, order);
        const [after] = await score(permuted, inner(permuted), criterion, context);
        order.forEach((from, to) => {
          const [expected, actual] = [before![from]!, after![to]!];
          ensure(
            Math.abs(actual - expected) < 1e-5 * (1 + Math.abs(expected)),
            () => `a channel that scores ${expected} scores ${actual} in another place`,
          );
        });
      }
    },
  },
];

/** The residual network with the channels of `inner` in another order. */
function permuteInner(graph: Graph, order: readonly number[]): Graph {
  const group = groups(graph).find(({ id }) => id === 'inner')!;
  return withParameters(
    graph,
    group.members.map(({ parameter, axis }) => {
      const { values, shape, trainable } = graph.parameters.get(parameter)!;
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const permuted = values.map((_, i) => {
        const place = Math.floor(i / inner) % shape[axis]!;
        return values[i + (order[place]! - place) * inner]!;
      });
      return [parameter, new Parameter(shape, permuted, trainable)] as const;
    }),
  );
}
