import { GraphBuilder } from './onnx/index.ts';
import { ortTensor, providersBuiltIn, Session } from './session.ts';

/**
 * Throws with the reason where an execution provider cannot be used here. ONNX Runtime itself passes over names that it
 * does not know, and would compute on the CPU.
 */
export function checkProvider(provider: string): void {
  const offered = providersBuiltIn();
  if (!offered.includes(provider)) {
    throw new Error(`execution provider ${provider}: the installed onnxruntime-node offers ${offered.join(', ')}`);
  }
  const graph = new GraphBuilder();
  graph.input('x', 'float32', [2]);
  graph.node('Relu', ['x'], {}, { outputs: ['y'] });
  graph.output('y', 'float32', [2]);
  const y = new Float32Array(2);
  try {
    const session = new Session(graph.encode(), { ...plainOptions, executionProviders: [provider] });
    session.run({ x: ortTensor('float32', Float32Array.of(-1, 2), [2]) }, { y: ortTensor('float32', y, [2]) });
    session.dispose();
  } catch (error) {
    throw new Error(`execution provider ${provider} does not start: ${(error as Error).message}`, { cause: error });
  }
  if (y[0] !== 0 || y[1] !== 2)
    throw new Error(`execution provider ${provider}: the ReLU of -1 and 2 is not ${y.join()}`);
}

const plainOptions = { intraOpNumThreads: 1, graphOptimizationLevel: 'disabled', enableMemPattern: false } as const;

let known: number | undefined;

/** How many channels ONNX Runtime's blocked kernels hold together on this machine: 8, 16, or 0 where it has none. */
export function blockSize(): number {
  return (known ??= probe());
}

/** Reorders [1, 32, 1, 2] numbered elements: the second one is the first of the next channel, or of the next place. */
function probe(): number {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', [1, 32, 1, 2]);
  graph.node('ReorderInput', ['x'], {}, { domain: 'com.microsoft.nchwc', outputs: ['y'] });
  graph.output('y', 'float32', [1, 32, 1, 2]);
  try {
    const session = new Session(graph.encode(), plainOptions);
    const x = ortTensor(
      'float32',
      Float32Array.from({ length: 64 }, (_, i) => i),
      [1, 32, 1, 2],
    );
    const data = new Float32Array(64);
    session.run({ x }, { y: ortTensor('float32', data, [1, 32, 1, 2]) });
    session.dispose();
    // Element 1, the second place of channel 0, comes after all channels of the first block.
    const block = data.indexOf(1);
    return block === 8 || block === 16 ? block : 0;
  } catch {
    return 0;
  }
}
