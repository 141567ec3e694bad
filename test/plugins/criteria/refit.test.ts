import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { Matrix, solve } from 'ml-matrix';
import { breather } from '../../../kernel/breather.ts';
import { noise } from '../../../kernel/contract/noise.ts';
import { smallGraphs } from '../../../kernel/contract/small-graphs.ts';
import { Builder } from '../../../kernel/graph/builder.ts';
import { cut } from '../../../kernel/graph/cut.ts';
import { inputShape, withParameters, type Graph } from '../../../kernel/graph/graph.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { Parameter } from '../../../kernel/graph/parameter.ts';
import { Network } from '../../../kernel/graph/run.ts';
import type { Ending } from '../../../kernel/plugin.ts';
import { prune } from '../../../kernel/prune/prune.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { random } from '../../../kernel/random.ts';
import { cp } from '../../../plugins/criteria/index.ts';
import { leastSquares } from '../../../plugins/criteria/least-squares.ts';
import { refit, type RefitOptions } from '../../../plugins/criteria/refit.ts';
import { resnet18 } from '../../../plugins/models/index.ts';
import { local } from '../../../plugins/strategies/index.ts';
import { classification } from '../../../plugins/tasks/index.ts';
import { randomKept, scrambled } from '../../kernel/graph/oracle.ts';

/** Strided, dilated, grouped and depthwise convolutions, with and without biases, dense layers at places and behind. */
function convolutions(): Graph {
  const b = new Builder('convolutions');
  let x = b.conv('stem', b.input('image', [9, 8, 2]), { filters: 8, kernel: 3, padding: 1 });
  x = b.relu('relu', b.batchNorm('bn', x));
  x = b.conv('strided', x, { filters: 6, kernel: [2, 3], stride: [2, 1], padding: 1, bias: true });
  x = b.conv('grouped', b.relu('relu2', x), { filters: 8, kernel: 2, dilation: 2, groups: 2, bias: true });
  x = b.conv('depthwise', x, { filters: 8, kernel: 3, padding: 1, groups: 8 });
  x = b.layerNorm('ln', b.dense('places', x, { units: 5 }));
  return scrambled(b.build(b.dense('head', b.flatten('flat', x), { units: 3 })));
}
const nets: Record<string, () => Graph> = {
  convolutions,
  residual: () => scrambled(smallGraphs.residual()),
  vectors: () => scrambled(smallGraphs.vectors()),
};

const images = 24;
const endingOf = (original: Graph, kept: ReadonlyMap<string, readonly boolean[]>, seed = 5): Ending => ({
  original,
  groups: groups(original),
  kept: new Map([...kept].map(([id, mask]) => [id, Uint8Array.from(mask, Number)])),
  pruned: cut(original, kept),
  task: classification,
  random: random(seed),
  batches: () => noise(original, images, 3).batches({ batch: 10 }),
});
const all: RefitOptions = { positions: 1000 };

type Values = ReadonlyMap<string, ArrayLike<number>>;
const changed = (graph: Graph, values: Values): Graph =>
  withParameters(
    graph,
    [...values].map(([name, own]) => [name, new Parameter(graph.parameters.get(name)!.shape, Float32Array.from(own))]),
  );
const refitted = async (ending: Ending, options = all): Promise<Graph> =>
  changed(ending.pruned, await refit(ending, options));

/** What a node computes for all calibration images, `[images x places, channels]`. */
function outputsOf(graph: Graph, node: string): Matrix {
  const network = new Network(graph);
  const source = random(7, 'noise');
  const size = images * inputShape(graph).reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, () => source.normal());
  const y = tf.tidy(() => network.apply(network.input({ size: images, images: values }), { only: [node] })[0]!);
  const channels = y.shape[y.rank - 1]!;
  const all = Matrix.from1DArray(y.size / channels, channels, [...y.dataSync()]);
  y.dispose();
  network.dispose();
  return all;
}

/** Filters of a layer of the original that a cut leaves: each is written into its own weights, and read after the cut. */
function filtersLeft(original: Graph, kernel: string, kept: ReadonlyMap<string, readonly boolean[]>): number[] {
  const { values, shape } = original.parameters.get(kernel)!;
  const filters = shape[shape.length - 1]!;
  const numbered = changed(original, new Map([[kernel, values.map((_, i) => i % filters)]]));
  const { values: left, shape: small } = cut(numbered, kept).parameters.get(kernel)!;
  return [...left.slice(0, small[small.length - 1])];
}

