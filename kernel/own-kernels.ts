import * as tf from '@tensorflow/tfjs';

/** Runs a kernel that tfjs does not know and some backends have; `undefined` where the current one has it not. */
export const native = (kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap = {}): unknown =>
  tf.getKernel(kernel, tf.getBackend()) ? tf.engine().runKernel(kernel, inputs, attributes) : undefined;
