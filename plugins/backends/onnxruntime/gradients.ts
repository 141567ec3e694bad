import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

/** Registers the gradients of this backend's own kernels, and some of tfjs's that would fill arrays on the host. */
export function registerGradients(isOurs: () => boolean): void {
  if (tf.getGradient('LayerNorm')) return;
  for (const name of ['Sum', 'Mean']) replaceReduction(name, isOurs);
  registerActivation('Gelu');
  registerActivation('Silu');
  tf.registerGradient({
    kernelName: 'LayerNorm',
    inputsToSave: ['x', 'scale'],
    gradFunc(dy, saved, attributes) {
      const [x, scale] = saved as [Tensor, Tensor];
      const made: unknown = tf.engine().runKernel('LayerNormGrad', { dy: dy as Tensor, x, scale }, attributes);
      const [dx, dScale, dOffset] = made as [Tensor, Tensor, Tensor];
      return { x: () => dx, scale: () => dScale, offset: () => dOffset };
    },
  });
  registerBatchNormGradient();
}

/** The gradient of `TrainingBatchNorm`: inputs x, scale and offset; outputs y, mean and variance. */
export function registerBatchNormGradient(): void {
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

/** An activation `name` of x with the kernel `<name>Grad` of dy and x. */
function registerActivation(name: string): void {
  tf.registerGradient({
    kernelName: name,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.engine().runKernel(`${name}Grad`, { dy: dy as Tensor, x: x! }) as Tensor }),
  });
}

/** tfjs multiplies the gradient of a sum or mean by ones, as many as x has elements; here it is only spread. */
function replaceReduction(name: string, isOurs: () => boolean): void {
  const original = tf.getGradient(name);
  tf.registerGradient({
    ...original,
    gradFunc(dy, saved, attributes) {
      const [x] = saved as [Tensor];
      if (!isOurs() || x.size === 0) return original.gradFunc(dy, saved, attributes);
      const axes = tf.util.parseAxisParam(attributes['axis'] as number | number[], x.shape);
      const shape = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
      const share = name === 'Mean' ? tf.util.sizeFromShape(x.shape) / tf.util.sizeFromShape(shape) : 1;
      return {
        x: () => {
          const one = tf.reshape(dy as Tensor, shape);
          return tf.broadcastTo(share === 1 ? one : tf.div(one, share), x.shape);
        },
      };
    },
  });
}
