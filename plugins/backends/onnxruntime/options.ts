import { availableParallelism, totalmem } from 'node:os';
import type { SessionOptions } from './session.ts';

/** How the backend works; everything has a default. */
export interface BackendOptions {
  /** Threads that compute a graph; all the machine offers by default. */
  threads?: number;
  /**
   * ONNX Runtime's execution provider: `cpu` by default; `cuda`, `webgpu`, `coreml` or `dml` where the installed runtime
   * offers it. Kernels that it does not have run on the CPU, as ONNX Runtime has it.
   */
  provider?: string;
  /** ONNX Runtime's own optimizations. `basic` by default: the others cost compile time and gain nothing in training. */
  graphOptimizationLevel?: SessionOptions['graphOptimizationLevel'];
  /** Whether ONNX Runtime plans memory ahead. Off by default: it takes half as much again and is no faster. */
  enableMemPattern?: boolean;
  /** Compiled graphs kept; 64 by default. */
  cacheSize?: number;
  /** Bytes, estimated, in which compiled graphs may work together; a quarter of the machine's memory by default. */
  cacheBytes?: number;
  /** Calls with so many elements in all, whose inputs are known, run on the cpu backend at once; 64 by default. */
  smallElements?: number;
  /** Nodes that may be pending; 30,000 by default. */
  maxNodes?: number;
  /** Bytes of host arrays that pending nodes may hold; 1 GiB by default. */
  maxBytes?: number;
  /**
   * Variables that keep their values (inference) are compiled in, which makes a graph faster, once running it has taken
   * so many times longer than compiling it; 6 by default, `Infinity` for never.
   */
  freeze?: number;
  /** Whether to use ONNX Runtime's blocked convolutions where the machine has them; yes by default. */
  blocked?: boolean;
  /** Whether to say (once per kernel) that a kernel runs on the cpu backend; yes by default. */
  warn?: boolean;
  /** Writes ONNX Runtime's profile to files that begin like this. */
  profile?: string;
}

/** The options with their defaults. */
export class Options {
  readonly session: SessionOptions;
  readonly provider: string;
  readonly cacheSize: number;
  readonly cacheBytes: number;
  readonly smallElements: number;
  readonly maxNodes: number;
  readonly maxBytes: number;
  readonly freeze: number;
  readonly blocked: boolean;
  readonly warn: boolean;

  constructor(options: BackendOptions) {
    this.provider = options.provider ?? 'cpu';
    this.session = {
      executionProviders: [this.provider],
      intraOpNumThreads: options.threads ?? availableParallelism(),
      graphOptimizationLevel: options.graphOptimizationLevel ?? 'basic',
      enableMemPattern: options.enableMemPattern ?? false,
      ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
    };
    this.cacheSize = options.cacheSize ?? 64;
    this.cacheBytes = options.cacheBytes ?? totalmem() / 4;
    this.smallElements = options.smallElements ?? 64;
    this.maxNodes = options.maxNodes ?? 30_000;
    this.maxBytes = options.maxBytes ?? 2 ** 30;
    this.freeze = options.freeze ?? 6;
    this.blocked = (options.blocked ?? true) && this.provider === 'cpu';
    this.warn = options.warn ?? true;
  }
}
