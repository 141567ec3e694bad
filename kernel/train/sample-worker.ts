import { parentPort, workerData } from 'node:worker_threads';

/** Which sample to make. */
export interface SampleRequest {
  readonly index: number;
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
  /** Infinity where nobody said. */
  readonly epochs: number;
  readonly augment: boolean;
}

/** Writes the values of an image where it is told to, and returns its target, which threads can hand over. */
export type Sampler<S, T> = (source: S, request: SampleRequest, image: Float32Array) => Promise<T>;

/** What such a thread is given. */
export interface SamplerJob {
  readonly module: string;
  readonly source: unknown;
}

/** A batch to make. */
export interface SamplerTask {
  readonly number: number;
  /** Values of an image. */
  readonly values: number;
  readonly requests: readonly SampleRequest[];
}

export type SamplerReply<T> =
  | { readonly number: number; readonly images: Float32Array; readonly targets: readonly T[] }
  | { readonly number: number; readonly error: Error };

/** Images under way at a time: decoding has threads of its own. */
const together = 3;

const port = parentPort!;
const { module, source } = workerData as SamplerJob;
const { sample } = (await import(module)) as { sample: Sampler<unknown, unknown> };

async function make({ number, values, requests }: SamplerTask): Promise<void> {
  const images = new Float32Array(requests.length * values);
  const targets = new Array<unknown>(requests.length);
  const left = requests.entries();
  const work = async () => {
    for (const [i, request] of left)
      targets[i] = await sample(source, request, images.subarray(i * values, (i + 1) * values));
  };
  try {
    await Promise.all(Array.from({ length: together }, work));
    port.postMessage({ number, images, targets } satisfies SamplerReply<unknown>, [images.buffer]);
  } catch (thrown) {
    const error = thrown instanceof Error ? new Error(thrown.message) : new Error(String(thrown));
    port.postMessage({ number, error } satisfies SamplerReply<unknown>);
  }
}

let queue = Promise.resolve();
port.on('message', (task: SamplerTask) => {
  queue = queue.then(() => make(task));
});
