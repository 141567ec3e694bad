import * as tf from '@tensorflow/tfjs';
import { Network } from '../graph/run.ts';
import type { Graph } from '../graph/graph.ts';
import type { Penalty } from '../plugin.ts';
import type { Regularize } from '../train/step.ts';
import { median } from './statistics.ts';

/** A penalty as the hook of a training run. */
export const regularizeBy =
  (penalty: Penalty): Regularize =>
  (network, gradients, moment) => {
    const sum: tf.NamedTensorMap = { ...gradients };
    for (const [name, term] of Object.entries(penalty.gradients(network.variables, moment))) {
      const gradient = sum[name];
      sum[name] = gradient ? tf.add(gradient, term) : term;
    }
    return sum;
  };

/** Frees the state of a penalty, if there is one. */
export function disposePenalty(penalty: Penalty | undefined): void {
  for (const slot of penalty?.slots?.values() ?? []) slot.dispose();
}

/** Median seconds that the terms of a penalty take to compute, once a step; they change nothing here. */
export async function penaltySeconds(penalty: Penalty, graph: Graph, repeats = 5): Promise<number> {
  const network = new Network(graph);
  const seconds: number[] = [];
  try {
    for (let i = -2; i < repeats; i++) {
      const started = performance.now();
      const some = tf.tidy(() => {
        const terms = Object.values(penalty.gradients(network.variables, { epoch: 0, epochs: 1, step: 1, steps: 2 }));
        return terms.length > 0
          ? tf.concat(terms.map(term => tf.slice1d(tf.reshape(term, [-1]), 0, 1)))
          : tf.zeros([1]);
      });
      await some.data();
      some.dispose();
      // The first two may compile.
      if (i >= 0) seconds.push((performance.now() - started) / 1000);
    }
  } finally {
    network.dispose();
  }
  return median(seconds);
}
