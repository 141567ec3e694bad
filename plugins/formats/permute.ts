/** Row-major values with their axes in another order: axis i of the result is axis `permutation[i]` of the source. */
export function permute(values: Float32Array, shape: readonly number[], permutation: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = permutation.map(axis => shape[axis]!);
  const steps = permutation.map(axis => strides[axis]!);
  const out = new Float32Array(values.length);
  const last = sizes.length - 1;
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length;) {
    for (let i = 0; i < sizes[last]!; i++) out[to++] = values[from + i * steps[last]!]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < sizes[axis]!) break;
      from -= sizes[axis]! * steps[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
