import type { Random } from '../kernel/random.ts';
import type { Pixels } from './decode.ts';

/** Boxes as left, top, right, bottom, `[boxes, 4]`, and their classes. */
export interface Boxes {
  readonly corners: Float64Array;
  readonly classes: Int32Array;
}

/** An image with what is in it. */
export interface Picture extends Boxes {
  readonly pixels: Pixels;
}

/** Where nothing is. */
const grey = 114;

export function blank(width: number, height: number): Pixels {
  return { data: new Uint8Array(width * height * 3).fill(grey), width, height };
}

/** Copies an image to a place of another one, cut off at its edges; `x` and `y` may be negative. */
export function paste({ data: from, width, height }: Pixels, to: Pixels, x: number, y: number): void {
  const [left, right] = [Math.max(0, -x), Math.min(width, to.width - x)];
  if (right <= left) return;
  for (let row = Math.max(0, -y); row < Math.min(height, to.height - y); row++)
    to.data.set(
      from.subarray((row * width + left) * 3, (row * width + right) * 3),
      ((row + y) * to.width + x + left) * 3,
    );
}

/** Boxes scaled, then moved. */
export function moved({ corners, classes }: Boxes, scaleX: number, scaleY: number, x: number, y: number): Boxes {
  return { classes, corners: corners.map((value, i) => (i % 2 === 0 ? value * scaleX + x : value * scaleY + y)) };
}

/** Boxes cut off at the edges; those of which `keeps` says no, from their new and old corners, are left out. */
export function clipped(
  { corners, classes }: Boxes,
  width: number,
  height: number,
  keeps: (corners: Float64Array, before: Float64Array) => boolean,
): Boxes {
  const kept = [...classes.keys()].flatMap(i => {
    const before = corners.subarray(4 * i, 4 * i + 4);
    const now = before.map((value, side) => Math.min(side % 2 === 0 ? width : height, Math.max(0, value)));
    return keeps(now, before) ? [{ now, label: classes[i]! }] : [];
  });
  return {
    corners: Float64Array.from(kept.flatMap(({ now }) => [...now])),
    classes: Int32Array.from(kept, ({ label }) => label),
  };
}

export const hasArea = (corners: Float64Array): boolean => corners[2]! > corners[0]! && corners[3]! > corners[1]!;

/**
 * Four pictures around a random place in the middle of a canvas of twice the size (Bochkovskiy et al. 2020, YOLOv4), each
 * with the corner next to that place there.
 */
export function mosaic(pictures: readonly Picture[], size: number, random: Random): Picture {
  const pixels = blank(2 * size, 2 * size);
  const x = Math.floor(size * (0.5 + random.uniform()));
  const y = Math.floor(size * (0.5 + random.uniform()));
  const placed = pictures.map((picture, i) => {
    const left = i % 2 === 0 ? x - picture.pixels.width : x;
    const top = i < 2 ? y - picture.pixels.height : y;
    paste(picture.pixels, pixels, left, top);
    return clipped(moved(picture, 1, 1, left, top), 2 * size, 2 * size, hasArea);
  });
  return {
    pixels,
    corners: Float64Array.from(placed.flatMap(({ corners }) => [...corners])),
    classes: Int32Array.from(placed.flatMap(({ classes }) => [...classes])),
  };
}

/** A random view of a picture: scaled by 1 - `scale` to 1 + `scale`, its middle up to `translate` of the size off. */
export function view(
  picture: Picture,
  size: number,
  { scale, translate }: { scale: number; translate: number },
  random: Random,
): Picture {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const factor = between(1 - scale, 1 + scale);
  const x = size * between(0.5 - translate, 0.5 + translate) - (factor * picture.pixels.width) / 2;
  const y = size * between(0.5 - translate, 0.5 + translate) - (factor * picture.pixels.height) / 2;
  const boxes = clipped(moved(picture, factor, factor, x, y), size, size, visible);
  return { pixels: scaled(picture.pixels, size, factor, x, y), ...boxes };
}

/** As with YOLOv8: more than 2 pixels each way, a tenth of the area left, and sides within 100 to 1. */
function visible(corners: Float64Array, before: Float64Array): boolean {
  const [width, height] = [corners[2]! - corners[0]!, corners[3]! - corners[1]!];
  const area = (before[2]! - before[0]!) * (before[3]! - before[1]!);
  return width > 2 && height > 2 && width * height > 0.1 * area && Math.max(width / height, height / width) < 100;
}

