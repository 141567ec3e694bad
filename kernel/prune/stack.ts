import type { Parameter } from '../graph/parameter.ts';

/** A parameter as matrices one behind another: its last two axes are rows and columns. A vector is one row. */
export interface Stack {
  readonly values: Float32Array;
  readonly matrices: number;
  readonly rows: number;
  readonly columns: number;
}

/** Rows or columns of a stack. */
export type Side = 0 | 1;

export function stackOf({ values, shape }: Parameter): Stack {
  const columns = shape[shape.length - 1]!;
  const rows = shape.length > 1 ? shape[shape.length - 2]! : 1;
  return { values, matrices: values.length / (rows * columns), rows, columns };
}

export function sideOf({ shape }: Parameter, axis: number): Side {
  const side = axis - (shape.length - 2);
  if (side !== 0 && side !== 1)
    throw new RangeError(`cannot follow axis ${axis} of a parameter of rank ${shape.length}`);
  return side;
}

/** Local scores of the rows and columns of a parameter that stay right while some are removed. */
export interface Followed {
  /** By row or column; of those that are gone any finite number. */
  scores(side: Side): Float64Array;
  remove(side: Side, indices: readonly number[]): void;
}
