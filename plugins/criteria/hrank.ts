import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { defineCriterion, type Calibration } from '../../kernel/plugin.ts';
import type { Computed } from '../../kernel/graph/run.ts';
import { numericRank } from './numeric-rank.ts';

/** Images whose maps are in memory at a time. */
const atOnce = 16;

/**
 * Mean over images of the rank of a filter's output map. Maps of 1 x 1 all have the same: the mean squared map tells
 * equal ranks apart, and never weighs more than a rank.
 */
export const hrank = defineCriterion({
  id: 'hrank',
  title: 'rank of the output maps',
  paper: 'Lin et al. 2020, HRank: Filter Pruning Using High-Rank Feature Map',
  scores: ({ role, op }) => role === 'out' && op === 'conv',
  async estimate(calibration) {
    const kernels = new Set(
      calibration.groups.flatMap(({ members }) =>
        members.filter(({ role, op }) => role === 'out' && op === 'conv').map(({ parameter }) => parameter),
      ),
    );
    const ranks = new Map<string, Float64Array>();
    const squares = new Map<string, Float64Array>();
    let images = 0;
    for await (const { name, maps, size } of outputMaps(calibration, kernels)) {
      if (!ranks.has(name)) {
        ranks.set(name, new Float64Array(maps.shape[3]));
        squares.set(name, new Float64Array(maps.shape[3]));
      }
      if (ranks.keys().next().value === name) images += size;
      addUp(maps.values, maps.shape, ranks.get(name)!, squares.get(name)!);
    }
    const scores = [...ranks].map(([name, sums]) => {
      const norms = squares.get(name)!;
      return [name, sums.map((sum, c) => (sum + (0.5 * norms[c]!) / (images + norms[c]!)) / images)] as const;
    });
    return { filters: new Map(scores) };
  },
});

/** Adds the ranks and the mean squares of the maps `[images, height, width, channels]` of each channel. */
function addUp(
  values: Float32Array,
  [images, height, width, channels]: readonly [number, number, number, number],
  ranks: Float64Array,
  squares: Float64Array,
): void {
  const map = new Float64Array(height * width);
  for (let image = 0; image < images; image++)
    for (let c = 0; c < channels; c++) {
      let square = 0;
      for (let i = 0, at = image * map.length * channels + c; i < map.length; i++, at += channels) {
        const value = (map[i] = values[at]!);
        square += value * value;
      }
      squares[c]! += square / map.length;
      ranks[c]! += numericRank(map, height, width);
    }
}

interface OutputMaps {
  readonly name: string;
  readonly size: number;
  readonly maps: { readonly values: Float32Array; readonly shape: readonly [number, number, number, number] };
}

async function* outputMaps(
  { network, batches }: Calibration,
  kernels: ReadonlySet<string>,
): AsyncGenerator<OutputMaps> {
  const shape = Object.values(network.graph.inputs)[0]!;
  for await (const { size, images } of batches()) {
    const values = images.length / size;
    for (let from = 0; from < size; from += atOnce) {
      const some = Math.min(atOnce, size - from);
      const found: [string, tf.Tensor][] = [];
      const tap = ({ view, output }: Computed): undefined => {
        const { kernel } = view.names;
        if (kernel !== undefined && kernels.has(kernel)) found.push([kernel, tf.keep(tf.clone(output))]);
      };
      try {
        tf.tidy(() => {
          network.apply(tf.tensor(images.subarray(from * values, (from + some) * values), [some, ...shape]), { tap });
        });
        for (const [name, maps] of found) {
          const data = await maps.data<'float32'>();
          yield { name, size: some, maps: { values: data, shape: maps.shape as [number, number, number, number] } };
          await setImmediate();
        }
      } finally {
        for (const [, maps] of found) maps.dispose();
      }
    }
  }
}
