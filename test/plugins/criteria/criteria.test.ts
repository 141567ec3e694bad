import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../../kernel/graph/builder.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import type { Criterion } from '../../../kernel/plugin.ts';
import { score } from '../../../kernel/prune/score.ts';
import { random } from '../../../kernel/random.ts';
import { bnScale, fpgm, magnitudeL1, magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { scrambled } from '../../kernel/graph/oracle.ts';

/** Two convolutions with a norm between them: one group with an out, an in and a scale member. */
function pair(): Graph {
  const b = new Builder('pair');
  const x = b.batchNorm('bn', b.conv('a', b.input('image', [5, 5, 2]), { filters: 3, kernel: 3, bias: true }));
  return scrambled(b.build(b.conv('b', x, { filters: 4, kernel: 1 })));
}
const at = (graph: Graph, name: string) => {
  const { values, shape } = graph.parameters.get(name)!;
  return (...index: number[]) => values[index.reduce((flat, i, axis) => flat * shape[axis]! + i, 0)]!;
};
const scoresOf = async (criterion: Criterion, graph: Graph) => {
  const group = groups(graph).find(({ id }) => id === 'a')!;
  const scoring = { criterion, options: {}, reduce: 'mean', normalize: 'none' } as const;
  return [...(await score(graph, [group], scoring, random(0)))[0]!];
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const near = (actual: number[], expected: number[]) =>
  actual.forEach((a, i) =>
    assert.ok(Math.abs(a - expected[i]!) < 1e-5 * (1 + expected[i]!), `${actual} is not ${expected}`),
  );

/** Values of unit `c` in the kernel that makes it and in the kernel that reads it. */
function slices(graph: Graph, c: number): { out: number[]; in: number[] } {
  const [a, b] = [at(graph, 'a.kernel'), at(graph, 'b.kernel')];
  return {
    out: range(3).flatMap(y => range(3).flatMap(x => range(2).map(i => a(y, x, i, c)))),
    in: range(4).map(o => b(0, 0, c, o)),
  };
}

describe('data-free criteria, against their definitions', () => {
  for (const [criterion, p] of [
    [magnitudeL1, 1],
    [magnitudeL2, 2],
  ] as const)
    it(`${criterion.id}: mean over kernel out, kernel in and scale of the sum of |w|^${p}; the bias does not score`, async () => {
      const graph = pair();
      const norm = (values: number[]) => values.reduce((sum, w) => sum + Math.abs(w) ** p, 0);
      const expected = range(3).map(c => {
        const { out, in: reads } = slices(graph, c);
        return (norm(out) + norm(reads) + norm([at(graph, 'bn.scale')(c)])) / 3;
      });
      near(await scoresOf(criterion, graph), expected);
    });

  it('bn-scale: the absolute scale', async () => {
    const graph = pair();
    near(
      await scoresOf(bnScale, graph),
      range(3).map(c => Math.abs(at(graph, 'bn.scale')(c))),
    );
  });

  it('fpgm: the sum of distances to the other slices, by brute force', async () => {
    const graph = pair();
    const distance = (a: number[], b: number[]) => Math.hypot(...a.map((w, i) => w - b[i]!));
    const expected = range(3).map(c =>
      (['out', 'in'] as const).reduce(
        (sum, side) =>
          sum + range(3).reduce((s, j) => s + distance(slices(graph, c)[side], slices(graph, j)[side]), 0) / 2,
        0,
      ),
    );
    near(await scoresOf(fpgm, graph), expected);
  });

  it('a tensor criterion leaves no tensors behind', async () => {
    const graph = pair();
    await scoresOf(fpgm, graph);
    const before = tf.memory().numTensors;
    await scoresOf(fpgm, graph);
    assert.equal(tf.memory().numTensors, before);
  });
});
