import * as tf from '@tensorflow/tfjs';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { registerBatchNormGradient } from './onnxruntime/gradients.ts';

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What is used here of the backend of tfjs-node. */
interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Readonly<
    Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_FLOAT', number>
  >;
  executeMultipleOutputs(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly TensorInfo[],
    count: number,
  ): Tensor[];
}

interface Call {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly attrs: { readonly epsilon: number };
  readonly backend: NodeBackend;
}

/**
 * Gives the backend the kernels `TrainingBatchNorm` and `TrainingBatchNormGrad` of the onnxruntime backend, by one
 * operation of TensorFlow each instead of some twenty. On the CPU only: on a GPU it saves something else for its gradient.
 */
export function registerBatchNorm(): void {
  const { isUsingGpuDevice } = tf.findBackend('tensorflow') as unknown as NodeBackend;
  if (isUsingGpuDevice || tf.getKernel('TrainingBatchNorm', 'tensorflow')) return;
  register('TrainingBatchNorm', ({ inputs: { x, scale, offset }, attrs, backend }) => {
    const none = tf.tensor1d([]);
    const inputs = [image(x!), scale!, offset!, none, none];
    // The third output is the unbiased variance, the fifth the biased one.
    const [y, mean, , , variance] = backend.executeMultipleOutputs(
      'FusedBatchNormV3',
      common(backend, attrs),
      inputs,
      6,
    );
    return [tf.reshape(y!, x!.shape), mean!, variance!];
  });
  register('TrainingBatchNormGrad', ({ inputs: { dy, x, scale, mean, variance }, attrs, backend }) => {
    const inputs = [image(dy!), image(x!), scale!, mean!, variance!, tf.tensor1d([])];
    const op = 'FusedBatchNormGradV3';
    const [dx, dScale, dOffset] = backend.executeMultipleOutputs(op, common(backend, attrs), inputs, 5);
    return [tf.reshape(dx!, x!.shape), dScale!, dOffset!];
  });
  registerBatchNormGradient();
}

/** Registers a kernel; what it makes but does not return is freed. */
function register(kernelName: string, compute: (call: Call) => Tensor[]): void {
  const kernelFunc = (call: unknown) => tf.tidy(() => compute(call as Call));
  tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc });
}

/** Four axes, as TensorFlow has it. */
const image = (x: Tensor): Tensor => (x.rank === 4 ? x : tf.reshape(x, [-1, 1, 1, x.shape[x.rank - 1]!]));

function common({ binding }: NodeBackend, { epsilon }: Call['attrs']): Attribute[] {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'U', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
  ];
}
