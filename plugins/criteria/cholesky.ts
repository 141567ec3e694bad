/** The Cholesky factor of a positive definite matrix that rows come to and go from. */
export class Cholesky {
  readonly #rows: Float64Array[] = [];
  readonly #most: number;

  /** `most` is how many rows there will be at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * A row and column behind the others: `beside` has what it shares with them. False, and nothing happens, where the
   * matrix would not be definite any more.
   */
  append(beside: Float64Array, own: number): boolean {
    const row = new Float64Array(this.#most);
    let left = own;
    for (let i = 0; i < beside.length; i++) {
      const above = this.#rows[i]!;
      let sum = beside[i]!;
      for (let j = 0; j < i; j++) sum -= above[j]! * row[j]!;
      row[i] = sum / above[i]!;
      left -= row[i]! ** 2;
    }
    if (!(left > 1e-9 * own)) return false;
    row[beside.length] = Math.sqrt(left);
    this.#rows.push(row);
    return true;
  }

  /** The row and column at a place go; rotations bring the rows below back to triangular form. */
  remove(place: number): void {
    const rows = this.#rows;
    rows.splice(place, 1);
    for (let k = place; k < rows.length; k++) {
      const [a, b] = [rows[k]![k]!, rows[k]![k + 1]!];
      const length = Math.hypot(a, b);
      const [cos, sin] = [a / length, b / length];
      for (let i = k; i < rows.length; i++) {
        const row = rows[i]!;
        const [x, y] = [row[k]!, row[k + 1]!];
        row[k] = cos * x + sin * y;
        row[k + 1] = cos * y - sin * x;
      }
    }
  }

  /** The vector that the matrix takes to `values`. */
  solve(values: readonly number[]): Float64Array {
    const rows = this.#rows;
    const x = Float64Array.from(values);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      let sum = x[i]!;
      for (let j = 0; j < i; j++) sum -= row[j]! * x[j]!;
      x[i] = sum / row[i]!;
    }
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i]!;
      const value = (x[i]! /= row[i]!);
      for (let j = 0; j < i; j++) x[j]! -= row[j]! * value;
    }
    return x;
  }
}