const readersOf = ({ original, pruned }: Ending) =>
  pruned.nodes.filter(({ parameters: { kernel } }) => {
    if (!kernel) return false;
    const [now, before] = [pruned, original].map(graph => graph.parameters.get(kernel)!.shape.at(-2));
    return now !== before;
  });

/**
 * The slow way: what a weight adds to an output is what the layer computes with that weight 1 and all others 0; the
 * changes of a filter's weights are solved for with rows that hold them near 0.
 */
function slowly(ending: Ending, kept: ReadonlyMap<string, readonly boolean[]>, ridge: number): Graph {
  let graph = ending.pruned;
  for (const { id, parameters } of readersOf(ending)) {
    const { kernel, bias } = parameters as { kernel: string; bias?: string };
    const { shape, values } = graph.parameters.get(kernel)!;
    const filters = shape[shape.length - 1]!;
    const columns = values.length / filters;
    const wanted = outputsOf(ending.original, id).subMatrixColumn(filtersLeft(ending.original, kernel, kept));
    const rest = Matrix.sub(wanted, outputsOf(graph, id));
    const zeros = new Map([[kernel, values.map(() => 0)]]);
    if (bias) zeros.set(bias, new Float32Array(filters));
    const ones = Array.from({ length: columns }, (_, k) => {
      const only = values.map((_, i) => (Math.floor(i / filters) === k ? 1 : 0));
      return outputsOf(changed(graph, new Map([...zeros, [kernel, only]])), id);
    });
    if (bias) ones.push(Matrix.ones(rest.rows, filters));
    const next = values.slice();
    const offsets = bias ? graph.parameters.get(bias)!.values.slice() : new Float32Array(filters);
    for (let filter = 0; filter < filters; filter++) {
      const a = new Matrix(ones.map(one => one.getColumn(filter))).transpose();
      const pull = (ridge * a.norm('frobenius') ** 2) / a.columns;
      const held = Matrix.zeros(a.rows + a.columns, a.columns);
      held.setSubMatrix(a, 0, 0);
      held.setSubMatrix(Matrix.eye(a.columns).mul(Math.sqrt(pull)), a.rows, 0);
      const right = Matrix.zeros(held.rows, 1);
      right.setSubMatrix(rest.subMatrixColumn([filter]), 0, 0);
      const change = solve(held, right).to1DArray();
      for (let k = 0; k < columns; k++) next[k * filters + filter]! += change[k]!;
      if (bias) offsets[filter]! += change[columns]!;
    }
    graph = changed(graph, new Map([[kernel, next], ...(bias ? ([[bias, offsets]] as const) : [])]));
  }
  return graph;
}

function assertNear(actual: Graph, expected: Graph, tolerance: number): void {
  for (const [name, { values }] of expected.parameters) {
    const own = actual.parameters.get(name)!.values;
    const scale = Math.max(...values.map(Math.abs));
    values.forEach((value, i) =>
      assert.ok(Math.abs(value - own[i]!) <= tolerance * scale, `${name}[${i}] is ${own[i]}, not ${value}`),
    );
  }
}
const distance = (a: Matrix, b: Matrix) => Matrix.sub(a, b).norm('frobenius');

