/** Steps of the axes in row-major order. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * dims[i + 1]!;
  return strides;
}

/** Values read with any step along each axis (0 repeats), in row-major order of `dims`. */
export function strided<A extends Float32Array | Float64Array>(
  values: A,
  dims: readonly number[],
  steps: readonly number[],
  begin = 0,
): A {
  const length = dims.reduce((a, b) => a * b, 1);
  const out = new (values.constructor as new (n: number) => A)(length);
  const last = dims.length - 1;
  const [inner, step] = last < 0 ? [1, 0] : [dims[last]!, steps[last]!];
  const index = dims.map(() => 0);
  let from = begin;
  for (let to = 0; to < length;) {
    for (let i = 0, at = from; i < inner; i++, at += step) out[to++] = values[at]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      from -= steps[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** Row-major values with their axes in another order: axis i of the result is axis `order[i]` of the source. */
export function permute<A extends Float32Array | Float64Array>(
  values: A,
  shape: readonly number[],
  order: readonly number[],
): A {
  const strides = stridesOf(shape);
  return strided(
    values,
    order.map(axis => shape[axis]!),
    order.map(axis => strides[axis]!),
  );
}
