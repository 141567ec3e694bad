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
