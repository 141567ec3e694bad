import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { breather } from '../../kernel/breather.ts';
import { keptIndices } from '../../kernel/graph/cut.ts';
import type { Node } from '../../kernel/graph/graph.ts';
import { Network } from '../../kernel/graph/run.ts';
import type { Batch, Ending } from '../../kernel/plugin.ts';
import { windowOf } from '../../kernel/prune/window.ts';
import type { Random } from '../../kernel/random.ts';
import { leastSquares, type NormalEquations } from './least-squares.ts';

export interface RefitOptions {
  /** Sampled places per image of every layer's output. */
  readonly positions: number;
  /** Pull towards the weights as they are, as a share of the mean squared input. */
  readonly ridge?: number;
  /** Inputs of a layer that are fitted at a time; more than that are fitted in parts, one after the other. */
  readonly most?: number;
}

/**
 * New kernels and biases for the convolutions and dense layers that read pruned groups: those with which each of them,
 * fed by the pruned network as it has been refitted before it, comes closest to what it computed in the original, in
 * least squares over sampled places (He et al. 2017, Channel Pruning, 3.1). Layers come in the order of the graph.
 *
 * What is solved for is the change of the weights, with a ridge, so that the error of a layer at the samples never grows,
 * few as they may be. A layer with more inputs (taps times channels) than `most` is fitted part by part, each to what the
 * others leave: then the error still never grows, but it is not the least for all parts together.
 *
 * For each layer and part, both networks run up to it on all batches; with n samples in all, k inputs and m filters this
 * adds n k (k + m) multiply-adds on the backend, k^2 (k / 6 + m) in JavaScript and some 20 k^2 bytes, for each group of
 * filters in a grouped convolution.
 */
export async function refit(
  ending: Ending,
  { positions, ridge = 1e-4, most = 4608 }: RefitOptions,
): Promise<Map<string, Float32Array>> {
  const networks = { original: new Network(ending.original), pruned: new Network(ending.pruned) };
  const breathe = breather(ending.signal);
  const refitted = new Map<string, Float32Array>();
  try {
    for (const reader of readersOf(ending))
      for (let from = 0; from < reader.columns; from += most) {
        const part = { from, to: Math.min(reader.columns, from + most) };
        const equations = await equationsOf(ending, networks, reader, part, positions);
        for (const [group, own] of equations.entries())
          addTo(refitted, ending, reader, { ...part, group, change: await leastSquares(own, ridge, breathe) });
        for (const name of [reader.kernel, reader.bias])
          if (name !== undefined) assign(networks.pruned.variables.get(name)!, refitted.get(name)!);
      }
    return refitted;
  } finally {
    networks.original.dispose();
    networks.pruned.dispose();
  }
}

/** Layers with one kernel, nearly always one, that read less than they did. */
interface Reader {
  readonly kernel: string;
  /** Where all have the same bias. */
  readonly bias: string | undefined;
  readonly nodes: readonly Node[];
  readonly groups: number;
  /** Inputs of a filter: taps times channels. */
  readonly columns: number;
  /** How many filters stay, and which ones; undefined for all of them. */
  readonly filters: number;
  readonly kept: Int32Array | undefined;
}

/** In the order of the graph. */
function readersOf({ original, groups, kept, pruned }: Ending): Reader[] {
  const byKernel = new Map<string, Node[]>();
  for (const node of pruned.nodes) {
    const { kernel } = node.parameters;
    if (kernel !== undefined) byKernel.set(kernel, [...(byKernel.get(kernel) ?? []), node]);
  }
  return [...byKernel].flatMap(([kernel, nodes]): Reader[] => {
    const [before, { shape, size }] = [original.parameters.get(kernel)!, pruned.parameters.get(kernel)!];
    const input = shape.length - 2;
    if (shape[input] === before.shape[input]) return [];
    const filters = shape[input + 1]!;
    const { bias } = nodes[0]!.parameters;
    return [
      {
        kernel,
        bias: nodes.every(({ parameters }) => parameters.bias === bias) ? bias : undefined,
        nodes,
        groups: (nodes[0]!.attributes as { groups?: number }).groups ?? 1,
        columns: size / filters,
        filters,
        kept: keptIndices(original, kernel, groups, kept)[input + 1],
      },
    ];
  });
}

/** Inputs of a layer that are fitted together, as a range of its columns. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * For each group of filters, the normal equations of how the weights of a part should change. The last column is 1 where
 * there is a bias.
 */
