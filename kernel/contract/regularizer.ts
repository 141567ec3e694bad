import * as tf from '@tensorflow/tfjs';
import { disposePenalty } from '../bench/regularize.ts';
import type { Graph } from '../graph/graph.ts';
import { Network } from '../graph/run.ts';
import type { Regularizer } from '../plugin.ts';
import { parseOptions } from '../options.ts';
import { sparsityOf } from '../prune/sparsity.ts';
import { ensure, type Check } from './check.ts';
import { constant, scrambled, smallGraphs } from './small-graphs.ts';

const moments = [
  { epoch: 0, epochs: 3, step: 1, steps: 12 },
  { epoch: 1, epochs: 3, step: 4, steps: 12 },
];

/** The terms of the last of two steps, by parameter. */
async function terms(regularizer: Regularizer, graph: Graph): Promise<Map<string, Float32Array>> {
  const network = new Network(graph);
  const penalty = regularizer.start(sparsityOf(graph), parseOptions(regularizer));
  const values = new Map<string, Float32Array>();
  try {
    for (const moment of moments) {
      const found: tf.NamedTensorMap = tf.tidy(() => ({ ...penalty.gradients(network.variables, moment) }));
      for (const [name, term] of Object.entries(found)) {
        const parameter = graph.parameters.get(name);
        ensure(parameter !== undefined, () => `there is no parameter ${name}`);
        ensure(
          term.shape.join() === parameter.shape.join(),
          () => `the term of ${name} is [${term.shape.join(', ')}], the parameter is [${parameter.shape.join(', ')}]`,
        );
        values.set(name, await term.data<'float32'>());
      }
      tf.dispose(found);
    }
  } finally {
    disposePenalty(penalty);
    network.dispose();
  }
  return values;
}

/** What a regularizer must do. */
export const regularizerChecks: readonly Check<Regularizer>[] = Object.entries(smallGraphs).flatMap(([name, make]) => [
  {
    name: `${name}: constant and zero weights give finite terms of the shape of their parameters`,
    async run(regularizer) {
      for (const value of [0, 1])
        for (const [parameter, term] of await terms(regularizer, constant(make(), value)))
          ensure(term.every(Number.isFinite), () => `all weights ${value}: the term of ${parameter} is ${term.join()}`);
    },
  },
  {
    name: `${name}: the same terms each time, and no tensor is kept`,
    async run(regularizer) {
      const graph = scrambled(make());
      const before = tf.memory().numTensors;
      const [first, second] = [await terms(regularizer, graph), await terms(regularizer, graph)];
      const left = tf.memory().numTensors - before;
      ensure(left === 0, () => `${left} tensors are kept`);
      for (const [parameter, term] of first)
        ensure(
          term.every((value, i) => value === second.get(parameter)?.[i]),
          () => `${parameter}: its terms differ`,
        );
    },
  },
]);
