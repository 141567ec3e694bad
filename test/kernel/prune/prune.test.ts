import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { noise } from '../../../kernel/contract/noise.ts';
import { count } from '../../../kernel/graph/count.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { defineCriterion, type Criterion, type Ending } from '../../../kernel/plugin.ts';
import { prune, type PruneOptions } from '../../../kernel/prune/prune.ts';
import { parseOptions } from '../../../kernel/options.ts';
import * as criteria from '../../../plugins/criteria/index.ts';
import { resnet18, vgg19 } from '../../../plugins/models/index.ts';
import * as strategies from '../../../plugins/strategies/index.ts';
import { classification } from '../../../plugins/tasks/index.ts';
import { scrambled } from '../graph/oracle.ts';

const net = () => scrambled(resnet18.build(parseOptions(resnet18, { width: 0.25, classes: 10 })));
const base: Omit<PruneOptions, 'criterion' | 'strategy'> = { speedup: 2, steps: 40 };
/** Images of 8 pixels, for criteria that look at some. */
const tinier = () => scrambled(resnet18.build(parseOptions(resnet18, { width: 0.125, classes: 10, image: 8 })));
const calibration = { split: noise(tinier(), 4, 10), task: classification, every: 10 };
const { magnitudeL2, magnitudeL1, random } = criteria;
const { protectedGlobal, local, global } = strategies;

