import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineDataset, type Data } from '../kernel/plugin.ts';
import { random, type Random } from '../kernel/random.ts';
import { memorySplit } from '../kernel/train/loader.ts';
import { sharedBytes } from '../kernel/train/shared-memory.ts';
import {
  addNoise,
  drawBackground,
  drawClutter,
  drawFigure,
  inkOn,
  normals,
  placeFigure,
  type Canvas,
} from './drawing.ts';
import { figures } from './figures.ts';
import { seedSchema } from '../kernel/seed.ts';

const side = 32;
const channels = 3;
const pixels = side * side;

const shapesOptions = z.strictObject({
  seed: seedSchema.default(0),
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
    const canvas = { side, values: new Float32Array(pixels * channels) };
    const bytes = new Uint8ClampedArray(images.buffer);
    labels.forEach((label, i) => {
      draw(canvas, label, stream);
      addNoise(canvas, grain, noise, stream);
      bytes.set(canvas.values, i * canvas.values.length);
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

function draw(canvas: Canvas, label: number, random: Random): void {
  const background = drawBackground(canvas, random);
  for (let i = 1 + random.integer(3); i > 0; i--) drawClutter(canvas, random);
  const ink = inkOn(background, random);
  drawFigure(canvas, figures[label]!, ink, placeFigure(side, 8, 13, random));
  drawClutter(canvas, random);
}
