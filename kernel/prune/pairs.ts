import * as tf from '@tensorflow/tfjs';
import type { Followed, Side, Stack } from './stack.ts';

/** A symmetric function of two slices: of their squared norms and their inner product. */
export type Pair = (a: number, b: number, ab: number) => number;

/** For each row or column, the sum of a function of it and another one over all others. */
export class Pairs implements Followed {
  readonly #stack: Stack;
  readonly #grams: readonly (Gram | undefined)[];
  readonly #f: Pair;

  private constructor(stack: Stack, grams: readonly (Gram | undefined)[], f: Pair) {
    this.#stack = stack;
    this.#grams = grams;
    this.#f = f;
  }

  /** `sides` are those whose scores will be asked for. */
  static async of(stack: Stack, sides: ReadonlySet<Side>, f: Pair): Promise<Pairs> {
    const grams: (Gram | undefined)[] = [];
    for (const side of [0, 1] as const) {
      if (!sides.has(side)) continue;
      const tensor = innerProducts(stack, side);
      try {
        grams[side] = new Gram(await tensor.data(), tensor.shape[0]);
      } finally {
        tensor.dispose();
      }
    }
    return new Pairs(stack, grams, f);
  }

  scores(side: Side): Float64Array {
    return this.#grams[side]!.sums(this.#f);
  }

  remove(side: Side, indices: readonly number[]): void {
    const { values, matrices, rows, columns } = this.#stack;
    this.#grams[side]?.remove(indices);
    const other = this.#grams[1 - side];
    if (!other) return;
    const [along, across] = side === 0 ? [columns, 1] : [1, columns];
    const parts: Float32Array[] = [];
    for (const index of indices)
      for (let matrix = 0; matrix < matrices; matrix++) {
        const start = matrix * rows * columns + index * along;
        const part = new Float32Array(other.left.length);
        for (let i = 0; i < part.length; i++) part[i] = values[start + other.left[i]! * across]!;
        parts.push(part);
      }
    other.subtract(parts);
  }
}

function innerProducts({ values, matrices, rows, columns }: Stack, side: Side): tf.Tensor2D {
  return tf.tidy(() => {
    const weights = tf.tensor3d(values, [matrices, rows, columns]);
    const slices = tf.transpose(weights, side === 0 ? [1, 0, 2] : [2, 0, 1]);
    const vectors = tf.reshape(slices, [side === 0 ? rows : columns, -1]);
    return tf.matMul(vectors, vectors, false, true);
  });
}

/** Inner products of the slices that are left, each pair once: the lower triangle of a symmetric matrix. */
class Gram {
  readonly #products: Float32Array;
  readonly #length: number;
  #left: Int32Array;
  #sums: Float64Array | undefined;

  /** `square` is the whole matrix. */
  constructor(square: ArrayLike<number>, length: number) {
    this.#products = new Float32Array((length * (length + 1)) / 2);
    this.#length = length;
    this.#left = Int32Array.from({ length }, (_, i) => i);
    for (let i = 0, at = 0; i < length; i++)
      for (let j = 0; j <= i; j++) this.#products[at++] = square[i * length + j]!;
  }

  /** Indices of the slices that are left. */
  get left(): Int32Array {
    return this.#left;
  }

  remove(indices: readonly number[]): void {
    this.#sums = undefined;
    const gone = new Set(indices);
    const stay = Int32Array.from(this.#left.keys()).filter(i => !gone.has(this.#left[i]!));
    const products = this.#products;
    for (let i = 0, at = 0; i < stay.length; i++) {
      const row = triangle(stay[i]!);
      for (let j = 0; j <= i; j++) products[at++] = products[row + stay[j]!]!;
    }
    this.#left = this.#left.filter(index => !gone.has(index));
  }

  /** The slices lose some of their values; a part has one value of each slice that is left. */
  subtract(parts: readonly Float32Array[]): void {
    this.#sums = undefined;
    const [products, length] = [this.#products, this.#left.length];
    const none = new Float32Array(length);
    for (let part = 0; part < parts.length; part += 4) {
      const a = parts[part]!;
      const [b = none, c = none, d = none] = parts.slice(part + 1, part + 4);
      for (let i = 0, at = 0; i < length; i++) {
        const [p, q, r, s] = [a[i]!, b[i]!, c[i]!, d[i]!];
        for (let j = 0; j <= i; j++) products[at++]! -= p * a[j]! + q * b[j]! + r * c[j]! + s * d[j]!;
      }
    }
  }

  /** By index, of those that are gone 0. */
  sums(f: Pair): Float64Array {
    return (this.#sums ??= this.#sumUp(f));
  }

  #sumUp(f: Pair): Float64Array {
    const [products, left] = [this.#products, this.#left];
    const norms = Float64Array.from(left, (_, i) => products[triangle(i + 1) - 1]!);
    const own = new Float64Array(left.length);
    for (let i = 0, at = 0; i < left.length; i++, at++) {
      let sum = 0;
      for (let j = 0; j < i; j++) {
        const value = f(norms[i]!, norms[j]!, products[at++]!);
        sum += value;
        own[j]! += value;
      }
      own[i]! += sum;
    }
    const sums = new Float64Array(this.#length);
    for (let i = 0; i < left.length; i++) sums[left[i]!] = own[i]!;
    return sums;
  }
}

/** Where a row of a lower triangle begins. */
const triangle = (row: number) => (row * (row + 1)) / 2;
