import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { Matrix, SVD } from 'ml-matrix';
import { Builder } from '../../../kernel/graph/builder.ts';
import { withParameters, type Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { Parameter } from '../../../kernel/graph/parameter.ts';
import { Network } from '../../../kernel/graph/run.ts';
import type { Batch, Calibration, Criterion, Estimate } from '../../../kernel/plugin.ts';
import { contributionProducts } from '../../../kernel/prune/contributions.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { random, type Random } from '../../../kernel/random.ts';
import { hrank, obdC, obdHessian, taylor } from '../../../plugins/criteria/index.ts';
import { lassoEntries, lassoPath } from '../../../plugins/criteria/lasso.ts';
import { numericRank } from '../../../plugins/criteria/numeric-rank.ts';
import { greedy } from '../../../plugins/criteria/thinet.ts';
import { classification } from '../../../plugins/tasks/index.ts';
import { scrambled } from '../../kernel/graph/oracle.ts';
import { noise } from '../../../kernel/contract/noise.ts';

/** Strided, dilated, grouped and depthwise convolutions, norms, a dense layer behind places and one behind a pool. */
function convolutions(): Graph {
  const b = new Builder('convolutions');
  let x = b.conv('stem', b.input('image', [7, 6, 2]), { filters: 6, kernel: 3, stride: 2, padding: 1, bias: true });
  x = b.relu('relu', b.batchNorm('bn', x));
  x = b.conv('grouped', x, { filters: 4, kernel: [2, 3], padding: 1, groups: 2 });
  x = b.conv('depthwise', x, { filters: 8, kernel: 3, padding: 2, dilation: 2, groups: 4 });
  x = b.layerNorm('ln', b.dense('places', x, { units: 5 }));
  return scrambled(b.build(b.dense('head', b.globalAveragePool('pool', x), { units: 3 })));
}
function vectors(): Graph {
  const b = new Builder('vectors');
  const x = b.layerNorm('ln', b.dense('first', b.input('x', [7]), { units: 9 }));
  return scrambled(b.build(b.dense('last', b.activation('gelu', 'gelu', x), { units: 3 })));
}

const imageCount = 6;
/** A calibration on noise, in batches of 4 and 2. */
function calibrationOf(graph: Graph, source: Random = random(5)): Calibration {
  const list = groups(graph).filter(group => !group.protected);
  const split = noise(graph, imageCount, 3);
  return {
    network: new Network(graph),
    groups: list,
    task: classification,
    random: source,
    batches: () => split.batches({ batch: 4 }),
  };
}
async function estimated(criterion: Criterion, graph: Graph): Promise<Estimate> {
  const calibration = calibrationOf(graph);
  try {
    return await criterion.estimate!(calibration, parseOptions(criterion));
  } finally {
    calibration.network.dispose();
  }
}
async function samplesOf(graph: Graph): Promise<Batch<Int32Array>[]> {
  const samples: Batch<Int32Array>[] = [];
  for await (const sample of noise(graph, imageCount, 3).batches({ batch: 1 })) samples.push(sample);
  return samples;
}

/** By parameter: the gradient of every image's own loss. */
async function gradientsOf(graph: Graph, labels?: Int32Array): Promise<Map<string, Float32Array[]>> {
  const network = new Network(graph);
  const found = new Map<string, Float32Array[]>();
  for (const [i, { images, targets }] of (await samplesOf(graph)).entries())
    tf.tidy(() => {
      const x = tf.tensor(images, [1, ...Object.values(graph.inputs)[0]!]);
      const label = labels ? labels.subarray(i, i + 1) : targets;
      const { grads } = tf.variableGrads(() => classification.loss(network.apply(x), label), network.trainable);
      for (const [name, variable] of network.variables) {
        const gradient = grads[variable.name];
        if (gradient) found.set(name, [...(found.get(name) ?? []), gradient.dataSync<'float32'>()]);
      }
    });
  network.dispose();
  return found;
}
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, name: string, tolerance = 1e-4) => {
  const scale = Math.max(1e-6, ...Array.from(expected, Math.abs));
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * scale,
      `${name}[${i}] is ${actual[i]}, not ${expected[i]}`,
    );
};

