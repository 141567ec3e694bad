import type { Shape } from '../graph/parameter.ts';
import type { Batch, BatchOptions } from '../plugin.ts';
import { random } from '../random.ts';
import { indexBatches } from './batches.ts';
import { drawChange, normalization, unchanged, writeImage, type Augmentation } from './augment.ts';

/** Labelled images in memory. */
export interface LabelledImages {
  /** `[size, height, width, channels]`, values 0 to 255. */
  readonly images: Uint8Array;
  /** Class of every image. */
  readonly labels: Int32Array;
  /** `[height, width, channels]` */
  readonly shape: Shape;
  /** Of every channel, on the scale 0 to 1. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly augment: Augmentation;
}

export type BatchRequest = Omit<BatchOptions, 'signal'>;

/**
 * The batches of an epoch. Order and changes follow from seed and epoch alone, and an image's change does not depend on
 * the size of the batches.
 */
export function* assemble(source: LabelledImages, request: BatchRequest): Generator<Batch<Int32Array>, void> {
  const { images, labels, shape, mean, deviation } = source;
  const { seed = 0, epoch = 0, augment = false } = request;
  const changes = random(seed, `epoch ${epoch}`).fork('augment');
  const table = normalization(mean, deviation);
  const values = shape.reduce((a, b) => a * b, 1);
  for (const indices of indexBatches(labels.length, request)) {
    const out = new Float32Array(indices.length * values);
    indices.forEach((index, i) => {
      const change = augment ? drawChange(source.augment, changes) : unchanged;
      writeImage(images, index * values, shape, table, change, out, i * values);
    });
    yield { size: indices.length, images: out, targets: Int32Array.from(indices, index => labels[index]!) };
  }
}
