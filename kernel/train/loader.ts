import type { Batch, Split } from '../plugin.ts';
import type { Augmentation } from './augment.ts';
import { assemble, type BatchRequest, type LabelledImages } from './assemble.ts';
import type { LoaderJob } from './loader-worker.ts';
import { checkBatch } from './batches.ts';
import { shared } from './shared-memory.ts';
import { beside, Crew } from './thread.ts';

export interface MemorySplitOptions extends Omit<LabelledImages, 'augment'> {
  /** Default: crops from 4 black pixels around, and flips. */
  readonly augment?: Augmentation;
  /**
   * Whether batches are made in a thread of their own, ahead of their reader; they are the same either way. By default
   * only where an epoch is long enough to be worth the start of a thread.
   */
  readonly worker?: boolean;
}

const ahead = 3;
/** Values in an epoch (16,384 images of 32 x 32 x 3) from which on a thread pays. */
const worthWorker = 16384 * 3072;

/**
 * A split over labelled images in memory. Images that are not in shared memory are copied there once.
 * Throws where the number of images, labels or channels do not agree.
 */
export function memorySplit(options: MemorySplitOptions): Split<Int32Array> {
  const { labels, shape, mean, deviation, augment = { pad: 4, flip: true }, worker } = options;
  const values = shape.reduce((a, b) => a * b, 1);
  if (options.images.length !== labels.length * values)
    throw new RangeError(
      `split: ${labels.length} images of [${shape.join(', ')}] are ${labels.length * values} bytes, got ${options.images.length}`,
    );
  for (const [name, { length }] of Object.entries({ mean, deviation }))
    if (length !== shape[2]) throw new RangeError(`split: ${shape[2]} channels, ${name} has ${length}`);
  const source: LabelledImages = { images: shared(options.images), labels, shape, mean, deviation, augment };
  const useWorker = worker ?? options.images.length >= worthWorker;
  return {
    size: labels.length,
    batches: ({ signal, ...request }) => {
      checkBatch(request.batch);
      return useWorker ? fromWorker(source, request, signal) : inPlace(source, request, signal);
    },
  };
}

async function* inPlace(source: LabelledImages, request: BatchRequest, signal?: AbortSignal) {
  signal?.throwIfAborted();
  for (const batch of assemble(source, request)) {
    yield batch;
    signal?.throwIfAborted();
  }
}

async function* fromWorker(source: LabelledImages, request: BatchRequest, signal?: AbortSignal) {
  signal?.throwIfAborted();
  const job: LoaderJob = { source, request, ahead };
  const ready: Batch<Int32Array>[] = [];
  let finished = false;
  const crew = new Crew<Batch<Int32Array> | null>(1, beside(import.meta.url, 'loader-worker'), job, batch => {
    if (batch) return void ready.push(batch);
    finished = true;
    crew.finish();
  });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const batch = ready.shift();
      if (batch) {
        crew.post(0, 'more');
        yield batch;
      } else if (finished) return;
      else await crew.wait(signal);
    }
  } finally {
    await crew.end();
  }
}
