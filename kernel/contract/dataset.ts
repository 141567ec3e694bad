import type { Batch, Data, Dataset, Split } from '../plugin.ts';
import { parseOptions } from '../options.ts';
import { ensure, type Check } from './check.ts';

const load = (dataset: Dataset): Promise<Data> => dataset.load(parseOptions(dataset));

async function first(split: Split, epoch: number, batch = 4): Promise<Batch> {
  for await (const samples of split.batches({ batch, seed: 1, epoch, shuffle: true, augment: true })) return samples;
  throw new Error('it gives no batch');
}

const sameImages = (a: Batch, b: Batch) => a.images.every((value, i) => value === b.images[i]);

/** What a data set must do, with the defaults of its options. */
export const datasetChecks: readonly Check<Dataset>[] = [
  {
    name: 'is for a task there is, and loads with the same checksum each time',
    async run(dataset, { tasks }) {
      const known = tasks.map(({ id }) => id);
      ensure(known.includes(dataset.task), () => `there is no task ${dataset.task}, only ${known.join(', ')}`);
      const [a, b] = [await load(dataset), await load(dataset)];
      ensure(a.task === dataset.task, () => `it says task ${dataset.task} and loads data for ${a.task}`);
      ensure(a.checksum === b.checksum && a.checksum.length > 0, () => `checksums ${a.checksum} and ${b.checksum}`);
      ensure(a.classes.length > 0, () => 'there are no classes');
    },
  },
  {
    name: 'gives every sample once an epoch, in batches of the stated size and shape',
    async run(dataset) {
      const { train, test, shape } = await load(dataset);
      const values = shape.reduce((a, b) => a * b, 1);
      for (const split of [train, test]) {
        let seen = 0;
        for await (const { size, images } of split.batches({ batch: 64 })) {
          ensure(
            images.length === size * values,
            () => `${images.length} values for ${size} images of [${shape.join()}]`,
          );
          ensure(images.every(Number.isFinite), () => 'an image is not finite');
          seen += size;
          // All of a large data set would take its time.
          if (seen >= 1024) break;
        }
        ensure(seen === split.size || seen >= 1024, () => `${seen} samples of ${split.size}`);
      }
    },
  },
  {
    name: 'order and augmentation follow from seed and epoch',
    async run(dataset) {
      const { train } = await load(dataset);
      const [a, b, c] = [await first(train, 0), await first(train, 0), await first(train, 1)];
      ensure(sameImages(a, b), () => 'the same seed and epoch give other images');
      ensure(train.size < 8 || !sameImages(a, c), () => 'another epoch gives the same images');
    },
  },
];
