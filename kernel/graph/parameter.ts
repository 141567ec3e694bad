/** Sizes of the axes, channels last; of activations without the batch. */
export type Shape = readonly number[];

const count = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/**
 * A tensor that belongs to a graph. Its values are made when they are first read, so that graphs can be built, cut and
 * counted without touching a weight.
 */
export class Parameter {
  readonly shape: Shape;
  /** False for the running statistics of a norm. */
  readonly trainable: boolean;
  #make: (() => Float32Array) | undefined;
  #values: Float32Array | undefined;

  constructor(shape: Shape, values: Float32Array | (() => Float32Array), trainable = true) {
    this.shape = shape;
    this.trainable = trainable;
    if (typeof values === 'function') this.#make = values;
    else this.#values = this.#checked(values);
  }

  /** Row-major values; not to be written to. */
  get values(): Float32Array {
    if (!this.#values) {
      this.#values = this.#checked(this.#make!());
      this.#make = undefined;
    }
    return this.#values;
  }

  get size(): number {
    return count(this.shape);
  }

  #checked(values: Float32Array): Float32Array {
    if (values.length !== this.size)
      throw new RangeError(`parameter of shape [${this.shape.join(', ')}] got ${values.length} values`);
    return values;
  }
}

/** Values of a parameter at some places of some axes; `keep` has per axis the indices that stay, or undefined for all. */
export function gather(parameter: Parameter, keep: readonly (Int32Array | undefined)[]): Float32Array {
  let { values, shape } = parameter;
  keep.forEach((indices, axis) => {
    if (!indices) return;
    const length = shape[axis]!;
    const outer = count(shape.slice(0, axis));
    const inner = count(shape.slice(axis + 1));
    const out = new Float32Array(outer * indices.length * inner);
    let to = 0;
    for (let o = 0; o < outer; o++) {
      for (const index of indices) {
        const from = (o * length + index) * inner;
        if (inner === 1) out[to] = values[from]!;
        else out.set(values.subarray(from, from + inner), to);
        to += inner;
      }
    }
    values = out;
    shape = shape.map((n, a) => (a === axis ? indices.length : n));
  });
  return values;
}
