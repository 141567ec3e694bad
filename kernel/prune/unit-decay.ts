import * as tf from '@tensorflow/tfjs';
import type { Group, Member } from '../graph/groups.ts';

/** The units along an axis of a parameter, for sums over each and for factors of each. */
class UnitAxis {
  readonly parameter: string;
  readonly #axis: number;
  readonly #units: number;
  /** Unit of each index, `units` where it has none; absent where index i is unit i. */
  readonly #unitOf: Int32Array | undefined;
  /** `[units, most]`: the indices of each unit, the axis' length in places that are not used. */
  readonly #indices: { readonly values: Int32Array; readonly most: number } | undefined;

  constructor({ parameter, axis, units: unitOf }: Member, units: number) {
    this.parameter = parameter;
    this.#axis = axis;
    this.#units = units;
    if (unitOf.length === units && unitOf.every((unit, index) => unit === index)) return;
    this.#unitOf = unitOf.map(unit => (unit < 0 ? units : unit));
    const lists = Array.from({ length: units }, (): number[] => []);
    unitOf.forEach((unit, index) => lists[unit]?.push(index));
    const most = Math.max(...lists.map(({ length }) => length));
    const values = new Int32Array(units * most).fill(unitOf.length);
    lists.forEach((list, unit) => values.set(list, unit * most));
    this.#indices = { values, most };
  }

  /** `[units]`: for each unit the sum of squares of its slices. */
  squares(weights: tf.Tensor): tf.Tensor1D {
    const others = [...weights.shape.keys()].filter(axis => axis !== this.#axis);
    const sums = tf.sum<tf.Tensor1D>(tf.square(weights), others);
    if (!this.#indices) return sums;
    const { values, most } = this.#indices;
    const padded = tf.pad1d(sums, [0, 1]);
    return tf.sum(tf.gather(padded, tf.tensor2d(values, [this.#units, most], 'int32')), 1);
  }

  /** A factor per unit as one per index, in a shape that multiplies the weights; 0 for indices without a unit. */
  spread(factors: tf.Tensor1D, rank: number): tf.Tensor {
    const perIndex = this.#unitOf ? tf.gather(tf.pad1d(factors, [0, 1]), tf.tensor1d(this.#unitOf, 'int32')) : factors;
    return tf.reshape(
      perIndex,
      Array.from({ length: rank }, (_, axis) => (axis === this.#axis ? perIndex.size : 1)),
    );
  }
}

/** Factor per unit from the sums of squares of all its weights, both `[units]`. */
export type Factor = (squares: tf.Tensor1D, group: number) => tf.Tensor1D;

/** Penalties whose gradient is, for every weight of a unit, the weight times a factor of the unit. */
export class UnitDecay {
  readonly #groups: readonly (readonly UnitAxis[])[];

  constructor(groups: readonly Group[]) {
    this.#groups = groups.map(({ members, units }) => members.map(member => new UnitAxis(member, units)));
  }

  /** Sums of squares over all weights of each unit, by group. */
  squares(parameters: ReadonlyMap<string, tf.Tensor>): tf.Tensor1D[] {
    return this.#groups.map(axes => tf.addN(axes.map(axis => axis.squares(parameters.get(axis.parameter)!))));
  }

  /** Terms by parameter; a weight that belongs to units of two groups gets both. */
  gradients(parameters: ReadonlyMap<string, tf.Tensor>, factor: Factor): Record<string, tf.Tensor> {
    const factors = new Map<string, tf.Tensor>();
    this.squares(parameters).forEach((squares, g) => {
      const perUnit = factor(squares, g);
      for (const axis of this.#groups[g]!) {
        const spread = axis.spread(perUnit, parameters.get(axis.parameter)!.rank);
        const before = factors.get(axis.parameter);
        factors.set(axis.parameter, before ? tf.add(before, spread) : spread);
      }
    });
    return Object.fromEntries([...factors].map(([name, f]) => [name, tf.mul(parameters.get(name)!, f)]));
  }
}

/** How many weights each unit of a group has, `[units]`. */
export function weightsPerUnit({ members, units }: Group, sizeOf: (parameter: string) => number): Float32Array {
  const counts = new Float32Array(units);
  for (const { parameter, units: unitOf } of members) {
    const slice = sizeOf(parameter) / unitOf.length;
    for (const unit of unitOf) if (unit >= 0) counts[unit]! += slice;
  }
  return counts;
}
