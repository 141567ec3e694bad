import * as tf from '@tensorflow/tfjs';
import type { Penalty } from '../plugin.ts';
import type { Regularize } from '../train/step.ts';

/** A penalty as the hook of a training run, with the mean seconds that it takes per step to state its gradients. */
export function timedRegularizer(penalty: Penalty): { regularize: Regularize; seconds: () => number } {
  let [spent, calls] = [0, 0];
  const regularize: Regularize = (network, gradients) => {
    const started = performance.now();
    const sum: tf.NamedTensorMap = { ...gradients };
    for (const [name, term] of Object.entries(penalty.gradients(network.variables)))
      sum[name] = sum[name] ? tf.add(sum[name], term) : term;
    spent += (performance.now() - started) / 1000;
    calls++;
    return sum;
  };
  return { regularize, seconds: () => (calls ? spent / calls : 0) };
}