for (const make of [convolutions, vectors])
  describe(`criteria from gradients: ${make.name}`, () => {
    const graph = make();
    const elements = (estimate: Estimate) => (estimate as { elements: ReadonlyMap<string, Float32Array> }).elements;
    const scored = [...graph.parameters.keys()].filter(name => /kernel|scale/.test(name));
    /** Asserts that a weight's score is a function of it and of its gradients, one per image. */
    const holds = (
      actual: ReadonlyMap<string, Float32Array>,
      gradients: ReadonlyMap<string, readonly Float32Array[]>,
      f: (w: number, gs: readonly number[]) => number,
    ) => {
      for (const name of scored) {
        const own = gradients.get(name)!;
        const expected = graph.parameters.get(name)!.values.map((w, i) =>
          f(
            w,
            own.map(g => g[i]!),
          ),
        );
        assert.ok(expected.some(value => value !== 0));
        near(actual.get(name)!, expected, name);
      }
    };

    it('taylor: |w| times the mean gradient', async () =>
      holds(elements(await estimated(taylor, graph)), await gradientsOf(graph), (w, gs) => Math.abs(w * mean(gs))));

    it("obd-hessian: w^2 times the mean of the images' squared gradients", async () =>
      holds(
        elements(await estimated(obdHessian, graph)),
        await gradientsOf(graph),
        (w, gs) => w * w * mean(gs.map(g => g * g)),
      ));

    it('obd-c: the same with labels that the network itself draws', async () => {
      const network = new Network(graph);
      const source = random(5);
      const labels: number[] = [];
      for await (const { images, size } of noise(graph, imageCount, 3).batches({ batch: 4 })) {
        const outputs = network.apply(tf.tensor(images, [size, ...Object.values(graph.inputs)[0]!]));
        labels.push(...(await classification.sample!(outputs, source)));
        tf.dispose(outputs);
      }
      network.dispose();
      const gradients = await gradientsOf(graph, Int32Array.from(labels));
      holds(elements(await estimated(obdC, graph)), gradients, (w, gs) => w * w * mean(gs.map(g => g * g)));
    });

    it('the gradients are those of finite differences', async () => {
      const gradients = await gradientsOf(graph);
      const samples = await samplesOf(graph);
      const lossAt = (name: string, index: number, change: number) => {
        const { shape, values } = graph.parameters.get(name)!;
        const moved = values.slice();
        moved[index]! += change;
        const network = new Network(withParameters(graph, [[name, new Parameter(shape, moved)]]));
        const losses = samples.map(({ images, targets }) =>
          tf.tidy(() => {
            const x = tf.tensor(images, [1, ...Object.values(graph.inputs)[0]!]);
            return classification.loss(network.apply(x), targets).dataSync()[0]!;
          }),
        );
        network.dispose();
        return mean(losses);
      };
      for (const name of scored) {
        const own = gradients.get(name)!.map(gradient => gradient[1]!);
        const difference = (lossAt(name, 1, 5e-3) - lossAt(name, 1, -5e-3)) / 1e-2;
        assert.ok(Math.abs(difference - mean(own)) < 2e-3 + 0.02 * Math.abs(mean(own)), `${name}: ${difference}`);
      }
    });
  });

describe('classification draws labels', () => {
  it('with the probabilities of the softmax', async () => {
    const logits = [2, 0, -1, 1];
    const outputs = [tf.tile(tf.tensor2d([logits]), [8000, 1])];
    const labels = await classification.sample!(outputs, random(3));
    tf.dispose(outputs);
    const total = logits.reduce((sum, l) => sum + Math.exp(l), 0);
    logits.forEach((logit, c) => {
      const share = labels.filter(label => label === c).length / labels.length;
      assert.ok(Math.abs(share - Math.exp(logit) / total) < 0.02, `class ${c}: ${share}`);
    });
  });
});

