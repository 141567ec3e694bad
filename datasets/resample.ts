import type { Pixels } from './decode.ts';

/** A rectangle of whole pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Fixed-point numbers, as in Pillow: 22 bits behind the point. */
const bits = 22;

/**
 * A region of an image resized to `size`, of which `window` is returned, `[height, width, 3]`. Bilinear with a kernel as
 * wide as the shrinking asks for, in fixed point, across and then down, rounded in between: what Pillow computes and so
 * torchvision. Pillow 13 goes down first where that is cheaper, which changes some values by one.
 */
export function resample(
  { data, width }: Pixels,
  region: Region,
  size: { readonly width: number; readonly height: number },
  window: Region = { left: 0, top: 0, ...size },
): Uint8Array {
  const columns = kernels(region.width, size.width, window.left, window.width);
  const rows = kernels(region.height, size.height, window.top, window.height);
  const firstRow = rows.first[0]!;
  const lastRow = rows.first.at(-1)! + rows.count.at(-1)!;
  const stride = window.width * 3;
  const narrow = new Uint8Array((lastRow - firstRow) * stride);
  for (let row = firstRow; row < lastRow; row++) {
    const from = ((region.top + row) * width + region.left) * 3;
    acrossRow(data, from, columns, narrow, (row - firstRow) * stride);
  }
  const result = new Uint8Array(window.height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < window.height; y++) {
    sums.fill(1 << (bits - 1));
    for (let k = 0; k < rows.count[y]!; k++) {
      const weight = rows.weights[y * rows.width + k]!;
      const from = (rows.first[y]! - firstRow + k) * stride;
      for (let i = 0; i < stride; i++) sums[i]! += Math.imul(narrow[from + i]!, weight);
    }
    for (let i = 0; i < stride; i++) result[y * stride + i] = sums[i]! >> bits;
  }
  return result;
}

function acrossRow(
  data: Uint8Array,
  from: number,
  { first, count, weights, width }: Kernels,
  to: Uint8Array,
  at: number,
): void {
  for (let x = 0; x < first.length; x++) {
    let red = 1 << (bits - 1);
    let green = red;
    let blue = red;
    let pixel = from + first[x]! * 3;
    const start = x * width;
    const end = start + count[x]!;
    for (let k = start; k < end; k++) {
      const weight = weights[k]!;
      red += Math.imul(data[pixel++]!, weight);
      green += Math.imul(data[pixel++]!, weight);
      blue += Math.imul(data[pixel++]!, weight);
    }
    to[at++] = red >> bits;
    to[at++] = green >> bits;
    to[at++] = blue >> bits;
  }
}

/** For each place along an axis the first pixel that counts, how many do, and their weights. */
interface Kernels {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `[places, width]` */
  readonly weights: Int32Array;
  readonly width: number;
}

/** A triangle about each of `count` places from `start` on, where `from` pixels become `to`. */
function kernels(from: number, to: number, start: number, count: number): Kernels {
  const scale = from / to;
  const reach = Math.max(1, scale);
  const width = Math.ceil(reach) * 2 + 1;
  const kernel = {
    first: new Int32Array(count),
    count: new Int32Array(count),
    weights: new Int32Array(count * width),
    width,
  };
  for (let i = 0; i < count; i++) {
    const centre = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(from, Math.trunc(centre + reach + 0.5));
    const shares = Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / reach)),
    );
    const sum = shares.reduce((a, b) => a + b, 0);
    kernel.first[i] = first;
    kernel.count[i] = shares.length;
    shares.forEach((share, k) => (kernel.weights[i * width + k] = Math.trunc(0.5 + (share / sum) * 2 ** bits)));
  }
  return kernel;
}