describe('prune', () => {
  for (const criterion of Object.values(criteria))
    for (const strategy of Object.values(strategies))
      it(`${criterion.id}, ${strategy.id}: the first architecture at or past the target`, async () => {
        const graph = criterion.estimate ? tinier() : net();
        const result = await prune(graph, { ...base, calibration, criterion, strategy });
        assert.ok(result.speedup >= 2);
        assert.ok(result.trace.slice(0, -1).every(({ speedup }) => speedup < 2));
        assert.equal(result.speedup, count(graph).macs / count(result.graph).macs);
        for (const { id, units, kept } of result.groups) {
          assert.ok(kept.length > 0, `${id} is empty`);
          if (strategy === protectedGlobal)
            assert.ok(kept.length >= units * 0.1, `${id} keeps ${kept.length} of ${units}`);
        }
        const after = new Map(groups(result.graph).map(group => [group.id, group.units]));
        for (const { id, kept } of result.groups) assert.equal(after.get(id), kept.length);
      });

  it('protection also holds in one shot', async () => {
    const result = await prune(net(), {
      ...base,
      speedup: 8,
      steps: 8,
      criterion: magnitudeL2,
      strategy: protectedGlobal,
    });
    for (const { units, kept } of result.groups) assert.ok(kept.length >= units * 0.1);
  });

  it('local: every group loses the same share', async () => {
    const { groups: results } = await prune(net(), { ...base, criterion: magnitudeL1, strategy: local });
    const shares = results.filter(({ whole }) => !whole).map(({ kept, units }) => kept.length / units);
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 1 / 16);
  });

  it('scores that follow a cut are those of the cut network', async () => {
    for (const { element, ...rest } of [magnitudeL1, magnitudeL2, criteria.lamp, criteria.bnScale]) {
      const slowly: Criterion = defineCriterion({
        ...rest,
        local: slices => tf.tensor1d(slices.arraySync().map(row => row.reduce((sum, w) => sum + element!(w, {}), 0))),
      });
      const options = { ...base, speedup: 1.5, steps: 12, strategy: global };
      const [followed, recomputed] = [
        await prune(net(), { ...options, criterion: { ...rest, element } as Criterion }),
        await prune(net(), { ...options, criterion: slowly }),
      ];
      assert.deepEqual(followed.groups, recomputed.groups, rest.id);
    }
  });

  it('ties are broken by position, never by pruning all or none', async () => {
    const constant = defineCriterion({ id: 'constant', title: '', options: z.object({}), element: () => 1 });
    for (const strategy of Object.values(strategies)) {
      const { groups: results } = await prune(net(), { ...base, criterion: constant, strategy });
      for (const { kept, units } of results.filter(({ whole }) => !whole))
        assert.deepEqual(
          kept,
          Array.from({ length: kept.length }, (_, i) => units - kept.length + i),
        );
    }
  });

  it('roundTo keeps multiples, never nothing', async () => {
    const { groups: results } = await prune(net(), {
      ...base,
      criterion: magnitudeL2,
      strategy: protectedGlobal,
      roundTo: 8,
    });
    for (const { kept, whole } of results) if (!whole) assert.equal(kept.length % 8, 0);
  });

  it('roundTo takes no group below the floor of its strategy', async () => {
    // A floor of 5 of 16 units is nearer to 4 than to 8.
    const { groups: results } = await prune(net(), {
      ...base,
      steps: 1,
      criterion: magnitudeL2,
      strategy: protectedGlobal,
      strategyOptions: { floor: 0.3 },
      roundTo: 4,
    });
    for (const { id, kept, units } of results)
      assert.ok(kept.length >= 0.3 * units, `${id}: ${kept.length} of ${units}`);
    assert.ok(results.some(({ kept, units }) => units === 16 && kept.length === 8));
  });

  it('the same seed gives the same result, another seed another', async () => {
    const run = (seed: number) => prune(net(), { ...base, criterion: random, strategy: global, seed });
    const [a, b, c] = [await run(1), await run(1), await run(2)];
    assert.deepEqual(a.groups, b.groups);
    assert.notDeepEqual(a.groups, c.groups);
  });

  it('groups in which nothing scores stay whole, and the result says so', async () => {
    const graph = vgg19.build(parseOptions(vgg19, { width: 0.0625, image: 64 }));
    const { groups: results } = await prune(graph, { ...base, criterion: criteria.bnScale, strategy: protectedGlobal });
    const dense = results.find(({ id }) => id === 'classifier.0')!;
    assert.equal(dense.kept.length, dense.units);
    assert.match(dense.whole!, /nothing in it scores under bn-scale/);
  });

  it('groups left out by option stay whole', async () => {
    const { groups: results } = await prune(net(), {
      ...base,
      criterion: magnitudeL2,
      strategy: global,
      ignore: ['layer1.0.conv1'],
    });
    assert.equal(results.find(({ id }) => id === 'layer1.0.conv1')!.kept.length, 16);
  });

  it('a criterion may change the weights that are left, once, where there is data', async () => {
    const endings: Ending[] = [];
    const half = defineCriterion({
      id: 'half',
      element: Math.abs,
      finish: async ending => {
        await Promise.resolve();
        endings.push(ending);
        return new Map([['fc.kernel', ending.pruned.parameters.get('fc.kernel')!.values.map(w => w / 2)]]);
      },
    });
    const options = { ...base, strategy: local, steps: 20 };
    const plain = await prune(tinier(), { ...options, criterion: half });
    assert.equal(endings.length, 0);
    const { graph, groups: results } = await prune(tinier(), { ...options, calibration, criterion: half });
    assert.equal(endings.length, 1);
    for (const [name, { values }] of plain.graph.parameters) {
      const expected = name === 'fc.kernel' ? values.map(w => w / 2) : values;
      assert.deepEqual(graph.parameters.get(name)!.values, expected, name);
    }
    const [{ original, pruned, groups: all, kept, batches }] = endings as [Ending];
    assert.equal(count(original).macs, plain.before.macs);
    assert.equal(count(pruned).macs, plain.after.macs);
    assert.deepEqual(all, groups(original));
    for (const { id, units, whole, kept: left } of results)
      assert.deepEqual(
        kept.get(id),
        whole ? undefined : Uint8Array.from({ length: units }, (_, u) => +left.includes(u)),
      );
    let images = 0;
    for await (const { size } of batches()) images += size;
    assert.equal(images, 4);
  });

  describe('refuses', () => {
    const options = { ...base, criterion: magnitudeL2, strategy: protectedGlobal };
    const bad = (id: string, criterion: Partial<Criterion>) =>
      defineCriterion({ id, title: '', options: z.object({}), ...criterion });
    const faults: [string, Partial<PruneOptions>, RegExp][] = [
      ['a speed-up below 1', { speedup: 0.5 }, /speedup 0.5: must be at least 1/],
      ['a speed-up that is not a number', { speedup: NaN }, /speedup NaN/],
      ['no steps', { steps: 0 }, /steps 0/],
      [
        'a target that the floor does not allow',
        { speedup: 1000 },
        /protected-global reaches a speed-up of \d+\.\d\d at most, 1000 was asked for/,
      ],
      ['an unknown group to ignore', { ignore: ['nose'] }, /no group nose to ignore/],
      ['a wrong option', { strategyOptions: { floor: 2 } }, /strategy protected-global: option floor/],
      [
        'scores that are not numbers',
        { criterion: bad('nan', { element: () => NaN }) },
        /criterion nan: unit 0 of conv1 scores NaN/,
      ],
      [
        'too few scores',
        { criterion: bad('few', { unit: () => [1] }) },
        /criterion few: 1 scores for the 16 units of conv1/,
      ],
      [
        'local scores of another length',
        { criterion: bad('short', { local: () => tf.tensor1d([1]) }) },
        /criterion short: conv1.kernel has 16 slices along axis 3, scores are \[1\]/,
      ],
      [
        'a criterion that scores nothing',
        { criterion: bad('blind', { scores: () => false, element: Math.abs }) },
        /criterion blind scores none of its/,
      ],
    ];
    const last = (values: [string, Float32Array]) =>
      bad('last', { element: Math.abs, finish: () => Promise.resolve(new Map([values])) });
    const endings: [string, Criterion, RegExp][] = [
      [
        'weights of no parameter',
        last(['fc.core', new Float32Array(1)]),
        /criterion last: resnet18 has no parameter fc.core/,
      ],
      [
        'too few weights',
        last(['fc.bias', new Float32Array(9)]),
        /criterion last: 9 values for the 10 of fc.bias, \[10\]/,
      ],
      [
        'weights that are not numbers',
        last(['fc.bias', new Float32Array(10).fill(NaN, 3)]),
        /criterion last: value 3 of fc.bias is NaN/,
      ],
    ];
    for (const [what, criterion, message] of endings) faults.push([what, { criterion, calibration }, message]);
    for (const [what, change, message] of faults)
      it(what, async () => assert.rejects(prune(net(), { ...options, ...change }), message));
    it('a criterion that states two ways to score', () =>
      assert.throws(
        () => bad('two', { element: Math.abs, unit: () => [] }),
        /criterion two: states 2 of element, pair, local, unit and estimate/,
      ));
    it('to go on when cancelled', async () => {
      const controller = new AbortController();
      const progress = () => controller.abort(new Error('enough'));
      await assert.rejects(prune(net(), { ...options, signal: controller.signal, progress }), /enough/);
    });
  });
});
