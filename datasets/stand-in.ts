import type { Data, Split } from '../kernel/plugin.ts';

/** What is known of a data set without its files. */
export interface Sizes<T> extends Pick<Data<T>, 'id' | 'task' | 'shape'> {
  readonly classes: number;
  /** Images to train on and to test with. */
  readonly train: number;
  readonly test: number;
  /** Targets of so many images. */
  targets(size: number): T;
}

/** Data of these sizes whose images are noise, the same in every batch; it stands for no data in a record. */
export function standIn<T>({ classes, train, test, targets, ...rest }: Sizes<T>): Data<T> {
  const values = rest.shape.reduce((a, b) => a * b, 1);
  const split = (size: number): Split<T> => ({
    size,
    async *batches({ batch, dropLast = false }) {
      const images = Float32Array.from({ length: Math.min(batch, size) * values }, (_, i) => Math.sin(i * i));
      for (let left = size; left >= (dropLast ? batch : 1); left -= batch) {
        const n = Math.min(batch, left);
        yield await Promise.resolve({ size: n, images: images.slice(0, n * values), targets: targets(n) });
      }
    },
  });
  return {
    ...rest,
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
    train: split(train),
    test: split(test),
    checksum: 'none',
  };
}
