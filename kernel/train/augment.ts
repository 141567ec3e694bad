import type { Shape } from '../graph/parameter.ts';
import type { Random } from '../random.ts';

/** Random changes of a training image. */
export interface Augmentation {
  /** Black pixels put around the image before it is cropped back to its size at a random place. */
  readonly pad: number;
  /** Mirror every second image, by chance, left to right. */
  readonly flip: boolean;
}

/** What happens to one image: its pixel (y, x) comes from (y + dy, x + dx), counted from the right where flipped. */
export interface Change {
  readonly dy: number;
  readonly dx: number;
  readonly flip: boolean;
}

export const unchanged: Change = { dy: 0, dx: 0, flip: false };

/** Offsets in [-pad, pad] and a coin. Always draws the same number of values, so that samples stay independent. */
export function drawChange({ pad, flip }: Augmentation, random: Random): Change {
  const dy = random.integer(2 * pad + 1) - pad;
  const dx = random.integer(2 * pad + 1) - pad;
  const coin = random.uniform() < 0.5;
  return { dy, dx, flip: flip && coin };
}

/** For every channel the normalised values of the bytes 0 to 255: `(byte / 255 - mean) / deviation`. */
export function normalization(mean: readonly number[], deviation: readonly number[]): Float32Array {
  const table = new Float32Array(256 * mean.length);
  for (let c = 0; c < mean.length; c++)
    for (let byte = 0; byte < 256; byte++) table[c * 256 + byte] = (byte / 255 - mean[c]!) / deviation[c]!;
  return table;
}

/**
 * Writes an image of bytes as normalised values. Pixels from outside the image are black ones.
 * @param from first value of the image in `bytes`, `[height, width, channels]`
 * @param to where it goes in `out`
 */
export function writeImage(
  bytes: Uint8Array,
  from: number,
  [height, width, channels]: Shape,
  table: Float32Array,
  { dy, dx, flip }: Change,
  out: Float32Array,
  to: number,
): void {
  const h = height!;
  const w = width!;
  const n = channels!;
  for (let y = 0; y < h; y++) {
    const row = y + dy;
    const inside = row >= 0 && row < h;
    for (let x = 0; x < w; x++) {
      const place = x + dx;
      const column = flip ? w - 1 - place : place;
      if (inside && column >= 0 && column < w) {
        let pixel = from + (row * w + column) * n;
        for (let c = 0; c < n; c++) out[to++] = table[(c << 8) | bytes[pixel++]!]!;
      } else {
        for (let c = 0; c < n; c++) out[to++] = table[c << 8]!;
      }
    }
  }
}