describe('contributions of units to what is computed from them', () => {
  /** Whoever draws gets 0: the first filter, and the first place where not all are used. */
  const zero: Random = { uniform: () => 0, normal: () => 0, integer: () => 0, fork: () => zero };

  it('are how much an output falls when the unit is left out of the kernel that reads it', async () => {
    const graph = convolutions();
    const calibration = calibrationOf(graph, zero);
    const products = await contributionProducts(calibration, { positions: 1000 });
    calibration.network.dispose();
    const input = [...(await samplesOf(graph))].flatMap(({ images }) => [...images]);
    const shape = Object.values(graph.inputs)[0]!;
    /** First filter of a layer at all places, without some indices of its input axis. */
    const outputs = (layer: string, gone: readonly number[], axis: number): number[] => {
      const name = `${layer}.kernel`;
      const { shape: sizes, values } = graph.parameters.get(name)!;
      const inner = sizes.slice(axis + 1).reduce((a, b) => a * b, 1);
      const changed = values.map((w, i) => (gone.includes(Math.floor(i / inner) % sizes[axis]!) ? 0 : w));
      const network = new Network(withParameters(graph, [[name, new Parameter(sizes, changed)]]));
      const y = tf.tidy(() => {
        const [all] = network.apply(tf.tensor(input, [imageCount, ...shape]), { only: [layer] });
        return tf
          .reshape(tf.slice(tf.reshape(all!, [-1, all!.shape[all!.rank - 1]!]), [0, 0], [-1, 1]), [-1])
          .dataSync();
      });
      network.dispose();
      return [...y];
    };
    const readers: Record<string, [string, number]> = {
      stem: ['grouped', 2],
      grouped: ['places', 0],
      places: ['head', 0],
    };
    for (const { id, units, members } of groups(graph).filter(group => !group.protected)) {
      const [layer, axis] = readers[id]!;
      const { units: unitOf } = members.find(({ parameter }) => parameter === `${layer}.kernel`)!;
      const whole = outputs(layer, [], axis);
      const own = Array.from({ length: units }, (_, unit) => {
        const without = outputs(
          layer,
          [...unitOf.keys()].filter(index => unitOf[index] === unit),
          axis,
        );
        return whole.map((y, i) => y - without[i]!);
      });
      const expected = own.flatMap(a => own.map(b => a.reduce((sum, value, i) => sum + value * b[i]!, 0)));
      near(products.get(id)!, expected, id);
    }
  });

  it('samples as many places of an image as asked for, and the same with the same stream', async () => {
    const graph = convolutions();
    const run = async (positions: number, seed: number) => {
      const calibration = calibrationOf(graph, random(seed));
      const products = await contributionProducts(calibration, { positions });
      calibration.network.dispose();
      return products.get('stem')!;
    };
    assert.deepEqual(await run(2, 1), await run(2, 1));
    assert.notDeepEqual(await run(2, 1), await run(2, 2));
    const trace = (gram: Float64Array) =>
      gram.filter((_, i) => i % (Math.sqrt(gram.length) + 1) === 0).reduce((a, b) => a + b, 0);
    const [few, many] = [trace(await run(2, 1)), trace(await run(8, 1))];
    assert.ok(many > 2 * few && many < 8 * few, `${many} and ${few}`);
  });
});

const vectorsOf = (count: number) =>
  fc.array(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: count, maxLength: count }), {
    minLength: 2,
    maxLength: 7,
  });
const inner = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const gramOf = (list: readonly (readonly number[])[]) =>
  Float64Array.from(list.flatMap(a => list.map(b => inner(a, b))));

describe('thinet', () => {
  it('removes what brute force removes, turn by turn', () =>
    fc.assert(
      fc.property(vectorsOf(4), list => {
        const turns = greedy(gramOf(list));
        const gone: number[] = [];
        for (let turn = 1; turn <= list.length; turn++) {
          const costs = list.map((_, unit) => {
            if (gone.includes(unit)) return Infinity;
            const sum = [...gone, unit].reduce((total, u) => total.map((t, i) => t + list[u]![i]!), [0, 0, 0, 0]);
            return (
              inner(sum, sum) -
              gone.reduce((total, u) => total + gone.reduce((t, v) => t + inner(list[u]!, list[v]!), 0), 0)
            );
          });
          const next = costs.indexOf(Math.min(...costs));
          assert.equal(turns[next], turn);
          gone.push(next);
        }
      }),
    ));
});

