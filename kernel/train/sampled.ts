import { availableParallelism } from 'node:os';
import type { Shape } from '../graph/parameter.ts';
import type { Batch, BatchOptions, Split } from '../plugin.ts';
import { indexBatches } from './batches.ts';
import type { SampleRequest, SamplerJob, SamplerReply, SamplerTask } from './sample-worker.ts';
import { beside, Crew } from './thread.ts';

export interface SampledOptions<S, T, B> {
  /** Images there are. */
  readonly size: number;
  /** `[height, width, channels]` */
  readonly shape: Shape;
  /** Address of a module that exports `sample`, a `Sampler<S, T>`; see `beside`. */
  readonly module: string;
  /** What the sampler reads from; goes to each thread once, so that large parts should be in shared memory. */
  readonly source: S;
  /** Targets of a batch from those of its images. */
  readonly collate: (targets: readonly T[]) => B;
  /** Default: as many as the machine has cores, at most 8. */
  readonly threads?: number | undefined;
}

/**
 * A split whose images are made one by one in threads, as decoding of files needs it. What a sample is follows from
 * seed, epoch and its index alone. Batches are made ahead of their reader, one more than there are threads. An image
 * that cannot be made ends the batches with its error when its turn comes.
 */
export function sampledSplit<S, T, B>(options: SampledOptions<S, T, B>): Split<B> {
  const { size, shape } = options;
  const values = shape.reduce((a, b) => a * b, 1);
  return {
    size,
    batches: ({ signal, ...request }) => fromThreads(options, tasksOf(size, values, request), signal),
  };
}

function tasksOf(size: number, values: number, options: Omit<BatchOptions, 'signal'>): SamplerTask[] {
  const { seed = 0, epoch = 0, epochs = Infinity, augment = false } = options;
  return indexBatches(size, options).map((indices, number) => ({
    number,
    values,
    requests: indices.map((index): SampleRequest => ({ index, seed, epoch, epochs, augment })),
  }));
}

async function* fromThreads<S, T, B>(
  { module, source, collate, threads = Math.min(8, availableParallelism()) }: SampledOptions<S, T, B>,
  tasks: readonly SamplerTask[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch<B>, void> {
  signal?.throwIfAborted();
  const replies = new Map<number, SamplerReply<T>>();
  const job: SamplerJob = { module, source };
  const count = Math.min(threads, tasks.length);
  const crew = new Crew<SamplerReply<T>>(count, beside(import.meta.url, 'sample-worker'), job, reply => {
    replies.set(reply.number, reply);
  });
  let sent = 0;
  const send = () => {
    if (sent < tasks.length) crew.post(sent % crew.size, tasks[sent++]);
  };
  try {
    for (let i = 0; i <= crew.size; i++) send();
    for (let number = 0; number < tasks.length;) {
      signal?.throwIfAborted();
      const reply = replies.get(number);
      if (!reply) {
        await crew.wait(signal);
        continue;
      }
      replies.delete(number++);
      if ('error' in reply) throw reply.error;
      send();
      yield { size: reply.targets.length, images: reply.images, targets: collate(reply.targets) };
    }
  } finally {
    await crew.end();
  }
}
