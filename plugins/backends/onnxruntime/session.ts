/*
 * The synchronous door to ONNX Runtime. tfjs reads synchronously (`dataSync`) and onnxruntime-node's public API only
 * asynchronously, though its native object underneath is synchronous. This is the only file that knows of that object;
 * session.test.ts is the contract it must keep, and the version of onnxruntime-node is pinned.
 */
import { createRequire } from 'node:module';
import { Tensor } from 'onnxruntime-node';

/** A tensor as ONNX Runtime takes and gives it. */
export interface OrtTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dims: readonly number[];
  readonly type: string;
}

/** What a session is created with; names and values are ONNX Runtime's. */
export interface SessionOptions {
  intraOpNumThreads: number;
  graphOptimizationLevel: 'disabled' | 'basic' | 'extended' | 'all';
  enableMemPattern: boolean;
  enableProfiling?: boolean;
  profileFilePrefix?: string;
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(feeds: object, fetches: object, options: object): Record<string, OrtTensor>;
  endProfiling(): void;
  dispose(): void;
}

interface NativeModule {
  binding: { InferenceSession: new () => NativeSession };
  initOrt(): void;
}

let native: NativeModule | undefined;

function load(): NativeModule {
  if (!native) {
    native = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js') as NativeModule;
    if (typeof native.initOrt !== 'function' || typeof native.binding?.InferenceSession !== 'function') {
      throw new Error('onnxruntime-node: no native session in dist/binding.js; use version 1.30.0');
    }
    native.initOrt();
  }
  return native;
}

/** A compiled graph. */
export class Session {
  private readonly session: NativeSession;
  private readonly profiling: boolean;

  constructor(model: Uint8Array, options: SessionOptions) {
    this.session = new (load().binding.InferenceSession)();
    this.profiling = options.enableProfiling ?? false;
    this.session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      interOpNumThreads: 1,
      logSeverityLevel: 4,
      ...options,
    });
  }

  /** Computes the named outputs. Inputs are read in place, outputs are fresh. */
  run(feeds: Record<string, OrtTensor>, outputs: readonly string[]): Record<string, OrtTensor> {
    const fetches: Record<string, null> = {};
    for (const name of outputs) fetches[name] = null;
    return this.session.run(feeds, fetches, {});
  }

  /** Frees the native session. */
  dispose(): void {
    if (this.profiling) this.session.endProfiling();
    this.session.dispose();
  }
}

/** Wraps an array, without a copy, as an input. */
export function ortTensor(
  type: 'float32' | 'int32' | 'bool',
  data: Float32Array | Int32Array | Uint8Array,
  dims: readonly number[],
): OrtTensor {
  return new Tensor(type, data as Float32Array, dims) as unknown as OrtTensor;
}
