import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

/** Registers the gradient of `TrainingBatchNorm`: inputs x, scale and offset; outputs y, mean and variance. */
export function registerGradients(): void {
  if (tf.getGradient('TrainingBatchNorm')) return;
  tf.registerGradient({
    kernelName: 'TrainingBatchNorm',
    inputsToSave: ['x', 'scale'],
    outputsToSave: [false, true, true],
    gradFunc(dy, saved, attributes) {
      const [x, scale, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
      // Only y carries a gradient: the statistics feed running averages.
      const inputs = { dy: (dy as Tensor[])[0]!, x, mean, variance, scale };
      // Run at once: what one of the functions below makes does not outlive it.
      const made: unknown = tf.engine().runKernel('TrainingBatchNormGrad', inputs, attributes);
      const [dx, dScale, dOffset] = made as [Tensor, Tensor, Tensor];
      return { x: () => dx, scale: () => dScale, offset: () => dOffset };
    },
  });
}
