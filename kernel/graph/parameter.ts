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
export function gather({ values, shape }: Parameter, keep: readonly (Int32Array | undefined)[]): Float32Array {
  const last = shape.length - 1;
  const length = shape[last]!;
  const columns = keep[last];
  // Numbers of the rows (all axes but the last) that stay.
  let rows = Int32Array.of(0);
  for (let axis = 0; axis < last; axis++) {
    const indices = keep[axis] ?? Int32Array.from({ length: shape[axis]! }, (_, i) => i);
    const next = new Int32Array(rows.length * indices.length);
    for (let i = 0, to = 0; i < rows.length; i++)
      for (let j = 0; j < indices.length; j++) next[to++] = rows[i]! * shape[axis]! + indices[j]!;
    rows = next;
  }
  const width = columns?.length ?? length;
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * length;
    if (columns) for (let j = 0, to = i * width; j < width; j++, to++) out[to] = values[from + columns[j]!]!;
    else out.set(values.subarray(from, from + length), i * length);
  }
  return out;
}
