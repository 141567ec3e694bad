/*
 * The synchronous door to ONNX Runtime. tfjs reads synchronously (`dataSync`) and onnxruntime-node's public API only
 * asynchronously, though its native object underneath is synchronous. This is the only file that knows of that object;
 * session.test.ts is the contract it must keep, and the version of onnxruntime-node is pinned.
 *
 * Results are written into arrays of ours, and this version of onnxruntime-node would then copy each of them into an
 * array of its own (60 ms for the weights and momenta of a ResNet-18). It converts results in the order in which the
 * graph declares them and gives up at the first whose type JavaScript does not have. So a graph declares such a result
 * before all others (`declareStop`), and the error it leads to says that everything is done.
 */
import { createRequire } from 'node:module';
import { Tensor } from 'onnxruntime-node';
import { elementTypes, type GraphBuilder } from './onnx/index.ts';

/** A tensor as ONNX Runtime takes and gives it. */
export interface OrtTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dims: readonly number[];
  readonly type: string;
}

/** What a session is created with; names and values are ONNX Runtime's. */
export interface SessionOptions {
  /** What computes; the CPU unless said otherwise. */
  executionProviders?: readonly string[];
  intraOpNumThreads: number;
  graphOptimizationLevel: 'disabled' | 'basic' | 'extended' | 'all';
  enableMemPattern: boolean;
  enableProfiling?: boolean;
  profileFilePrefix?: string;
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(feeds: object, fetches: object, options: object): unknown;
  readonly outputMetadata: readonly { readonly name: string }[];
  endProfiling(): void;
  dispose(): void;
}

interface NativeModule {
  binding: {
    InferenceSession: new () => NativeSession;
    listSupportedBackends(): readonly { readonly name: string }[];
  };
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

/** The execution providers that the installed runtime was built with; whether their drivers are there shows when used. */
export const providersBuiltIn = (): string[] =>
  load()
    .binding.listSupportedBackends()
    .map(({ name }) => name);

const stop = 'stop';
const stopped = 'Tensor type (16) is not supported.';

/** Declares the result that keeps others from being copied; to be called before any other output is declared. */
export function declareStop(graph: GraphBuilder): void {
  graph.node('Cast', [graph.constant('float32', [], [0])], { to: elementTypes.bfloat16 }, { outputs: [stop] });
  graph.output(stop, 'bfloat16', []);
}

/** A compiled graph. */
export class Session {
  private readonly session: NativeSession;
  private readonly profiling: boolean;
  private readonly stops: boolean;

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
    this.stops = this.session.outputMetadata[0]?.name === stop;
  }

  /** Computes the named outputs into the arrays given, which must be none of the inputs'. Inputs are read in place. */
  run(feeds: Record<string, OrtTensor>, outputs: Record<string, OrtTensor>): void {
    try {
      this.session.run(feeds, this.stops ? { [stop]: null, ...outputs } : outputs, {});
    } catch (error) {
      if (!this.stops || (error as Error).message !== stopped) throw error;
    }
  }

  /** Frees the native session. */
  dispose(): void {
    if (this.profiling) this.session.endProfiling();
    this.session.dispose();
  }
}

/** Wraps an array, without a copy, as an input or output. */
export function ortTensor(
  type: 'float32' | 'int32' | 'bool',
  data: Float32Array | Int32Array | Uint8Array,
  dims: readonly number[],
): OrtTensor {
  return new Tensor(type, data as Float32Array, dims) as unknown as OrtTensor;
}