describe('least squares', () => {
  const size = fc.integer({ min: 1, max: 11 });
  it('are those of a library, with a ridge', () =>
    fc.assert(
      fc.asyncProperty(size, size, size, fc.nat(1e6), async (rows, columns, targets, seed) => {
        const source = random(seed);
        const draw = (r: number, c: number) =>
          Matrix.from1DArray(
            r,
            c,
            Array.from({ length: r * c }, () => source.normal()),
          );
        const [a, b] = [draw(rows, columns), draw(rows, targets)];
        const gram = a.transpose().mmul(a);
        const pulls = a.transpose().mmul(b);
        const r = (0.01 * gram.trace()) / columns;
        const expected = solve(Matrix.add(gram, Matrix.eye(columns).mul(r)), pulls).to1DArray();
        const equations = {
          columns,
          gram: Float64Array.from(gram.to1DArray()),
          pulls: Float64Array.from(pulls.to1DArray()),
        };
        const actual = await leastSquares(equations, 0.01, breather());
        expected.forEach((x, i) => assert.ok(Math.abs(x - actual[i]!) < 1e-9 * (1 + Math.abs(x)) * rows * columns));
      }),
    ));

  it('without a ridge, columns that others stand for get 0', async () => {
    // The columns are u, 2u, v, 0, u + v, with u and v at right angles; the target is 3u + 4v.
    const columns = [
      [1, 0],
      [2, 0],
      [0, 1],
      [0, 0],
      [1, 1],
    ];
    const dot = (a: number[], b: number[]) => a[0]! * b[0]! + a[1]! * b[1]!;
    const gram = Float64Array.from(columns.flatMap(a => columns.map(b => dot(a, b))));
    const pulls = Float64Array.from(columns, a => dot(a, [3, 4]));
    const solution = await leastSquares({ columns: 5, gram, pulls }, 0, breather());
    assert.deepEqual([...solution], [3, 0, 4, 0, 0]);
  });
});

