/** What a constant holds; integers and truth values are kept as doubles. */
export type Kind = 'float' | 'int' | 'bool';

/** A tensor whose values the file fixes: a weight, or the result of arithmetic on shapes. */
export interface Constant {
  readonly kind: 'constant';
  /** Name of the initializer it comes from, under which its parameter becomes known; empty where computed. */
  readonly name: string;
  readonly type: Kind;
  readonly dims: readonly number[];
  /** Row-major values, decoded when asked for. */
  values(): Float32Array | Float64Array;
}

export const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

export function constant(
  type: Kind,
  dims: readonly number[],
  values: ArrayLike<number> | (() => Float32Array | Float64Array),
  name = '',
): Constant {
  if (typeof values !== 'function') {
    const stored = type === 'float' ? Float32Array.from(values) : Float64Array.from(values);
    return { kind: 'constant', name, type, dims, values: () => stored };
  }
  return { kind: 'constant', name, type, dims, values };
}

/** Steps of the axes in row-major order. */
export const stridesOf = (dims: readonly number[]): number[] => {
  const strides = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * dims[i + 1]!;
  return strides;
};

/** Values read with any step along each axis (0 repeats), in row-major order of `dims`. */
export function strided<A extends Float32Array | Float64Array>(
  values: A,
  dims: readonly number[],
  steps: readonly number[],
  begin = 0,
): A {
  const out = new (values.constructor as new (n: number) => A)(sizeOf(dims));
  const index = dims.map(() => 0);
  let from = begin;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      from -= steps[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
