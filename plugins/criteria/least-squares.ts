/** Normal equations: `gram` is A'A, `[columns, columns]`, and `pulls` is A'B, `[columns, targets]`. */
export interface NormalEquations {
  readonly columns: number;
  readonly gram: Float64Array;
  readonly pulls: Float64Array;
}

/**
 * The X that minimises |A X - B|^2 + r |X|^2, `[columns, targets]`, with r as `ridge` times the mean of A'A's diagonal.
 * A column of A that those before it stand for, as far as numbers tell, gets 0. Takes columns^3 / 6 + targets columns^2
 * multiply-adds in 64 bits; `gram` is overwritten. `breathe` is called in between.
 */
export async function leastSquares(
  { columns, gram, pulls }: NormalEquations,
  ridge: number,
  breathe: () => Promise<void>,
): Promise<Float64Array> {
  let trace = 0;
  for (let k = 0; k < columns; k++) trace += gram[k * columns + k]!;
  for (let k = 0; k < columns; k++) gram[k * columns + k]! += (ridge * trace) / columns;
  await factorize(gram, columns, breathe);
  const targets = pulls.length / columns;
  const solution = new Float64Array(pulls.length);
  for (let from = 0; from < targets; from += 4) {
    const count = Math.min(4, targets - from);
    const four = rowsOfFour(columns, count, () => new Float64Array(columns));
    for (let t = 0; t < count; t++) for (let k = 0; k < columns; k++) four[t]![k] = pulls[k * targets + from + t]!;
    forward(gram, columns, 0, columns, four);
    backward(gram, columns, four);
    for (let t = 0; t < count; t++) for (let k = 0; k < columns; k++) solution[k * targets + from + t] = four[t]![k]!;
    await breathe();
  }
  return solution;
}

/** Rows that go through a factor at a time, so that it is read from memory once for all of them. */
type Four = readonly [Float64Array, Float64Array, Float64Array, Float64Array];

/** Some rows, and others that nobody looks at. */
const rowsOfFour = (columns: number, count: number, row: (i: number) => Float64Array) =>
  Array.from({ length: 4 }, (_, i) => (i < count ? row(i) : new Float64Array(columns))) as unknown as Four;

/**
 * Makes a symmetric matrix its Cholesky factor L, below the diagonal and on it. Where the matrix would not be definite any
 * more, the diagonal has infinity: what is divided by it is 0.
 */
async function factorize(matrix: Float64Array, columns: number, breathe: () => Promise<void>): Promise<void> {
  const row = (k: number) => matrix.subarray(k * columns, (k + 1) * columns);
  for (let from = 0; from < columns; from += 4) {
    const count = Math.min(4, columns - from);
    forward(
      matrix,
      columns,
      0,
      from,
      rowsOfFour(columns, count, i => row(from + i)),
    );
    for (let k = from; k < from + count; k++) {
      const own = row(k);
      forward(
        matrix,
        columns,
        from,
        k,
        rowsOfFour(columns, 1, () => own),
      );
      let left = own[k]!;
      for (let j = 0; j < k; j++) left -= own[j]! ** 2;
      own[k] = left > 1e-9 * own[k]! ? Math.sqrt(left) : Infinity;
    }
    await breathe();
  }
}

/** Solves L x = b for four rows b, in place, from one row of L to another. */
function forward(factor: Float64Array, columns: number, from: number, to: number, [a, b, c, d]: Four): void {
  for (let i = from; i < to; i++) {
    let [sa, sb, sc, sd] = [0, 0, 0, 0];
    const at = i * columns;
    for (let j = 0; j < i; j++) {
      const l = factor[at + j]!;
      sa += l * a[j]!;
      sb += l * b[j]!;
      sc += l * c[j]!;
      sd += l * d[j]!;
    }
    const own = factor[at + i]!;
    a[i] = (a[i]! - sa) / own;
    b[i] = (b[i]! - sb) / own;
    c[i] = (c[i]! - sc) / own;
    d[i] = (d[i]! - sd) / own;
  }
}

/** Solves L' x = b for four rows b, in place. */
function backward(factor: Float64Array, columns: number, [a, b, c, d]: Four): void {
  for (let i = columns - 1; i >= 0; i--) {
    const at = i * columns;
    const own = factor[at + i]!;
    const xa = (a[i]! /= own);
    const xb = (b[i]! /= own);
    const xc = (c[i]! /= own);
    const xd = (d[i]! /= own);
    for (let j = 0; j < i; j++) {
      const l = factor[at + j]!;
      a[j]! -= l * xa;
      b[j]! -= l * xb;
      c[j]! -= l * xc;
      d[j]! -= l * xd;
    }
  }
}
