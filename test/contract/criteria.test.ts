import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Builder } from '../../kernel/graph/builder.ts';
import { withParameters, type Graph } from '../../kernel/graph/graph.ts';
import { groups, type Group } from '../../kernel/graph/groups.ts';
import { Parameter } from '../../kernel/graph/parameter.ts';
import type { Criterion } from '../../kernel/plugin.ts';
import { parseOptions } from '../../kernel/prune/prune.ts';
import { isScored, type Scoring } from '../../kernel/prune/score.ts';
import { scorerOf } from '../../kernel/prune/scorer.ts';
import * as criteria from '../../plugins/criteria/index.ts';
import { classification } from '../../plugins/tasks/index.ts';
import { scrambled } from '../kernel/graph/oracle.ts';
import { noise } from '../kernel/noise.ts';

function residual(): Graph {
  const b = new Builder('residual');
  const x = b.batchNorm('bn', b.conv('stem', b.input('image', [6, 6, 3]), { filters: 6, kernel: 3, padding: 1 }));
  const y = b.batchNorm('bn2', b.conv('inner', b.relu('relu', x), { filters: 4, kernel: 3, padding: 1 }));
  const sum = b.add('add', x, b.conv('outer', y, { filters: 6, kernel: 1, bias: true }));
  return b.build(b.dense('head', b.globalAveragePool('pool', sum), { units: 5 }));
}
function grouped(): Graph {
  const b = new Builder('grouped');
  const x = b.batchNorm('bn', b.conv('stem', b.input('image', [6, 6, 3]), { filters: 6, kernel: 1 }));
  const y = b.batchNorm('bn2', b.conv('grouped', x, { filters: 8, kernel: 3, padding: 1, groups: 2 }));
  const z = b.batchNorm('bn3', b.conv('depthwise', y, { filters: 8, kernel: 3, padding: 1, groups: 8 }));
  return b.build(b.dense('head', b.flatten('flatten', b.maxPool('pool', z, { kernel: 3 })), { units: 5 }));
}
function vectors(): Graph {
  const b = new Builder('vectors');
  const x = b.layerNorm('ln', b.dense('first', b.input('x', [7]), { units: 9 }));
  return b.build(b.dense('last', b.activation('gelu', 'gelu', b.dense('second', x, { units: 4 })), { units: 3 }));
}
const small = { residual, grouped, vectors };

const scoringOf = (criterion: Criterion): Scoring => ({
  criterion,
  options: parseOptions(criterion),
  reduce: criterion.reduce ?? 'mean',
  normalize: criterion.normalize ?? 'mean',
});
/** Scores of groups in a first pruning step. */
async function score(graph: Graph, list: readonly Group[], criterion: Criterion): Promise<Float64Array[]> {
  const kept = new Map(list.map(({ id, units }) => [id, new Uint8Array(units).fill(1)]));
  const calibration = { split: noise(graph, 12, 3), task: classification, batches: 2, batch: 4 };
  const scorer = await scorerOf(graph, list, kept, scoringOf(criterion), { seed: 4, calibration });
  return scorer.scores(1, graph);
}
const scored = (criterion: Criterion, graph: Graph) =>
  groups(graph).filter(group => !group.protected && isScored(criterion, group));

for (const criterion of Object.values(criteria))
  describe(`criterion ${criterion.id}`, () => {
    for (const [name, make] of Object.entries(small)) {
      it(`${name}: one finite score per unit, the same for the same seed, whatever the order of groups`, async () => {
        const graph = scrambled(make());
        const list = scored(criterion, graph);
        const run = (order: typeof list) => score(graph, order, criterion);
        const scores = await run(list);
        list.forEach((group, g) => {
          assert.equal(scores[g]!.length, group.units);
          assert.ok(scores[g]!.every(Number.isFinite));
        });
        assert.deepEqual(await run(list), scores);
        assert.deepEqual((await run(list.toReversed())).reverse(), scores);
      });

      it(`${name}: constant, zero and single-unit groups give no NaN`, async () => {
        for (const value of [0, 1]) {
          const graph = make();
          const flat = withParameters(
            graph,
            [...graph.parameters].map(([key, { shape, size }]) => [
              key,
              new Parameter(shape, new Float32Array(size).fill(value)),
            ]),
          );
          for (const scores of await score(flat, scored(criterion, flat), criterion))
            assert.ok(scores.every(Number.isFinite));
        }
      });
    }

    if (criterion.unit) return;
    it('scores follow a permutation of the channels', () =>
      fc.assert(
        fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 }), async order => {
          const graph = scrambled(residual());
          const permuted = permuteInner(graph, order);
          const inner = (g: Graph) => scored(criterion, g).filter(group => group.id === 'inner');
          const [before] = await score(graph, inner(graph), criterion);
          const [after] = await score(permuted, inner(permuted), criterion);
          order.forEach((from, to) =>
            assert.ok(Math.abs(after![to]! - before![from]!) < 1e-5 * (1 + Math.abs(before![from]!))),
          );
        }),
        { numRuns: 10 },
      ));
  });

/** The residual network with the channels of `inner` in another order. */
function permuteInner(graph: Graph, order: readonly number[]): Graph {
  const [group] = groups(graph).filter(({ id }) => id === 'inner');
  return withParameters(
    graph,
    group!.members.map(({ parameter, axis }) => {
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
