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
  batch: Batch<T>,
  learningRate: number,
  moment: Moment,
): tf.Scalar {
  return tf.tidy(() => {
    const x = network.input(batch);
    const forward = () => task.loss(network.apply(x, { training: true }), batch.targets);
    const { value, gradients } = lossGradients(network, forward);
    optimizer.step(regularize ? regularize(network, gradients, moment) : gradients, learningRate);
    return value;
  });
}

/** A loss, and its gradients by the names of the parameters that it depends on. */
export function lossGradients(
  network: Network,
  loss: () => tf.Scalar,
): { readonly value: tf.Scalar; readonly gradients: tf.NamedTensorMap } {
  const { value, grads } = tf.variableGrads(loss, network.trainable);
  const gradients: tf.NamedTensorMap = {};
  for (const [name, variable] of network.variables) {
    const gradient = grads[variable.name];
    if (gradient) gradients[name] = gradient;
  }
  return { value, gradients };
}
