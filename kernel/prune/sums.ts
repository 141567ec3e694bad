import type { Followed, Side, Stack } from './stack.ts';

/** Sums of a function of single weights. What a removed slice took part in is subtracted. */
export class Sums implements Followed {
  readonly #values: Float32Array;
  readonly #f: (weight: number) => number;
  /** Sums over the matrices of the stack, where there are several. */
  readonly #cells: Float64Array | undefined;
  readonly #sums: readonly [Float64Array, Float64Array];
  readonly #gone: readonly [Uint8Array, Uint8Array];
  /** Below 0 go only sums of what is negative; subtracting must not lead there by rounding. */
  readonly #least: number;

  constructor({ values, matrices, rows, columns }: Stack, f: (weight: number) => number) {
    const cells = matrices > 1 ? new Float64Array(rows * columns) : undefined;
    if (cells)
      for (let matrix = 0, at = 0; matrix < matrices; matrix++)
        for (let cell = 0; cell < cells.length; cell++, at++) cells[cell]! += f(values[at]!);
    let least = 0;
    const [byRow, byColumn] = [new Float64Array(rows), new Float64Array(columns)];
    for (let row = 0, at = 0; row < rows; row++) {
      let sum = 0;
      for (let column = 0; column < columns; column++, at++) {
        const cell = cells ? cells[at]! : f(values[at]!);
        sum += cell;
        if (cell < 0) least = -Infinity;
        byColumn[column]! += cell;
      }
      byRow[row] = sum;
    }
    this.#values = values;
    this.#f = f;
    this.#cells = cells;
    this.#sums = [byRow, byColumn];
    this.#least = least;
    this.#gone = [new Uint8Array(rows), new Uint8Array(columns)];
  }

  scores(side: Side): Float64Array {
    return this.#sums[side];
  }

  remove(side: Side, indices: readonly number[]): void {
    const [values, f, cells] = [this.#values, this.#f, this.#cells];
    const left = indices.filter(index => !this.#gone[side][index]);
    for (const index of left) this.#gone[side][index] = 1;
    const sums = this.#sums[1 - side]!;
    const gone = this.#gone[1 - side]!;
    const [along, across] = side === 0 ? [sums.length, 1] : [1, this.#gone[1].length];
    for (let i = 0; i < sums.length; i++) {
      if (gone[i]) continue;
      let sum = sums[i]!;
      for (let k = 0; k < left.length; k++) {
        const at = left[k]! * along + i * across;
        sum -= cells ? cells[at]! : f(values[at]!);
      }
      sums[i] = Math.max(sum, this.#least);
    }
  }
}
