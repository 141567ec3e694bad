import type { Random } from '../kernel/random.ts';
import type { Figure } from './figures.ts';

const channels = 3;

/** A square image, `[side, side, 3]`, of values 0 to 255, red, green, blue. */
export interface Canvas {
  readonly side: number;
  readonly values: Float32Array;
}

/** Left, top, right, bottom in pixels. */
export type Edges = readonly [left: number, top: number, right: number, bottom: number];

export type Colour = readonly [number, number, number];
/** Whether a point is part of something. */
type Inside = (x: number, y: number) => boolean;

const colour = (random: Random, top = 255): Colour => [
  top * random.uniform(),
  top * random.uniform(),
  top * random.uniform(),
];
const between = (random: Random, low: number, high: number): number => low + (high - low) * random.uniform();
const distance = (a: Colour, b: Colour): number =>
  Math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2);

/** Least distance between the colours of figure and background; black and white are 442 apart. */
const contrast = 140;
/** Backgrounds are darker than this, and figures lighter than their backgrounds. */
const dusk = 140;

/** A gradient all over, dark enough for figures; returns its colour in the middle. */
export function drawBackground(canvas: Canvas, random: Random): Colour {
  const near = colour(random, dusk);
  const far = near.map(value => value + between(random, -40, 40)) as unknown as Colour;
  fillGradient(canvas, near, far, 2 * Math.PI * random.uniform());
  return near.map((value, c) => (value + far[c]!) / 2) as unknown as Colour;
}

/** A colour that stands out from a background. */
export function inkOn(background: Colour, random: Random): Colour {
  let ink = colour(random);
  while (distance(ink, background) < contrast || ink.some((value, c) => value < background[c]!)) ink = colour(random);
  return ink;
}

/** Where a figure is and how it is turned. */
export interface Placement {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly angle: number;
  readonly stretch: number;
}

/** A place within a canvas of this side, for a radius between two. */
export function placeFigure(side: number, least: number, most: number, random: Random): Placement {
  const radius = between(random, least, most);
  const x = between(random, radius * 0.85, side - radius * 0.85);
  const y = between(random, radius * 0.85, side - radius * 0.85);
  const angle = 2 * Math.PI * random.uniform();
  return { x, y, radius, angle, stretch: between(random, 0.8, 1.25) };
}

/** Returns the edges of the pixels that were painted. */
export function drawFigure(canvas: Canvas, figure: Figure, ink: Colour, placement: Placement): Edges {
  const { x, y, radius, angle, stretch } = placement;
  const cos = Math.cos(angle) / radius;
  const sin = Math.sin(angle) / radius;
  return paint(canvas, ink, x, y, radius * 1.25, (px, py) => {
    const u = (px - x) * cos + (py - y) * sin;
    const v = (py - y) * cos - (px - x) * sin;
    return figure.inside(u * stretch, v / stretch);
  });
}

/** A stroke or a dot, smaller than any figure. */
export function drawClutter(canvas: Canvas, random: Random): void {
  const { side } = canvas;
  const x = side * random.uniform();
  const y = side * random.uniform();
  const ink = colour(random);
  if (random.uniform() < 0.4) {
    const radius = between(random, 1, 2.2);
    paint(canvas, ink, x, y, radius, (px, py) => (px - x) ** 2 + (py - y) ** 2 < radius * radius);
    return;
  }
  const length = between(random, 3, 9);
  const width = between(random, 0.5, 1);
  const angle = Math.PI * random.uniform();
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  paint(canvas, ink, x, y, length, (px, py) => {
    const along = (px - x) * cos + (py - y) * sin;
    const across = (py - y) * cos - (px - x) * sin;
    return Math.abs(along) < length && Math.abs(across) < width;
  });
}

function fillGradient({ side, values }: Canvas, from: Colour, to: Colour, angle: number): void {
  const dx = Math.cos(angle) / (2 * side);
  const dy = Math.sin(angle) / (2 * side);
  for (let y = 0, at = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const share = 0.5 + (x - side / 2) * dx + (y - side / 2) * dy;
      for (let c = 0; c < channels; c++) values[at++] = from[c]! + (to[c]! - from[c]!) * share;
    }
}

/** Paints what is inside within `reach` of a place, edges smoothed by four samples a pixel; returns what was painted. */
function paint({ side, values }: Canvas, ink: Colour, x: number, y: number, reach: number, inside: Inside): Edges {
  const first = (centre: number) => Math.max(0, Math.floor(centre - reach));
  const last = (centre: number) => Math.min(side - 1, Math.ceil(centre + reach));
  let [left, top, right, bottom] = [side, side, 0, 0];
  for (let row = first(y); row <= last(y); row++)
    for (let column = first(x); column <= last(x); column++) {
      let hits = 0;
      for (let sample = 0; sample < 4; sample++)
        if (inside(column + 0.25 + 0.5 * (sample & 1), row + 0.25 + 0.5 * (sample >> 1))) hits++;
      if (hits === 0) continue;
      left = Math.min(left, column);
      top = Math.min(top, row);
      right = Math.max(right, column + 1);
      bottom = Math.max(bottom, row + 1);
      const at = (row * side + column) * channels;
      for (let c = 0; c < channels; c++) values[at + c]! += (hits / 4) * (ink[c]! - values[at + c]!);
    }
  return [left, top, right, bottom];
}

const grains = 1 << 16;

/** A table of noise. */
export function normals(random: Random): Float32Array {
  return Float32Array.from({ length: grains }, () => random.normal());
}

/** Every row of the image takes its noise from another place of the table. */
export function addNoise({ side, values }: Canvas, grain: Float32Array, noise: number, random: Random): void {
  const row = side * channels;
  for (let y = 0; y < side; y++) {
    const from = random.integer(grains - row);
    for (let i = 0; i < row; i++) values[y * row + i]! += 255 * noise * grain[from + i]!;
  }
}