async function equationsOf(
  { random, batches }: Ending,
  networks: { readonly original: Network; readonly pruned: Network },
  reader: Reader,
  part: Part,
  positions: number,
): Promise<NormalEquations[]> {
  const { groups, filters } = reader;
  const columns = part.to - part.from + (reader.bias === undefined ? 0 : 1);
  const gram = new Float64Array(groups * columns * columns);
  const pulls = new Float64Array(columns * filters);
  let count = 0;
  for await (const batch of batches()) {
    const stream = random.fork(`${reader.kernel}/${part.from}/batch ${count++}`);
    const products = tf.tidy(() => {
      const [inputs, rest] = samplesOf(networks, reader, part, batch, { positions, random: stream });
      return [tf.matMul(inputs, inputs, true, false), tf.matMul(inputs, rest, true, false)];
    });
    try {
      for (const [i, total] of [gram, pulls].entries()) {
        const values = await products[i]!.data();
        for (let at = 0; at < total.length; at++) total[at]! += values[at]!;
      }
    } finally {
      tf.dispose(products);
    }
    await setImmediate();
  }
  const own = (all: Float64Array, group: number) =>
    all.subarray((all.length / groups) * group, (all.length / groups) * (group + 1));
  return Array.from({ length: groups }, (_, g) => ({ columns, gram: own(gram, g), pulls: own(pulls, g) }));
}

/**
 * What a part of the layer reads at sampled places, `[groups, samples, columns]`, and what its outputs lack there to be
 * those of the original, `[groups, samples, filters]`.
 */
function samplesOf(
  { original, pruned }: { readonly original: Network; readonly pruned: Network },
  { nodes, kernel, bias, groups, columns, filters, kept }: Reader,
  { from, to }: Part,
  batch: Batch,
  { positions, random }: { readonly positions: number; readonly random: Random },
): [inputs: tf.Tensor, rest: tf.Tensor] {
  const x = pruned.input(batch);
  const all = nodes.map(node => {
    const [wanted] = original.apply(x, { only: [node.id] }) as [tf.Tensor];
    const [input, output] = pruned.apply(x, { only: [node.inputs[0]!, node.id] }) as [tf.Tensor, tf.Tensor];
    const window = windowOf(node, input, pruned.variables.get(kernel)!.shape, output.shape);
    const places = samplePlaces(batch.size, window.places, positions, random);
    const rows = new Int32Array(groups * places.length * window.taps);
    let next = 0;
    for (let group = 0; group < groups; group++)
      for (const at of places)
        for (let tap = 0; tap < window.taps; tap++)
          rows[next++] = window.row(Math.floor(at / window.places), at % window.places, tap, group);
    const read = tf.reshape(tf.gather(window.rows, tf.tensor1d(rows, 'int32')), [groups, places.length, columns]);
    const at = tf.tensor1d(places, 'int32');
    const sampled = (y: tf.Tensor) => tf.gather(tf.reshape(y, [-1, y.shape[y.rank - 1]!]), at);
    const target = kept ? tf.gather(sampled(wanted), tf.tensor1d(kept, 'int32'), 1) : sampled(wanted);
    const rest = tf.reshape(tf.sub(target, sampled(output)), [places.length, groups, filters / groups]);
    return [tf.slice(read, [0, 0, from], [groups, places.length, to - from]), tf.transpose(rest, [1, 0, 2])] as const;
  });
  const inputs = tf.concat(
    all.map(([read]) => read),
    1,
  );
  const rest = tf.concat(
    all.map(([, own]) => own),
    1,
  );
  if (bias === undefined) return [inputs, rest];
  return [tf.concat([inputs, tf.ones([groups, inputs.shape[1]!, 1])], 2), rest];
}

/** Places of a batch's outputs, `images x places` in all: of each image one from each of equal stretches, or all. */
function samplePlaces(images: number, places: number, positions: number, random: Random): Int32Array {
  const each = Math.min(positions, places);
  return Int32Array.from({ length: images * each }, (_, sample) => {
    const place = Math.floor((((sample % each) + random.uniform()) * places) / each);
    return Math.floor(sample / each) * places + place;
  });
}

/** Adds what was found for one group of filters, `[columns, filters of the group]`, to kernel and bias. */
function addTo(
  refitted: Map<string, Float32Array>,
  { pruned }: Ending,
  { kernel, bias, groups, filters }: Reader,
  { from, to, group, change }: Part & { readonly group: number; readonly change: Float64Array },
): void {
  const own = filters / groups;
  const values = (name: string) => refitted.get(name) ?? pruned.parameters.get(name)!.values.slice();
  const weights = values(kernel);
  refitted.set(kernel, weights);
  for (let column = from; column < to; column++)
    for (let filter = 0; filter < own; filter++)
      weights[column * filters + group * own + filter]! += change[(column - from) * own + filter]!;
  if (bias === undefined) return;
  const offsets = values(bias);
  refitted.set(bias, offsets);
  for (let filter = 0; filter < own; filter++) offsets[group * own + filter]! += change[(to - from) * own + filter]!;
}

const assign = (variable: tf.Variable, values: Float32Array): void =>
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
