/** A backend for TensorFlow.js on ONNX Runtime: trains and infers in Node.js without a native build of TensorFlow. */
import * as tf from '@tensorflow/tfjs';
import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import { OnnxruntimeBackend } from './backend.ts';
import { cpuBackend, type Inputs } from './fallback.ts';
import { registerGradients } from './gradients.ts';
import { aliases, kernels } from './operations/index.ts';
import type { BackendOptions } from './options.ts';
import type { Report } from './report.ts';
import { checkProvider } from './target.ts';

export type { BackendOptions } from './options.ts';
export type { Report } from './report.ts';
export * as onnx from './onnx/index.ts';

/** The name it has in tfjs. */
export const backendName = 'onnxruntime';

let registered = false;
let options: BackendOptions = {};

/**
 * Makes the backend known to tfjs, where `tf.setBackend('onnxruntime')` then selects it. The options count until the
 * backend is made; to change them later, drop it with `tf.removeBackend('onnxruntime')` and call this again. Throws where
 * an execution provider is asked for that cannot be used here.
 */
export function register(backendOptions: BackendOptions = {}): void {
  if (backendOptions.provider !== undefined) checkProvider(backendOptions.provider);
  options = backendOptions;
  cpuBackend();
  if (!tf.findBackendFactory(backendName)) tf.registerBackend(backendName, () => new OnnxruntimeBackend(options), 4);
  if (registered) return;
  registered = true;
  registerKernels();
  registerGradients(() => tf.getBackend() === backendName);
}

/** What the backend did so far. */
export function report(): Report {
  return (tf.findBackend(backendName) as OnnxruntimeBackend).report();
}

type Run = (backend: OnnxruntimeBackend, inputs: Inputs, attrs: NamedAttrMap) => TensorInfo | TensorInfo[];

function registerKernels(): void {
  const cpu = new Map<string, KernelFunc>(tf.getKernelsForBackend('cpu').map(k => [k.kernelName, k.kernelFunc]));
  const add = (kernelName: string, run: Run) =>
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) => run(backend as OnnxruntimeBackend, inputs as Inputs, attrs ?? {}),
    });
  for (const [name, kernel] of Object.entries(aliases)) {
    add(name, (backend, inputs, attrs) => backend.callAlias(kernel, inputs, attrs));
  }
  for (const [name, kernel] of Object.entries(kernels)) {
    add(name, (backend, inputs, attrs) => backend.call(name, kernel, cpu.get(name), inputs, attrs));
  }
  add('Complex', (backend, inputs) => {
    const { real, imag } = inputs as Record<string, TensorInfo>;
    return backend.makeComplex(real!.shape, backend.duplicate(real!), backend.duplicate(imag!));
  });
  const part =
    (name: 'real' | 'imag'): Run =>
    (backend, inputs) => {
      const { input } = inputs as Record<string, TensorInfo>;
      return { ...backend.duplicate(backend.complexParts(input!.dataId)![name]), shape: input!.shape };
    };
  add('Real', part('real'));
  add('Imag', part('imag'));
  for (const [name, kernel] of cpu) {
    if (tf.getKernel(name, backendName)) continue;
    add(name, (backend, inputs, attrs) => backend.fallback(name, kernel, inputs, attrs));
  }
}