describe('cp', () => {
  const problem = vectorsOf(6).map(list => {
    const gram = gramOf(list);
    return { gram, target: Float64Array.from(list, a => list.reduce((sum, b) => sum + inner(a, b), 0)) };
  });

  it('every point of the path satisfies the conditions of optimality', () =>
    fc.assert(
      fc.property(problem, ({ gram, target }) => {
        const units = target.length;
        const first = Math.max(...target.map(Math.abs));
        for (const { penalty, factors } of lassoPath(gram, target)) {
          const tolerance = 1e-6 * first;
          for (let unit = 0; unit < units; unit++) {
            const pull = target[unit]! - factors.reduce((sum, f, j) => sum + f * gram[unit * units + j]!, 0);
            if (factors[unit] === 0) assert.ok(Math.abs(pull) <= penalty + tolerance);
            else assert.ok(Math.abs(pull - Math.sign(factors[unit]!) * penalty) <= tolerance);
          }
        }
      }),
    ));

  it('begins where all factors are 0 and ends where nothing is left to explain', () =>
    fc.assert(
      fc.property(problem, ({ gram, target }) => {
        const most = Math.max(...target.map(Math.abs));
        let penalty = most;
        let rest: number[] = [];
        for (const point of lassoPath(gram, target)) {
          assert.ok(point.penalty <= penalty);
          penalty = point.penalty;
          rest = [...point.rest];
        }
        for (const pull of rest) assert.ok(Math.abs(pull) <= 1e-6 * most);
      }),
    ));

  it('with units that have nothing in common, it is how much each explains', () => {
    const sizes = [4, 9, 1, 0];
    const gram = Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? sizes[i / 5]! : 0));
    near(lassoEntries(gram, Float64Array.from(sizes)), sizes, 'score', 1e-12);
  });
});

describe('hrank', () => {
  const { maps } = {
    maps: fc.tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      fc.nat(1e6),
    ),
  };

  it('the rank of a map is that of its singular values', () =>
    fc.assert(
      fc.property(maps, ([rows, columns, rank, seed]) => {
        const source = random(seed);
        const draw = (r: number, c: number) =>
          Matrix.from1DArray(
            r,
            c,
            Array.from({ length: r * c }, () => source.normal()),
          );
        const full = rank === 0 ? Matrix.zeros(rows, columns) : draw(rows, rank).mmul(draw(rank, columns));
        const matrix = full.to1DArray().map(Math.fround);
        const { diagonal } = new SVD(Matrix.from1DArray(rows, columns, matrix), { autoTranspose: true });
        const largest = Math.max(...diagonal);
        const limit = largest * Math.max(rows, columns) * 2 ** -23;
        // What rounding decides is not asked.
        fc.pre(diagonal.every(s => s === 0 || s > 3 * limit || s < limit / 3));
        assert.equal(numericRank(Float64Array.from(matrix), rows, columns), diagonal.filter(s => s > limit).length);
      }),
      { numRuns: 300 },
    ));

  it('a score is the mean rank of the maps that a filter gives', async () => {
    const graph = convolutions();
    const { filters } = (await estimated(hrank, graph)) as { filters: ReadonlyMap<string, Float64Array> };
    assert.deepEqual([...filters.keys()].sort(), ['depthwise.kernel', 'grouped.kernel', 'stem.kernel']);
    const network = new Network(graph);
    const expected = new Float64Array(6);
    for (const { images } of await samplesOf(graph)) {
      const [y] = network.apply(tf.tensor(images, [1, 7, 6, 2]), { only: ['stem'] });
      const [, rows, columns] = y!.shape as number[];
      const values = y!.dataSync();
      for (let c = 0; c < 6; c++) {
        const map = [...values].filter((_, i) => i % 6 === c);
        const { diagonal } = new SVD(Matrix.from1DArray(rows!, columns!, map), { autoTranspose: true });
        expected[c]! += diagonal.filter(s => s > Math.max(...diagonal) * rows! * 2 ** -23).length / imageCount;
      }
      y!.dispose();
    }
    network.dispose();
    filters
      .get('stem.kernel')!
      .forEach((score, c) => assert.equal(Math.floor(score * imageCount) / imageCount, expected[c]));
  });

  it('tells maps of one pixel apart by their squares', async () => {
    const b = new Builder('pixels');
    const x = b.conv('a', b.input('image', [2, 2, 3]), { filters: 4, kernel: 2 });
    const graph = scrambled(b.build(b.dense('head', b.flatten('flat', x), { units: 3 })));
    const { filters } = (await estimated(hrank, graph)) as { filters: ReadonlyMap<string, Float64Array> };
    const scores = [...filters.get('a.kernel')!];
    assert.ok(scores.every(score => score > 1 && score < 1.1));
    assert.equal(new Set(scores).size, 4);
  });
});
