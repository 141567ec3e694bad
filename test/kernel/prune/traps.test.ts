import assert from 'node:assert/strict';
import { constant } from '../../../kernel/contract/small-graphs.ts';
import { Builder } from '../../../kernel/graph/builder.ts';
import { decode, encode } from '../../../kernel/graph/file.ts';
import { shapesOf } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { normalizations } from '../../../kernel/prune/normalize.ts';
import { prune } from '../../../kernel/prune/prune.ts';
import { build } from '../../../plugins/api.ts';
import { lamp, magnitudeL2, random } from '../../../plugins/criteria/index.ts';
import { global, protectedGlobal } from '../../../plugins/strategies/index.ts';
import { assertZeroedEqualsCut } from '../graph/oracle.ts';

const small = { classes: 7, width: 0.125, image: 32 };

/** What other pruning tools get wrong. */
describe('traps of structural pruning', () => {
  it('one global ranking in one step empties no layer, and with protection none falls below a tenth', async () => {
    const graph = build('resnet18', { ...small, width: 0.5 });
    const one = { criterion: magnitudeL2, steps: 1, speedup: 1.5 };
    const free = await prune(graph, { ...one, strategy: global });
    assert.ok(free.groups.every(({ kept }) => kept.length >= 1));
    assert.ok(
      free.groups.some(({ kept, units }) => kept.length < units / 10),
      'nothing collapsed, which shows nothing',
    );
    const kept = await prune(graph, { ...one, strategy: protectedGlobal });
    assert.ok(kept.groups.every(({ kept, units }) => kept.length >= units / 10));
    assert.ok(shapesOf(free.graph).size > 0 && free.speedup > kept.speedup);
  });

  it('equal scores prune as many units as were asked for, the same ones each time', async () => {
    const graph = constant(build('resnet18', small), 1);
    const run = () => prune(graph, { criterion: magnitudeL2, strategy: global, steps: 20, speedup: 1.3 });
    const [first, second] = [await run(), await run()];
    assert.deepEqual(first.groups, second.groups);
    const pruned = first.groups.filter(({ whole }) => whole === undefined);
    const left = pruned.reduce((n, { kept }) => n + kept.length, 0);
    const all = pruned.reduce((n, { units }) => n + units, 0);
    assert.equal(left, Math.round(all * (1 - first.trace.length / 20)));
  });

  it('the classifier keeps its outputs without being told', async () => {
    for (const model of ['resnet18', 'vgg19', 'mobilenetv2', 'vit-tiny']) {
      const graph = build(model, small);
      const pruned = await prune(graph, { criterion: lamp, strategy: protectedGlobal, speedup: 1.5, steps: 50 });
      const output = (g: typeof graph) => shapesOf(g).get(g.outputs[0]!);
      assert.deepEqual(output(pruned.graph), output(graph), model);
    }
  });

  it('a group of which only a part is read apart keeps some of each part', () => {
    const b = new Builder('parts');
    const x = b.conv('both', b.input('image', [4, 4, 3]), { filters: 8, kernel: 1 });
    const right = b.conv('right', b.slice('second', x, 4, 4), { filters: 4, kernel: 1 });
    const sum = b.concat('joined', [b.slice('first', x, 0, 4), right]);
    const graph = b.build(b.dense('head', b.globalAveragePool('pool', sum), { units: 3 }));
    const ids = groups(graph).filter(group => !group.protected);
    assert.deepEqual(
      ids.map(({ id, units }) => [id, units]),
      [
        ['both', 4],
        ['both:2', 4],
        ['right', 4],
      ],
    );
    assertZeroedEqualsCut(graph, new Map(ids.map(({ id }) => [id, [false, true, false, true]])));
  });

  it('an attention knows its heads after some are gone', async () => {
    const graph = build('vit-tiny', { ...small, width: 1, prune: 'heads' });
    const pruned = await prune(graph, { criterion: random, strategy: protectedGlobal, speedup: 2, steps: 100 });
    const heads = pruned.graph.nodes
      .filter(({ op }) => op === 'attention')
      .map(({ attributes }) => attributes['heads']);
    const shapes = shapesOf(pruned.graph);
    assert.ok(
      heads.some(n => n !== 3),
      'no head went, which shows nothing',
    );
    pruned.graph.nodes
      .filter(({ op }) => op === 'attention')
      .forEach(({ id, attributes }) => assert.equal(shapes.get(id)!.at(-1)! % Number(attributes['heads']), 0));
  });

  it('what is pruned is one file that can be read without the code that built the model', async () => {
    const graph = build('mobilenetv2', small);
    const pruned = await prune(graph, { criterion: magnitudeL2, strategy: protectedGlobal, speedup: 2, steps: 100 });
    const read = decode(encode(pruned.graph));
    assert.deepEqual(read.nodes, pruned.graph.nodes);
    for (const [name, { values }] of pruned.graph.parameters)
      assert.deepEqual(read.parameters.get(name)!.values, values);
  });

  it('equal scores are no NaN under any normalisation', () => {
    for (const [name, normalize] of Object.entries(normalizations))
      for (const value of [0, 1, 1e-30])
        assert.ok(normalize(new Float64Array(5).fill(value)).every(Number.isFinite), `${name} of ${value}`);
  });

  it('rounding keeps multiples, so that fewer multiply-adds are not slower', async () => {
    const graph = build('resnet18', { ...small, width: 0.5 });
    const { groups: pruned } = await prune(graph, {
      criterion: magnitudeL2,
      strategy: protectedGlobal,
      speedup: 2,
      roundTo: 8,
    });
    for (const { id, kept, whole } of pruned) if (whole === undefined) assert.equal(kept.length % 8, 0, id);
  });
});
