/** Distance from 1 to the next number of single precision. */
const epsilon = 2 ** -23;

/**
 * How many singular values of a row-major matrix are above `largest * max(rows, columns) * epsilon`, as in
 * `numpy.linalg.matrix_rank` for single precision. They are the roots of the eigenvalues of the matrix times its
 * transpose, which are counted, not computed: by the signs of the pivots of its tridiagonal form (Sylvester's inertia).
 */
export function numericRank(matrix: Float64Array, rows: number, columns: number): number {
  const { diagonal, beside } = tridiagonal(outerProducts(matrix, rows, columns));
  const largest = largestEigenvalue(diagonal, beside);
  return largest > 0 ? countAbove(largest * (Math.max(rows, columns) * epsilon) ** 2, diagonal, beside) : 0;
}

/** Matrix times transpose, or the other way round, whichever is smaller: `[n][n]`. */
function outerProducts(matrix: Float64Array, rows: number, columns: number): Float64Array[] {
  const [n, length, step, stride] = rows <= columns ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
  const products = Array.from({ length: n }, () => new Float64Array(n));
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0, a = i * step, b = j * step; k < length; k++, a += stride, b += stride)
        sum += matrix[a]! * matrix[b]!;
      products[i]![j] = products[j]![i] = sum;
    }
  return products;
}

/** Householder's reduction of a symmetric matrix, in place; its eigenvalues stay. */
function tridiagonal(a: Float64Array[]): { diagonal: Float64Array; beside: Float64Array } {
  const n = a.length;
  const beside = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    const v = a[k]!;
    let norm = 0;
    for (let i = k + 1; i < n; i++) norm += v[i]! * v[i]!;
    norm = Math.sqrt(norm);
    if (norm === 0) continue;
    const alpha = v[k + 1]! > 0 ? -norm : norm;
    beside[k + 1] = alpha;
    v[k + 1]! -= alpha;
    const half = norm * (norm + Math.abs(v[k + 1]! + alpha));
    // a -= v w' + w v', with w = (a v - v (v' a v) / (2 half)) / half
    let dot = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      const row = a[i]!;
      for (let j = k + 1; j < n; j++) sum += row[j]! * v[j]!;
      w[i] = sum / half;
      dot += w[i]! * v[i]!;
    }
    const share = dot / (2 * half);
    for (let i = k + 1; i < n; i++) w[i]! -= share * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const [row, vi, wi] = [a[i]!, v[i]!, w[i]!];
      for (let j = k + 1; j < n; j++) row[j]! -= vi * w[j]! + wi * v[j]!;
    }
  }
  if (n > 1) beside[n - 1] = a[n - 2]![n - 1]!;
  return { diagonal: Float64Array.from(a, (row, i) => row[i]!), beside };
}

/** Eigenvalues of a tridiagonal matrix above `x`. */
function countAbove(x: number, diagonal: Float64Array, beside: Float64Array): number {
  let count = 0;
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    pivot = diagonal[i]! - x - (beside[i]! * beside[i]!) / pivot;
    if (pivot === 0) pivot = -Number.MIN_VALUE * 2 ** 60;
    if (pivot > 0) count++;
  }
  return count;
}

/** By bisection, to a millionth. */
function largestEigenvalue(diagonal: Float64Array, beside: Float64Array): number {
  let high = 0;
  for (let i = 0; i < diagonal.length; i++)
    high = Math.max(high, diagonal[i]! + Math.abs(beside[i]!) + Math.abs(beside[i + 1] ?? 0));
  let low = 0;
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (countAbove(middle, diagonal, beside) > 0) low = middle;
    else high = middle;
  }
  return low;
}
