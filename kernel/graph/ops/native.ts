import * as tf from '@tensorflow/tfjs';

/** Runs a kernel that only some backends have, with a gradient of its own; `undefined` where the current one does not. */
export const native = (kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap = {}): unknown =>
  tf.getKernel(kernel, tf.getBackend()) ? tf.engine().runKernel(kernel, inputs, attributes) : undefined;
