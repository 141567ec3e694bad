import type { BatchOptions } from '../plugin.ts';
import { permutation, random } from '../random.ts';

/** Throws where a number of images per batch is none. */
export function checkBatch(batch: number): void {
  if (!(Number.isInteger(batch) && batch > 0))
    throw new RangeError(`split: batch is ${batch}, must be a positive whole number`);
}

/** Indices of the samples in each batch of an epoch; the order follows from seed and epoch alone. */
export function indexBatches(
  size: number,
  { batch, seed = 0, epoch = 0, shuffle = false, dropLast = false }: BatchOptions,
): number[][] {
  checkBatch(batch);
  const order = shuffle ? permutation(size, random(seed, `epoch ${epoch}/order`)) : undefined;
  const count = dropLast ? Math.floor(size / batch) : Math.ceil(size / batch);
  return Array.from({ length: count }, (_, number) =>
    Array.from({ length: Math.min(batch, size - number * batch) }, (_, i) => {
      const place = number * batch + i;
      return order ? order[place]! : place;
    }),
  );
}
