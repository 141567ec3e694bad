import * as tf from '@tensorflow/tfjs';
import { setImmediate } from 'node:timers/promises';
import type { Computed } from '../graph/run.ts';
import type { Calibration } from '../plugin.ts';
import type { Random } from '../random.ts';
import { windowOf } from './window.ts';

/**
 * How much of what is computed from a group comes from each of its units. Outputs of the layers that read the group are
 * sampled, `positions` per image and layer, each of one filter; what a unit adds to such an output is its contribution.
 * Returns by group the inner products of the units' contributions over all samples and layers, `[units, units]`.
 */
export async function contributionProducts(
  { network, groups, batches, random }: Calibration,
  { positions = 10 } = {},
): Promise<Map<string, Float64Array>> {
  const readers = new Map<string, Reader[]>();
  for (const { id, units, members } of groups)
    for (const { parameter, role, units: unitOf } of members) {
      if (role !== 'in') continue;
      const known = readers.get(parameter) ?? [];
      readers.set(parameter, [...known, { group: id, units, unitOf }]);
    }
  const products = new Map(groups.map(({ id, units }) => [id, new Float64Array(units * units)]));
  let count = 0;
  for await (const batch of batches()) {
    const found: { group: string; product: tf.Tensor }[] = [];
    const stream = random.fork(`batch ${count++}`);
    const tap = (computed: Computed): undefined => {
      for (const reader of readers.get(computed.view.names.kernel ?? '') ?? []) {
        const product = tf.tidy(() => {
          const sampled = contributions(computed, positions, stream.fork(computed.view.id));
          const perUnit = ofUnits(sampled, reader);
          return tf.matMul(perUnit, perUnit, true, false);
        });
        found.push({ group: reader.group, product: tf.keep(product) });
      }
    };
    try {
      tf.tidy(() => {
        network.apply(network.input(batch), { tap });
      });
      for (const { group, product } of found) {
        const total = products.get(group)!;
        const values = await product.data();
        for (let i = 0; i < total.length; i++) total[i]! += values[i]!;
      }
    } finally {
      for (const { product } of found) product.dispose();
    }
    await setImmediate();
  }
  return products;
}

/** A group whose units are along the input axis of a kernel. */
interface Reader {
  readonly group: string;
  readonly units: number;
  readonly unitOf: Int32Array;
}

/** `[samples, inputs]`: what each input channel of a kernel adds to sampled outputs, bias aside. */
function contributions(
  { op, view, inputs, output, parameters }: Computed,
  positions: number,
  random: Random,
): tf.Tensor2D {
  const [x, kernel] = [inputs[0]!, parameters.kernel!];
  const filters = kernel.shape[kernel.rank - 1]!;
  const window = windowOf({ op, attributes: view.attributes }, x, kernel.shape, output.shape);
  const { places, taps, groups, channels } = window;
  const each = Math.min(positions, places);
  const chosen = new Int32Array(x.shape[0]! * each);
  const rows = new Int32Array(chosen.length * taps);
  for (let sample = 0, at = 0; sample < chosen.length; sample++) {
    const image = Math.floor(sample / each);
    const place = each === places ? sample % each : random.integer(places);
    const filter = (chosen[sample] = random.integer(filters));
    const group = Math.floor((filter * groups) / filters);
    for (let tap = 0; tap < taps; tap++) rows[at++] = window.row(image, place, tap, group);
  }
  const read = tf.gather(window.rows, tf.tensor1d(rows, 'int32'));
  const byFilter = tf.transpose(tf.reshape(kernel, [taps * channels, filters]));
  const weights = tf.gather(byFilter, tf.tensor1d(chosen, 'int32'));
  const shape: [number, number, number] = [chosen.length, taps, channels];
  return tf.sum(tf.mul(tf.reshape(read, shape), tf.reshape(weights, shape)), 1);
}

/** Adds up what belongs to the same unit: `[samples, units]`. */
function ofUnits(perIndex: tf.Tensor2D, { units, unitOf }: Reader): tf.Tensor2D {
  if (unitOf.length === units && unitOf.every((unit, index) => unit === index)) return perIndex;
  const belongs = new Float32Array(unitOf.length * units);
  unitOf.forEach((unit, index) => {
    if (unit >= 0) belongs[index * units + unit] = 1;
  });
  return tf.matMul(perIndex, tf.tensor2d(belongs, [unitOf.length, units]));
}
