import type { Sampler } from '../../../kernel/train/sample-worker.ts';
import { random } from '../../../kernel/random.ts';

/** Images of three values: index, epoch, and a random number of this sample; the one that is broken cannot be made. */
export const sample: Sampler<{ broken: number }, number> = async (
  { broken },
  { index, seed, epoch, augment },
  image,
) => {
  if (index === broken) throw new Error(`image ${index} cannot be decoded`);
  image.set([index, epoch, augment ? random(seed, `epoch ${epoch}/sample ${index}`).uniform() : 0]);
  return Promise.resolve(10 * index);
};