/** A square image whose pixel at `p` comes from `(p - offset) / factor`, between the four nearest. */
function scaled({ data, width, height }: Pixels, size: number, factor: number, x: number, y: number): Pixels {
  const result = blank(size, size);
  const columns = taps(size, factor, x, width);
  const rows = taps(size, factor, y, height);
  for (let row = rows.first; row < rows.end; row++) {
    const top = rows.low[row]! * width;
    const bottom = Math.min(rows.low[row]! + 1, height - 1) * width;
    const down = rows.share[row]!;
    for (let column = columns.first; column < columns.end; column++) {
      const left = columns.low[column]!;
      const right = Math.min(left + 1, width - 1);
      const across = columns.share[column]!;
      const to = (row * size + column) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const a = data[(top + left) * 3 + channel]!;
        const c = data[(bottom + left) * 3 + channel]!;
        const upper = a + (data[(top + right) * 3 + channel]! - a) * across;
        const lower = c + (data[(bottom + right) * 3 + channel]! - c) * across;
        result.data[to + channel] = upper + (lower - upper) * down + 0.5;
      }
    }
  }
  return result;
}

/** For each place the pixel before it, the share of the one after, and which places are within the source. */
function taps(size: number, factor: number, offset: number, extent: number) {
  const low = new Int32Array(size);
  const share = new Float64Array(size);
  let [first, end] = [size, 0];
  for (let i = 0; i < size; i++) {
    const place = (i + 0.5 - offset) / factor;
    if (place < 0 || place >= extent) continue;
    first = Math.min(first, i);
    end = i + 1;
    const centre = Math.max(0, place - 0.5);
    low[i] = Math.floor(centre);
    share[i] = centre - low[i]!;
  }
  return { low, share, first, end };
}

/** Turned round left to right, in place. */
export function flipped({ pixels, corners, classes }: Picture): Picture {
  const { data, width, height } = pixels;
  for (let row = 0; row < height; row++)
    for (let left = 0, right = width - 1; left < right; left++, right--)
      for (let channel = 0; channel < 3; channel++) {
        const a = (row * width + left) * 3 + channel;
        const b = (row * width + right) * 3 + channel;
        const value = data[a]!;
        data[a] = data[b]!;
        data[b] = value;
      }
  const sides = [2, 1, 0, 3];
  const turned = corners.map((_, i) => {
    const value = corners[i - (i % 4) + sides[i % 4]!]!;
    return i % 2 === 0 ? width - value : value;
  });
  return { pixels, corners: turned, classes };
}

/** Gains of hue (of the full circle), saturation and value. */
export interface Jitter {
  readonly hue: number;
  readonly saturation: number;
  readonly value: number;
}

/** Changes colours in place: hue moved by up to `hue`, saturation and value times 1 - gain to 1 + gain. */
export function recolour({ data }: Pixels, { hue, saturation, value }: Jitter, random: Random): void {
  const [h, s, v] = [hue, saturation, value].map(gain => gain * (2 * random.uniform() - 1)) as [number, number, number];
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i]!;
    const green = data[i + 1]!;
    const blue = data[i + 2]!;
    const most = Math.max(red, green, blue);
    const range = most - Math.min(red, green, blue);
    const bright = Math.min(255, most * (1 + v));
    // The hue in sixths of the circle.
    let place = 0;
    if (range > 0) {
      if (most === red) place = (green - blue) / range;
      else if (most === green) place = 2 + (blue - red) / range;
      else place = 4 + (red - green) / range;
    }
    place += 6 * h + 12;
    const chroma = most > 0 ? bright * Math.min(1, (range / most) * (1 + s)) : 0;
    data[i] = channelOf(5 + place, bright, chroma);
    data[i + 1] = channelOf(3 + place, bright, chroma);
    data[i + 2] = channelOf(1 + place, bright, chroma);
  }
}

/** A channel of a colour from value, chroma and the hue in sixths, counted from 5 for red, 3 for green and 1 for blue. */
function channelOf(place: number, bright: number, chroma: number): number {
  const k = place - 6 * Math.floor(place / 6);
  return bright - chroma * Math.max(0, Math.min(k, 4 - k, 1)) + 0.5;
}