describe('refit', function () {
  this.timeout(120_000);

  for (const [name, make] of Object.entries(nets))
    it(`is least squares, layer by layer: ${name}`, async () => {
      const original = make();
      const kept = randomKept(original, random(3), 0.6);
      const ending = endingOf(original, kept);
      assert.ok(readersOf(ending).length > 1);
      const actual = await refitted(ending);
      assertNear(actual, slowly(ending, kept, 1e-4), 2e-3);
      assert.ok(
        distance(outputsOf(actual, original.outputs[0]!), outputsOf(ending.pruned, original.outputs[0]!)) > 0.1,
      );
    });

  it('makes good for units that those that are left stand for', async () => {
    const b = new Builder('twins');
    let x = b.relu('relu', b.batchNorm('bn', b.conv('a', b.input('image', [7, 7, 2]), { filters: 6, kernel: 3 })));
    x = b.relu('relu2', b.conv('b', x, { filters: 6, kernel: 3, bias: true }));
    const graph = scrambled(b.build(b.dense('head', b.globalAveragePool('pool', x), { units: 3 })));
    // Unit u + 3 of each layer is twice unit u.
    const twins = new Map<string, Float32Array>();
    for (const [name, { values, shape }] of graph.parameters) {
      const length = shape[shape.length - 1]!;
      if (/^(a|b|bn)\./.test(name)) {
        const factor = /^(b\.|bn\.(scale|offset))/.test(name) ? 2 : 1;
        twins.set(
          name,
          values.map((value, i) => (i % length < 3 ? value : factor * values[i - 3]!)),
        );
      }
    }
    const original = changed(graph, twins);
    const half = [true, true, true, false, false, false];
    const ending = endingOf(
      original,
      new Map([
        ['a', half],
        ['b', half],
      ]),
    );
    const [wanted, before] = [outputsOf(original, 'head'), outputsOf(ending.pruned, 'head')];
    const after = outputsOf(await refitted(ending, { ...all, ridge: 1e-9 }), 'head');
    assert.ok(distance(before, wanted) > 0.2 * wanted.norm('frobenius'));
    assert.ok(distance(after, wanted) < 1e-4 * wanted.norm('frobenius'), `${distance(after, wanted)}`);
  });

  for (const options of [all, { ...all, most: 5 }, { ...all, ridge: 1e-6 }])
    it(`no layer is further from the original than without it: ${JSON.stringify(options)}`, async () => {
      for (const [seed, make] of [...Object.values(nets), ...Object.values(nets)].entries()) {
        const original = make();
        const kept = randomKept(original, random(seed), 0.4);
        const ending = endingOf(original, kept);
        const values = await refit(ending, options);
        let before = ending.pruned;
        for (const { id, parameters } of readersOf(ending)) {
          const names = [parameters['kernel'], parameters['bias']].filter(name => name !== undefined);
          const after = changed(before, new Map(names.map(name => [name, values.get(name)!])));
          const filters = filtersLeft(original, parameters['kernel']!, kept);
          const wanted = outputsOf(original, id).subMatrixColumn(filters);
          const [far, near] = [before, after].map(graph => distance(outputsOf(graph, id), wanted)) as [number, number];
          assert.ok(near <= far * (1 + 1e-5) + 1e-5, `${original.name}, ${id}: ${near} after ${far}`);
          before = after;
        }
      }
    });

  it('fits layers with many inputs in parts, the first of them as if it were alone', async () => {
    const original = convolutions();
    const ending = endingOf(original, new Map([['stem', [true, true, true, true, true, false, false, false]]]));
    const [whole, parts] = [await refit(ending, all), await refit(ending, { ...all, most: 17 })];
    const { shape, values } = ending.pruned.parameters.get('strided.kernel')!;
    assert.deepEqual(shape, [2, 3, 5, 6]);
    const moved = (own: Float32Array) => own.map((value, i) => Math.abs(value - values[i]!));
    for (const own of [whole, parts]) assert.ok(moved(own.get('strided.kernel')!).every(change => change > 0));
    assert.notDeepEqual(parts, whole);
    const wanted = outputsOf(original, 'strided');
    const error = (own: Values) => distance(outputsOf(changed(ending.pruned, own), 'strided'), wanted);
    assert.ok(error(whole) < error(parts) && error(parts) < 0.8 * error(new Map()));
  });

  it('looks at so many places, the same for the same seed', async () => {
    const original = convolutions();
    const kept = randomKept(original, random(3), 0.6);
    const run = (seed: number, positions: number) => refit(endingOf(original, kept, seed), { positions });
    assert.deepEqual(await run(1, 4), await run(1, 4));
    assert.notDeepEqual(await run(1, 4), await run(2, 4));
    assert.deepEqual(await run(1, 1000), await run(2, 1000));
  });

  it('leaves alone what reads nothing that was pruned', async () => {
    const original = convolutions();
    const ending = endingOf(original, new Map([['strided', [true, true, false]]]));
    assert.deepEqual([...(await refit(ending, all)).keys()], ['grouped.kernel', 'grouped.bias']);
    assert.equal((await refit(endingOf(original, new Map()), all)).size, 0);
  });

  it('a network whose inputs are all 0 stays as it is', async () => {
    const original = scrambled(smallGraphs.vectors());
    const ending = endingOf(original, randomKept(original, random(1)));
    const dark = async function* () {
      for await (const batch of ending.batches()) yield { ...batch, images: new Float32Array(batch.images.length) };
    };
    for (const values of (await refit({ ...ending, batches: dark }, all)).values())
      assert.ok(values.every(Number.isFinite));
  });

  it('gives all its tensors back, also when it is stopped in the middle', async () => {
    const original = convolutions();
    const ending = endingOf(original, randomKept(original, random(3), 0.6));
    const before = tf.memory().numTensors;
    await refit(ending, all);
    assert.equal(tf.memory().numTensors, before);
    const stop = new AbortController();
    const stopping = async function* () {
      for await (const batch of ending.batches()) {
        yield batch;
        stop.abort(new Error('enough'));
      }
    };
    await assert.rejects(refit({ ...ending, batches: stopping, signal: stop.signal }, all), /enough/);
    assert.equal(tf.memory().numTensors, before);
  });
});

describe('cp with a refit', () => {
  const net = () => scrambled(resnet18.build(parseOptions(resnet18, { width: 0.125, classes: 10, image: 8 })));
  const run = (refit: boolean, signal?: AbortSignal) =>
    prune(net(), {
      criterion: cp,
      criterionOptions: { refit },
      strategy: local,
      speedup: 1.5,
      steps: 20,
      calibration: { split: noise(net(), 48, 10), task: classification, every: 10, batch: 16 },
      ...(signal ? { signal } : {}),
    });

  it('keeps the same units, and comes nearer to what the network computed', async () => {
    const [plain, fitted] = [await run(false), await run(true)];
    assert.deepEqual(fitted.groups, plain.groups);
    assert.deepEqual(fitted.after, plain.after);
    assert.deepEqual(fitted.graph.nodes, plain.graph.nodes);
    const [wanted, far, near] = [net(), plain.graph, fitted.graph].map(graph => outputsOf(graph, 'fc'));
    assert.ok(distance(near!, wanted!) < 0.5 * distance(far!, wanted!));
  });

  it('stops when it is asked to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await assert.rejects(run(true, stop.signal), /enough/);
  });
});
