import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineDataset, type Batch, type BatchOptions, type Data, type Split } from '../kernel/plugin.ts';
import { random, type Random } from '../kernel/random.ts';
import { indexBatches } from '../kernel/train/batches.ts';
import type { DetectionTarget, DetectionTargets } from '../plugins/tasks/detection/targets.ts';
import { flipped } from './compose.ts';
import {
  addNoise,
  drawBackground,
  drawClutter,
  drawFigure,
  inkOn,
  normals,
  placeFigure,
  type Canvas,
  type Placement,
} from './drawing.ts';
import { figures } from './figures.ts';
import { seedSchema } from '../kernel/seed.ts';

const shapesDetectionOptions = z.strictObject({
  seed: seedSchema.default(0),
  train: z.int().positive().default(500).describe('training images'),
  test: z.int().positive().default(100).describe('test images'),
  image: z.int().positive().multipleOf(32).default(96).describe('side of the images'),
  classes: z.int().min(1).max(figures.length).default(figures.length).describe('kinds of figures'),
  figures: z.int().positive().default(4).describe('most figures in an image, there is one at least'),
  noise: z.number().min(0).max(1).default(0.05).describe('deviation of the noise of every value, white being 1'),
});
export type ShapesDetectionOptions = z.infer<typeof shapesDetectionOptions>;

/**
 * Drawn figures to be found, made on the spot: the detection data set that is always there. Boxes are the edges of what
 * was painted; figures may touch, but hardly cover each other.
 */
export const shapesDetection = defineDataset<ShapesDetectionOptions>({
  id: 'shapes-detection',
  title: 'Drawn shapes to be found, 10 classes in 96 x 96',
  task: 'detection',
  options: shapesDetectionOptions,
  load: options => Promise.resolve(drawScenes(options)),
});

/** Images in memory with their boxes. */
interface Scenes {
  readonly image: number;
  /** `[size, image, image, 3]` */
  readonly bytes: Uint8Array;
  readonly targets: readonly DetectionTarget[];
}

function drawScenes(options: ShapesDetectionOptions): Data<DetectionTargets> {
  const { seed, image, classes, noise } = options;
  const source = random(seed, 'shapes-detection');
  const grain = normals(source.fork('noise'));
  const hash = createHash('sha256');
  const split = (name: 'train' | 'test') => {
    const stream = source.fork(name);
    const canvas = { side: image, values: new Float32Array(image * image * 3) };
    const bytes = new Uint8ClampedArray(options[name] * canvas.values.length);
    const targets = Array.from({ length: options[name] }, (_, i) => {
      const target = drawScene(canvas, options, stream);
      addNoise(canvas, grain, noise, stream);
      bytes.set(canvas.values, i * canvas.values.length);
      hash.update(target.boxes).update(target.classes);
      return target;
    });
    hash.update(bytes);
    return scenesSplit({ image, bytes: new Uint8Array(bytes.buffer), targets });
  };
  return {
    id: 'shapes-detection',
    task: 'detection',
    classes: figures.slice(0, classes).map(({ name }) => name),
    shape: [image, image, 3],
    train: split('train'),
    test: split('test'),
    checksum: hash.digest('hex'),
  };
}

function drawScene(
  canvas: Canvas,
  { image, classes, figures: most }: ShapesDetectionOptions,
  random: Random,
): DetectionTarget {
  const background = drawBackground(canvas, random);
  for (let i = 1 + random.integer(3); i > 0; i--) drawClutter(canvas, random);
  const placed: Placement[] = [];
  const labels: number[] = [];
  const boxes: number[] = [];
  for (let wanted = 1 + random.integer(most); wanted > 0; wanted--) {
    const placement = freePlace(image, placed, random);
    if (!placement) continue;
    const label = random.integer(classes);
    boxes.push(...drawFigure(canvas, figures[label]!, inkOn(background, random), placement));
    placed.push(placement);
    labels.push(label);
  }
  return { boxes: Float32Array.from(boxes), classes: Int32Array.from(labels) };
}

/** A place apart from others, or none where twenty tries find none. */
function freePlace(side: number, others: readonly Placement[], random: Random): Placement | undefined {
  for (let tries = 0; tries < 20; tries++) {
    const place = placeFigure(side, side / 12, side / 5, random);
    if (others.every(({ x, y, radius }) => Math.hypot(x - place.x, y - place.y) > 0.9 * (radius + place.radius)))
      return place;
  }
  return undefined;
}

/** Augmentation turns every second image round, left to right, by chance. */
function scenesSplit(scenes: Scenes): Split<DetectionTargets> {
  const size = scenes.targets.length;
  return {
    size,
    async *batches({ signal, ...options }) {
      for (const indices of indexBatches(size, options)) {
        signal?.throwIfAborted();
        yield await assembled(scenes, indices, options);
      }
    },
  };
}

function assembled(
  { image, bytes, targets }: Scenes,
  indices: readonly number[],
  { seed = 0, epoch = 0, augment = false }: BatchOptions,
): Promise<Batch<DetectionTargets>> {
  const values = image * image * 3;
  const images = new Float32Array(indices.length * values);
  const changed = indices.map((index, i) => {
    const { boxes, classes } = targets[index]!;
    const pixels = { data: bytes.slice(index * values, (index + 1) * values), width: image, height: image };
    const stream = random(seed, `epoch ${epoch}/sample ${index}`);
    const plain = { pixels, corners: Float64Array.from(boxes), classes };
    const picture = augment && stream.uniform() < 0.5 ? flipped(plain) : plain;
    picture.pixels.data.forEach((byte, at) => (images[i * values + at] = byte / 255));
    const target = { boxes: Float32Array.from(picture.corners), classes };
    return augment ? target : { ...target, truth: truthOf(target, image) };
  });
  return Promise.resolve({ size: indices.length, images, targets: changed });
}

const truthOf = ({ boxes, classes }: DetectionTarget, image: number): NonNullable<DetectionTarget['truth']> => ({
  width: image,
  height: image,
  boxes: Float64Array.from(boxes, (value, i) => (i % 4 < 2 ? value : value - boxes[i - 2]!)),
  classes,
  crowd: new Uint8Array(classes.length),
  frame: { scaleX: 1, scaleY: 1, left: 0, top: 0 },
});
