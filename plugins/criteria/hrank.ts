import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { defineCriterion, type Calibration, type MemberView } from '../../kernel/plugin.ts';
import type { Computed } from '../../kernel/graph/run.ts';
import { numericRank } from './numeric-rank.ts';

/** Images whose maps are in memory at a time. */
const atOnce = 16;

const isFilters = ({ role, op }: MemberView): boolean => role === 'out' && op === 'conv';

/**
 * Mean over images of the rank of a filter's output map. Maps of 1 x 1 all have the same: the mean squared map tells
 * equal ranks apart, and never weighs more than a rank.
 */
export const hrank = defineCriterion({
  id: 'hrank',
  title: 'rank of the output maps',
  paper: 'Lin et al. 2020, HRank: Filter Pruning Using High-Rank Feature Map',
  scores: isFilters,
  async estimate(calibration) {
    const kernels = new Set(
      calibration.groups.flatMap(({ members }) => members.filter(isFilters).map(({ parameter }) => parameter)),
    );
    const sums = new Map<string, Sums>();
    for await (const { name, values, shape } of outputMaps(calibration, kernels)) {
      const [images, , , channels] = shape;
      const sum = sums.get(name) ?? {
        images: 0,
        ranks: new Float64Array(channels),
        squares: new Float64Array(channels),
      };
      sums.set(name, sum);
      sum.images += images;
      addUp(values, shape, sum);
    }
    const scores = [...sums].map(([name, { images, ranks, squares }]) => {
      const score = (rank: number, square: number) => (rank + (0.5 * square) / (images + square)) / images;
      return [name, ranks.map((rank, c) => score(rank, squares[c]!))] as const;
    });
    return { filters: new Map(scores) };
  },
});

/** Over the images so far, by channel. */
interface Sums {
  images: number;
  readonly ranks: Float64Array;
  readonly squares: Float64Array;
}

/** Adds the ranks and the mean squares of the maps `[images, height, width, channels]` of each channel. */
function addUp(
  values: Float32Array,
  [images, height, width, channels]: readonly [number, number, number, number],
  { ranks, squares }: Sums,
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

/** Output maps of a layer, by the name of its kernel. */
interface OutputMaps {
  readonly name: string;
  readonly values: Float32Array;
  readonly shape: readonly [images: number, height: number, width: number, channels: number];
}

async function* outputMaps(
  { network, batches }: Calibration,
  kernels: ReadonlySet<string>,
): AsyncGenerator<OutputMaps> {
  for await (const { size, images } of batches()) {
    const values = images.length / size;
    for (let from = 0; from < size; from += atOnce) {
      const to = Math.min(size, from + atOnce);
      const some = { size: to - from, images: images.subarray(from * values, to * values) };
      const found: [string, tf.Tensor][] = [];
      const tap = ({ view, output }: Computed): undefined => {
        const { kernel } = view.names;
        if (kernel !== undefined && kernels.has(kernel)) found.push([kernel, tf.keep(tf.clone(output))]);
      };
      try {
        tf.tidy(() => {
          network.apply(network.input(some), { tap });
        });
        for (const [name, maps] of found) {
          yield { name, values: await maps.data<'float32'>(), shape: maps.shape as [number, number, number, number] };
          await setImmediate();
        }
      } finally {
        for (const [, maps] of found) maps.dispose();
      }
    }
  }
}
