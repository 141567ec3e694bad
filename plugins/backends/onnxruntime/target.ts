import { GraphBuilder } from './onnx/index.ts';
import { ortTensor, Session } from './session.ts';

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
  const options = { intraOpNumThreads: 1, graphOptimizationLevel: 'disabled', enableMemPattern: false } as const;
  try {
    const session = new Session(graph.encode(), options);
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
