import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { Shape } from '../graph/parameter.ts';
import type { Batch, BatchOptions, Split } from '../plugin.ts';
import { permutation, random } from '../random.ts';
import type { SampleRequest, SamplerJob, SamplerReply, SamplerTask } from './sample-worker.ts';
import { beside, startThread } from './thread.ts';

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
  return {
    size,
    batches: ({ signal, ...request }) => {
      const { batch, dropLast = false } = request;
      if (!(Number.isInteger(batch) && batch > 0))
        throw new RangeError(`split: batch is ${batch}, must be a positive whole number`);
      const count = dropLast ? Math.floor(size / batch) : Math.ceil(size / batch);
      const values = shape.reduce((a, b) => a * b, 1);
      return fromThreads(options, tasksOf(size, count, values, request), signal);
    },
  };
}

function tasksOf(size: number, count: number, values: number, options: Omit<BatchOptions, 'signal'>): SamplerTask[] {
  const { batch, seed = 0, epoch = 0, epochs = Infinity, shuffle = false, augment = false } = options;
  const order = shuffle ? permutation(size, random(seed, `epoch ${epoch}/order`)) : undefined;
  return Array.from({ length: count }, (_, number) => {
    const places = Array.from({ length: Math.min(batch, size - number * batch) }, (_, i) => number * batch + i);
    const requests = places.map((place): SampleRequest => ({
      index: order ? order[place]! : place,
      seed,
      epoch,
      epochs,
      augment,
    }));
    return { number, values, requests };
  });
}

async function* fromThreads<S, T, B>(
  { module, source, collate, threads = Math.min(8, availableParallelism()) }: SampledOptions<S, T, B>,
  tasks: readonly SamplerTask[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch<B>, void> {
  signal?.throwIfAborted();
  const replies = new Map<number, SamplerReply<T>>();
  let failure: Error | undefined;
  let finished = false;
  let wake = () => {};
  const job: SamplerJob = { module, source };
  const workers: Worker[] = Array.from({ length: Math.min(threads, tasks.length) }, () => {
    const worker = startThread(beside(import.meta.url, 'sample-worker'), job);
    worker.on('message', (reply: SamplerReply<T>) => {
      replies.set(reply.number, reply);
      wake();
    });
    worker.on('error', error => {
      failure ??= new Error(`loader thread: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
      wake();
    });
    worker.on('exit', code => {
      if (!finished) failure ??= new Error(`loader thread ended with code ${code} before its last batch`);
      wake();
    });
    // Only a reader that waits keeps the process alive, not threads whose reader went away.
    worker.unref();
    return worker;
  });
  let sent = 0;
  const send = () => {
    if (sent < tasks.length) workers[sent % workers.length]!.postMessage(tasks[sent++]);
  };
  const onAbort = () => wake();
  signal?.addEventListener('abort', onAbort);
  try {
    for (let i = 0; i <= workers.length; i++) send();
    for (let number = 0; number < tasks.length;) {
      signal?.throwIfAborted();
      const reply = replies.get(number);
      if (reply) {
        replies.delete(number++);
        if ('error' in reply) throw reply.error;
        send();
        yield { size: reply.targets.length, images: reply.images, targets: collate(reply.targets) };
      } else if (failure) {
        throw failure;
      } else {
        for (const worker of workers) worker.ref();
        await new Promise<void>(resolve => (wake = resolve));
        for (const worker of workers) worker.unref();
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    finished = true;
    await Promise.all(workers.map(worker => worker.terminate()));
  }
}
