import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineDataset, type Data } from '../kernel/plugin.ts';
import { random, type Random } from '../kernel/random.ts';
import { memorySplit, sharedBytes } from '../kernel/train/loader.ts';
import { figures } from './figures.ts';

const side = 32;
const channels = 3;
const pixels = side * side;

const shapesOptions = z.strictObject({
  seed: z.int().default(0),
  train: z.int().positive().default(4000).describe('training images'),
  test: z.int().positive().default(1000).describe('test images'),
  noise: z.number().min(0).max(1).default(0.05).describe('deviation of the noise of every value, white being 1'),
});
export type ShapesOptions = z.infer<typeof shapesOptions>;

/**
 * Drawn figures to be told apart, made on the spot: the data set that is always there. Place, size, rotation, colours
 * and clutter are random, so that no pixel and no colour gives a class away.
 */
export const shapes = defineDataset<ShapesOptions>({
  id: 'shapes',
  title: 'Drawn shapes, 10 classes of 32 x 32',
  task: 'classification',
  options: shapesOptions,
  load: options => Promise.resolve(drawShapes(options)),
});

function drawShapes({ seed, train, test, noise }: ShapesOptions): Data<Int32Array> {
  const source = random(seed, 'shapes');
  const grain = normals(source.fork('noise'));
  const hash = createHash('sha256');
  const split = (name: string, size: number) => {
    const images = sharedBytes(size * pixels * channels);
    const labels = Int32Array.from({ length: size }, (_, i) => i % figures.length);
    const stream = source.fork(name);
    const image = new Float32Array(pixels * channels);
    const bytes = new Uint8ClampedArray(images.buffer);
    labels.forEach((label, i) => {
      draw(image, label, stream);
      addNoise(image, grain, noise, stream);
      bytes.set(image, i * image.length);
    });
    hash.update(images).update(labels);
    return memorySplit({
      images,
      labels,
      shape: [side, side, channels],
      mean: [0.353, 0.353, 0.353],
      deviation: [0.233, 0.233, 0.233],
    });
  };
  return {
    id: 'shapes',
    task: 'classification',
    classes: figures.map(({ name }) => name),
    shape: [side, side, channels],
    train: split('train', train),
    test: split('test', test),
    checksum: hash.digest('hex'),
  };
}

type Colour = readonly [number, number, number];
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

function draw(image: Float32Array, label: number, random: Random): void {
  const near = colour(random, dusk);
  const far = near.map(value => value + between(random, -40, 40)) as unknown as Colour;
  const middle = near.map((value, c) => (value + far[c]!) / 2) as unknown as Colour;
  fillGradient(image, near, far, 2 * Math.PI * random.uniform());
  for (let i = 1 + random.integer(3); i > 0; i--) drawClutter(image, random);
  let ink = colour(random);
  while (distance(ink, middle) < contrast || ink.some((value, c) => value < middle[c]!)) ink = colour(random);
  drawFigure(image, label, ink, random);
  drawClutter(image, random);
}

function drawFigure(image: Float32Array, label: number, ink: Colour, random: Random): void {
  const radius = between(random, 8, 13);
  const x = between(random, radius * 0.85, side - radius * 0.85);
  const y = between(random, radius * 0.85, side - radius * 0.85);
  const angle = 2 * Math.PI * random.uniform();
  const stretch = between(random, 0.8, 1.25);
  const cos = Math.cos(angle) / radius;
  const sin = Math.sin(angle) / radius;
  const { inside } = figures[label]!;
  paint(image, ink, x, y, radius * 1.25, (px, py) => {
    const u = (px - x) * cos + (py - y) * sin;
    const v = (py - y) * cos - (px - x) * sin;
    return inside(u * stretch, v / stretch);
  });
}

/** A stroke or a dot, smaller than any figure. */
function drawClutter(image: Float32Array, random: Random): void {
  const x = side * random.uniform();
  const y = side * random.uniform();
  const ink = colour(random);
  if (random.uniform() < 0.4) {
    const radius = between(random, 1, 2.2);
    paint(image, ink, x, y, radius, (px, py) => (px - x) ** 2 + (py - y) ** 2 < radius * radius);
    return;
  }
  const length = between(random, 3, 9);
  const width = between(random, 0.5, 1);
  const angle = Math.PI * random.uniform();
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  paint(image, ink, x, y, length, (px, py) => {
    const along = (px - x) * cos + (py - y) * sin;
    const across = (py - y) * cos - (px - x) * sin;
    return Math.abs(along) < length && Math.abs(across) < width;
  });
}

function fillGradient(image: Float32Array, from: Colour, to: Colour, angle: number): void {
  const dx = Math.cos(angle) / (2 * side);
  const dy = Math.sin(angle) / (2 * side);
  for (let y = 0, at = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const share = 0.5 + (x - side / 2) * dx + (y - side / 2) * dy;
      for (let c = 0; c < channels; c++) image[at++] = from[c]! + (to[c]! - from[c]!) * share;
    }
}

/** Paints what is inside within `reach` of a place, edges smoothed by four samples a pixel. */
function paint(image: Float32Array, ink: Colour, x: number, y: number, reach: number, inside: Inside): void {
  const first = (centre: number) => Math.max(0, Math.floor(centre - reach));
  const last = (centre: number) => Math.min(side - 1, Math.ceil(centre + reach));
  for (let row = first(y); row <= last(y); row++)
    for (let column = first(x); column <= last(x); column++) {
      let hits = 0;
      for (let sample = 0; sample < 4; sample++)
        if (inside(column + 0.25 + 0.5 * (sample & 1), row + 0.25 + 0.5 * (sample >> 1))) hits++;
      if (hits === 0) continue;
      const at = (row * side + column) * channels;
      for (let c = 0; c < channels; c++) image[at + c]! += (hits / 4) * (ink[c]! - image[at + c]!);
    }
}

const grains = 1 << 16;

function normals(random: Random): Float32Array {
  return Float32Array.from({ length: grains }, () => random.normal());
}

/** Every row of the image takes its noise from another place of the table. */
function addNoise(image: Float32Array, grain: Float32Array, noise: number, random: Random): void {
  const row = side * channels;
  for (let y = 0; y < side; y++) {
    const from = random.integer(grains - row);
    for (let i = 0; i < row; i++) image[y * row + i]! += 255 * noise * grain[from + i]!;
  }
}
