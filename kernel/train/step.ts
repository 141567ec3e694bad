import * as tf from '@tensorflow/tfjs';
import type { Network } from '../graph/run.ts';
import type { Batch, Task } from '../plugin.ts';
import type { Optimizer } from './optimizer.ts';

/** Where in a run a step is; epochs and steps count from 0, steps over all epochs. */
export interface Moment {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
}

/**
 * Changes the gradients (by names of parameters) between backward pass and update, as a regularizer does: returns those
 * to use. Runs within `tf.tidy`: it disposes nothing, and keeps state in variables of its own.
 */
export type Regularize = (network: Network, gradients: tf.NamedTensorMap, moment: Moment) => tf.NamedTensorMap;

export interface Step<T> {
  readonly network: Network;
  readonly task: Task<T>;
  readonly optimizer: Optimizer;
  readonly regularize?: Regularize | undefined;
}

/** One update of the network from one batch; returns the loss, which the caller disposes. */
export function trainStep<T>(
  { network, task, optimizer, regularize }: Step<T>,
  { size, images, targets }: Batch<T>,
  learningRate: number,
  moment: Moment,
): tf.Scalar {
  const shape = Object.values(network.graph.inputs)[0]!;
  return tf.tidy(() => {
    const x = tf.tensor(images, [size, ...shape]);
    const forward = () => task.loss(network.apply(x, { training: true }), targets);
    const { value, grads } = tf.variableGrads(forward, network.trainable);
    const gradients: tf.NamedTensorMap = {};
    for (const [name, variable] of network.variables) {
      const gradient = grads[variable.name];
      if (gradient) gradients[name] = gradient;
    }
    optimizer.step(regularize ? regularize(network, gradients, moment) : gradients, learningRate);
    return value;
  });
}
