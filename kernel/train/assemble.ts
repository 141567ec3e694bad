import type { Shape } from '../graph/parameter.ts';
import type { Batch, BatchOptions } from '../plugin.ts';
import { permutation, random } from '../random.ts';
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
  const { batch, seed = 0, epoch = 0, shuffle = false, augment = false, dropLast = false } = request;
  const stream = random(seed, `epoch ${epoch}`);
  const order = shuffle ? permutation(labels.length, stream.fork('order')) : undefined;
  const changes = stream.fork('augment');
  const table = normalization(mean, deviation);
  const values = shape.reduce((a, b) => a * b, 1);
  for (let start = 0; start < labels.length; start += batch) {
    const size = Math.min(batch, labels.length - start);
    if (dropLast && size < batch) return;
    const out = new Float32Array(size * values);
    const targets = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      const index = order ? order[start + i]! : start + i;
      const change = augment ? drawChange(source.augment, changes) : unchanged;
      writeImage(images, index * values, shape, table, change, out, i * values);
      targets[i] = labels[index]!;
    }
    yield { size, images: out, targets };
  }
}
