import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { createOptimizer, optimizerOptions, type OptimizerOptions } from '../../../kernel/train/optimizer.ts';

const start = { kernel: [0.5, -1.25, 2, 0.125], bias: [0.25, -0.75] };
const gradientOf = (weight: number, step: number, i: number) => 0.3 * weight + 0.1 * (step + 1) - 0.05 * i;

type Values = Record<keyof typeof start, number[]>;

/** The optimizer's weights after some steps of some learning rates. */
function run(options: OptimizerOptions, rates: readonly number[]): Values {
  const parameters = new Map<string, tf.Variable>([
    ['kernel', tf.tidy(() => tf.variable(tf.tensor2d(start.kernel, [2, 2])))],
    ['bias', tf.tidy(() => tf.variable(tf.tensor1d(start.bias)))],
  ]);
  const optimizer = createOptimizer(options, parameters);
  rates.forEach((rate, step) =>
    tf.tidy(() => {
      const gradients: tf.NamedTensorMap = {};
      for (const [name, variable] of parameters) {
        const values = [...variable.dataSync()].map((w, i) => gradientOf(w, step, i));
        gradients[name] = tf.tensor(values, variable.shape);
      }
      optimizer.step(gradients, rate);
    }),
  );
  const result = Object.fromEntries([...parameters].map(([name, v]) => [name, [...v.dataSync()]])) as Values;
  optimizer.dispose();
  tf.dispose([...parameters.values()]);
  return result;
}

/** The rule of one weight, from its values before: PyTorch's documentation of SGD and AdamW, line by line. */
function expected(options: OptimizerOptions, rates: readonly number[]): Values {
  const train = (weights: number[], isKernel: boolean) =>
    weights.map((weight, i) => {
      const lambda = options.decay === 'all' || isKernel ? options.weightDecay : 0;
      let theta = weight;
      let b = 0;
      let m = 0;
      let v = 0;
      rates.forEach((gamma, step) => {
        let g = gradientOf(theta, step, i);
        const t = step + 1;
        if (options.kind === 'sgd') {
          g += lambda * theta;
          if (options.momentum) {
            b = t > 1 ? options.momentum * b + g : g;
            g = options.nesterov ? g + options.momentum * b : b;
          }
          theta -= gamma * g;
        } else {
          theta -= gamma * lambda * theta;
          m = options.beta1 * m + (1 - options.beta1) * g;
          v = options.beta2 * v + (1 - options.beta2) * g * g;
          const mHat = m / (1 - options.beta1 ** t);
          const vHat = v / (1 - options.beta2 ** t);
          theta -= (gamma * mHat) / (Math.sqrt(vHat) + options.epsilon);
        }
      });
      return theta;
    });
  return { kernel: train(start.kernel, true), bias: train(start.bias, false) };
}

const rates = [0.1, 0.1, 0.01, 0.05, 0.2];

describe('optimizer', () => {
  const cases: Record<string, Parameters<typeof optimizerOptions.parse>[0]> = {
    'plain descent': { kind: 'sgd', momentum: 0, weightDecay: 0 },
    'weight decay without momentum': { kind: 'sgd', momentum: 0, weightDecay: 0.1 },
    momentum: { kind: 'sgd', momentum: 0.9, weightDecay: 0 },
    'momentum and weight decay': { kind: 'sgd', momentum: 0.9, weightDecay: 0.1 },
    'Nesterov momentum and weight decay': { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.1 },
    'decay of kernels only': { kind: 'sgd', momentum: 0.9, weightDecay: 0.1, decay: 'kernels' },
    AdamW: { kind: 'adamw', weightDecay: 0.1 },
    'AdamW with other betas and a large epsilon': { kind: 'adamw', beta1: 0.5, beta2: 0.9, epsilon: 0.1 },
    'AdamW, decay of kernels only': { kind: 'adamw', weightDecay: 0.5, decay: 'kernels' },
  };
  for (const [name, given] of Object.entries(cases))
    it(`${name} follows PyTorch's rule over steps of varying rates`, () => {
      const options = optimizerOptions.parse(given);
      const actual = run(options, rates);
      const reference = expected(options, rates);
      for (const parameter of ['kernel', 'bias'] as const)
        actual[parameter].forEach((value, i) => {
          const target = reference[parameter][i]!;
          assert.ok(Math.abs(value - target) < 2e-6, `${parameter}[${i}] is ${value}, expected ${target}`);
        });
    });

  it('first step by hand: 1 - 0.1 (0.5 + 0.1 x 1) = 0.94, then with momentum 0.94 - 0.1 (0.594 + 0.9 x 0.6) = 0.8266', () => {
    const w = tf.variable(tf.tensor1d([1]));
    const options = optimizerOptions.parse({ kind: 'sgd', momentum: 0.9, weightDecay: 0.1 });
    const optimizer = createOptimizer(options, new Map([['w', w]]));
    const step = () => tf.tidy(() => optimizer.step({ w: tf.tensor1d([0.5]) }, 0.1));
    step();
    assert.ok(Math.abs(w.dataSync()[0]! - 0.94) < 1e-6);
    step();
    assert.ok(Math.abs(w.dataSync()[0]! - 0.8266) < 1e-6);
    optimizer.dispose();
    w.dispose();
  });

  it('leaves a parameter without gradient as it is', () => {
    const w = tf.variable(tf.tensor1d([1]));
    const optimizer = createOptimizer(optimizerOptions.parse({ kind: 'sgd' }), new Map([['w', w]]));
    optimizer.step({}, 0.1);
    assert.equal(w.dataSync()[0], 1);
    optimizer.dispose();
    w.dispose();
  });

  it('keeps no tensors', () => {
    for (const kind of ['sgd', 'adamw'] as const) {
      const before = tf.memory().numTensors;
      run(optimizerOptions.parse({ kind }), rates);
      run(optimizerOptions.parse({ kind }), [...rates, ...rates]);
      assert.equal(tf.memory().numTensors - before, 0);
    }
  });
});
