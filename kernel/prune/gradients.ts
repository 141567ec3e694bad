import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type { Computed } from '../graph/run.ts';
import { ops } from '../graph/ops/index.ts';
import type { Batch, Calibration } from '../plugin.ts';
import { lossGradients } from '../train/step.ts';

/** Values by the names of parameters; 0 where the loss does not depend on a parameter. */
export type ByParameter = Map<string, Float32Array>;

/** By trainable parameter, the gradient of the mean loss over all calibration images. */
export function meanGradients(calibration: Calibration): Promise<ByParameter> {
  const { network, task } = calibration;
  return meanOf(calibration, batch => {
    const x = network.input(batch);
    const { gradients } = lossGradients(network, () => task.loss(network.apply(x), batch.targets));
    for (const [name, gradient] of Object.entries(gradients)) gradients[name] = tf.mul(gradient, batch.size);
    return gradients;
  });
}

/**
 * By parameter that criteria score, the mean over calibration images of the squared gradient of the image's own loss:
 * the diagonal of the empirical Fisher matrix. With `sampled` labels, which are drawn from what the network itself
 * says, it is the diagonal of the Fisher matrix. Throws where the task cannot draw them.
 */
export function meanSquaredGradients(calibration: Calibration, { sampled = false } = {}): Promise<ByParameter> {
  const { network, task } = calibration;
  if (sampled && !task.sample) throw new Error(`task ${task.id}: its outputs state no distribution to sample from`);
  const sums = (batch: Batch): tf.NamedTensorMap => {
    const squares: tf.NamedTensorMap = {};
    const tap = (computed: Computed) => squaring(computed, squares, batch.size);
    const x = network.input(batch);
    tf.variableGrads(() => task.loss(network.apply(x, { tap }), batch.targets), network.trainable);
    return squares;
  };
  return meanOf(calibration, sums, sampled ? batch => withSampledTargets(calibration, batch) : undefined);
}

async function withSampledTargets({ network, task, random }: Calibration, batch: Batch): Promise<Batch> {
  const outputs = tf.tidy(() => network.apply(network.input(batch)));
  try {
    return { ...batch, targets: await task.sample!(outputs, random) };
  } finally {
    tf.dispose(outputs);
  }
}

/** The node's output, whose gradient, once it comes, is squared sample by sample. */
function squaring({ op, view, inputs, output, parameters }: Computed, squares: tf.NamedTensorMap, size: number) {
  const { squaredGradients } = ops[op];
  if (!squaredGradients) return undefined;
  const tapped = tf.customGrad((...args: unknown[]) => {
    const [y, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([...inputs]);
    return {
      value: tf.clone(y),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        for (const [role, square] of Object.entries(squaredGradients(view, saved, parameters, dy))) {
          const name = view.names[role]!;
          // The loss is a mean over samples: each one's own gradient is so many times what arrives.
          const own = tf.mul(square, size * size);
          const before = squares[name];
          squares[name] = tf.keep(before ? tf.add(before, own) : own);
          before?.dispose();
        }
        return dy;
      },
    };
  });
  return tapped(output);
}

/** Mean over images of what is added up for each batch. */
async function meanOf(
  { network, batches }: Calibration,
  sums: (batch: Batch) => tf.NamedTensorMap,
  prepare = (batch: Batch): Batch | Promise<Batch> => batch,
): Promise<ByParameter> {
  const means: ByParameter = new Map([...network.variables].map(([name, { size }]) => [name, new Float32Array(size)]));
  let images = 0;
  for await (const batch of batches()) {
    const prepared = await prepare(batch);
    const own = tf.tidy(() => sums(prepared));
    try {
      for (const [name, sum] of Object.entries(own)) {
        const values = await sum.data<'float32'>();
        const total = means.get(name)!;
        for (let i = 0; i < total.length; i++) total[i]! += values[i]!;
      }
    } finally {
      tf.dispose(own);
    }
    images += batch.size;
    await setImmediate();
  }
  for (const total of means.values()) for (let i = 0; i < total.length; i++) total[i]! /= images;
  return means;
}
