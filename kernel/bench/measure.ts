import { availableParallelism } from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';
import { quantile } from './statistics.ts';

export interface LatencyOptions {
  /** Inputs per pass (default 1). */
  readonly batch?: number;
  /** Shape of the inputs without the batch, channels first, where the file leaves it open. */
  readonly inputShape?: readonly number[];
  /** Passes that do not count (default 3). */
  readonly warmup?: number;
  /** Passes that are timed (default 20). */
  readonly repeats?: number;
  /** Threads that compute a pass (default: all the machine offers). */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Time of a pass through a network, in milliseconds. */
export interface Latency {
  readonly batch: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly p90Ms: number;
  readonly repeats: number;
  readonly threads: number;
}

export interface Comparison {
  readonly base: Latency;
  readonly pruned: Latency;
  /** Fastest pass of the base over that of the pruned network: what slows a pass is the machine, not the network. */
  readonly ratio: number;
}

/** A network that is ready to run on inputs of its own. */
export interface Runner {
  run(): Promise<unknown>;
  close(): Promise<void>;
}

/** What runs networks and tells the time, in milliseconds. */
export interface Stopwatch {
  open(onnx: Uint8Array, options: { batch: number; threads: number; inputShape?: readonly number[] }): Promise<Runner>;
  now(): number;
}

/** Latency of an ONNX file in ONNX Runtime, with all its optimizations. */
export async function measureLatency(
  onnx: Uint8Array,
  options: LatencyOptions = {},
  stopwatch: Stopwatch = onnxruntime,
): Promise<Latency> {
  const [latency] = await interleaved([onnx], options, stopwatch);
  return latency!;
}

/** Latencies of two ONNX files; their passes take turns, so that what slows the machine for a while slows both. */
export async function compareLatency(
  base: Uint8Array,
  pruned: Uint8Array,
  options: LatencyOptions = {},
  stopwatch: Stopwatch = onnxruntime,
): Promise<Comparison> {
  const [a, b] = (await interleaved([base, pruned], options, stopwatch)) as [Latency, Latency];
  return { base: a, pruned: b, ratio: a.minMs / b.minMs };
}

async function interleaved(
  files: readonly Uint8Array[],
  { inputShape, signal, ...options }: LatencyOptions,
  stopwatch: Stopwatch,
): Promise<Latency[]> {
  const { batch = 1, warmup = 3, repeats = 20, threads = availableParallelism() } = options;
  atLeast(1, { batch, repeats, threads });
  atLeast(0, { warmup });
  const runners: Runner[] = [];
  const times = files.map(() => [] as number[]);
  try {
    for (const file of files)
      runners.push(await stopwatch.open(file, { batch, threads, ...(inputShape ? { inputShape } : {}) }));
    for (let pass = -warmup; pass < repeats; pass++)
      for (const [i, runner] of runners.entries()) {
        signal?.throwIfAborted();
        const started = stopwatch.now();
        await runner.run();
        if (pass >= 0) times[i]!.push(stopwatch.now() - started);
      }
  } finally {
    for (const runner of runners) await runner.close();
  }
  return times.map(list => ({ batch, ...summary(list), repeats, threads }));
}

function atLeast(least: number, numbers: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(numbers))
    if (!Number.isInteger(n) || n < least)
      throw new RangeError(`latency: ${name} ${n}: must be a whole number from ${least} on`);
}

function summary(times: readonly number[]): Pick<Latency, 'medianMs' | 'minMs' | 'p90Ms'> {
  const sorted = [...times].sort((a, b) => a - b);
  return { medianMs: quantile(sorted, 0.5), minMs: sorted[0]!, p90Ms: quantile(sorted, 0.9) };
}

const onnxruntime: Stopwatch = {
  now: () => performance.now(),
  async open(onnx, { batch, threads, inputShape }) {
    const { InferenceSession, Tensor } = await import('onnxruntime-node');
    const session = await InferenceSession.create(onnx, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    const feeds: Record<string, InstanceType<typeof Tensor>> = {};
    for (const input of session.inputMetadata) {
      const dims = dimensions(input, batch, inputShape);
      const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
      // Neither constant nor denormal: both have a speed of their own.
      for (let i = 0; i < values.length; i++) values[i] = Math.sin(i);
      feeds[input.name] = new Tensor('float32', values, dims);
    }
    return { run: () => session.run(feeds), close: () => session.release() };
  },
};

/** Sizes of an input: those of the file, the batch where it leaves the first one open. */
function dimensions(
  input: InferenceSession.ValueMetadata,
  batch: number,
  inputShape: readonly number[] | undefined,
): number[] {
  if (!input.isTensor || input.type !== 'float32')
    throw new Error(`latency: input ${input.name} is ${input.isTensor ? input.type : 'no tensor'}, needs float32`);
  const [first, ...rest] = input.shape;
  if (inputShape && inputShape.length !== rest.length)
    throw new RangeError(
      `latency: input ${input.name} has ${rest.length} axes beside the batch, got [${inputShape.join(', ')}]`,
    );
  if (typeof first === 'number' && first !== batch)
    throw new RangeError(`latency: input ${input.name} has a batch of ${first}, asked for ${batch}`);
  return [
    batch,
    ...rest.map((size, axis) => {
      const n = inputShape?.[axis] ?? size;
      if (typeof n === 'number') return n;
      throw new Error(`latency: input ${input.name} leaves axis ${axis + 1} (${n}) open: give inputShape`);
    }),
  ];
}
