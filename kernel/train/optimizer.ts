import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { native } from '../own-kernels.ts';

const weightDecay = z.number().min(0).describe('factor of the L2 penalty');
const decay = z
  .enum(['all', 'kernels'])
  .default('all')
  .describe('what decays: every trainable parameter as in PyTorch, or only those of two or more axes');

export const sgdOptions = z.strictObject({
  kind: z.literal('sgd'),
  learningRate: z.number().positive().default(0.01),
  momentum: z.number().min(0).lt(1).default(0.9),
  nesterov: z.boolean().default(false),
  weightDecay: weightDecay.default(5e-4),
  decay,
});

export const adamwOptions = z.strictObject({
  kind: z.literal('adamw'),
  learningRate: z.number().positive().default(1e-3),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: weightDecay.default(0.01),
  decay,
});

export const optimizerOptions = z.discriminatedUnion('kind', [sgdOptions, adamwOptions]);
/** Under a regularizer, which makes weights smaller itself, no optimizer decays them unless it states so. */
export const sparsifyOptimizerOptions = z.discriminatedUnion('kind', [
  sgdOptions.extend({ weightDecay: weightDecay.default(0) }),
  adamwOptions.extend({ weightDecay: weightDecay.default(0) }),
]);
export type OptimizerOptions = z.infer<typeof optimizerOptions>;

/** Variables of a network, or their gradients, by the names of the graph's parameters. */
export type NamedVariables = ReadonlyMap<string, tf.Variable>;

/** Changes variables by their gradients, as the optimizers of PyTorch do. Dispose it when done. */
export interface Optimizer {
  /** Steps taken; set it together with the slots to continue an earlier run. */
  steps: number;
  /** State of the optimizer by name, as in `momentum/stem.kernel`. */
  readonly slots: NamedVariables;
  /** One update. Parameters without a gradient stay as they are. */
  step(gradients: tf.NamedTensorMap, learningRate: number): void;
  dispose(): void;
}

export const createOptimizer = (options: OptimizerOptions, parameters: NamedVariables): Optimizer =>
  options.kind === 'sgd' ? sgd(options, parameters) : adamw(options, parameters);

const decays = (options: OptimizerOptions, variable: tf.Variable): boolean =>
  options.weightDecay > 0 && (options.decay === 'all' || variable.rank > 1);

/** Stochastic gradient descent with momentum; weight decay is added to the gradient. */
function sgd(options: z.infer<typeof sgdOptions>, parameters: NamedVariables): Optimizer {
  const { momentum, nesterov, weightDecay } = options;
  const slots = momentum > 0 ? slotsFor(parameters, 'momentum') : new Map<string, tf.Variable>();
  return optimizer(parameters, slots, 1, ([rate], learningRate) => {
    rate!.assign(tf.scalar(learningRate));
    return (name, variable, gradient) => {
      const slot = slots.get(`momentum/${name}`);
      const decaying = decays(options, variable);
      const settings = { momentum, nesterov, weightDecay: decaying ? weightDecay : 0 };
      const own = slot && native('SgdUpdate', { w: variable, v: slot, gradient, rate: rate! }, settings);
      if (own) return assignAll([variable, slot], own as tf.Tensor[]);
      let g = decaying ? tf.add(gradient, tf.mul(variable, weightDecay)) : gradient;
      if (slot) {
        const velocity = tf.add(tf.mul(slot, momentum), g);
        slot.assign(velocity);
        g = nesterov ? tf.add(g, tf.mul(velocity, momentum)) : velocity;
      }
      variable.assign(tf.sub(variable, tf.mul(g, rate!)));
    };
  });
}

/**
 * Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization. The slots are the moments without their constant
 * factors, 1 - beta1 and 1 - beta2.
 */
function adamw(options: z.infer<typeof adamwOptions>, parameters: NamedVariables): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = options;
  const slots = slotsFor(parameters, 'first', 'second');
  return optimizer(parameters, slots, 3, ([shrink, factor, least], learningRate, step) => {
    // w -= size m / (correction sqrt(v) + epsilon), with all divided by the size; a rate of zero leaves next to nothing.
    const size = Math.max((learningRate * (1 - beta1)) / (1 - beta1 ** step), 1e-30);
    const correction = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
    shrink!.assign(tf.scalar(1 - learningRate * weightDecay));
    factor!.assign(tf.scalar(correction / size));
    least!.assign(tf.scalar(epsilon / size));
    const scalars = { shrink: shrink!, factor: factor!, least: least! };
    return (name, variable, gradient) => {
      const first = slots.get(`first/${name}`)!;
      const second = slots.get(`second/${name}`)!;
      const decaying = decays(options, variable);
      // Without decay there is nothing to shrink.
      const inputs = { w: variable, m: first, v: second, gradient, ...scalars };
      const own = decaying && native('AdamwUpdate', inputs, { beta1, beta2 });
      if (own) return assignAll([variable, first, second], own as tf.Tensor[]);
      const m = tf.add(tf.mul(first, beta1), gradient);
      const v = tf.add(tf.mul(second, beta2), tf.square(gradient));
      const w = decaying ? tf.mul(variable, shrink!) : variable;
      const update = tf.div(m, tf.add(tf.mul(tf.sqrt(v), factor!), least!));
      assignAll([variable, first, second], [tf.sub(w, update), m, v]);
    };
  });
}

const assignAll = (variables: readonly tf.Variable[], values: readonly tf.Tensor[]): void =>
  variables.forEach((variable, i) => variable.assign(values[i]!));

type Update = (name: string, variable: tf.Variable, gradient: tf.Tensor) => void;

/** `prepare` sets what varies from step to step, so many scalars (variables: a compiled step serves all), and returns the rule. */
function optimizer(
  parameters: NamedVariables,
  slots: NamedVariables,
  count: number,
  prepare: (scalars: readonly tf.Variable[], learningRate: number, step: number) => Update,
): Optimizer {
  const scalars = Array.from({ length: count }, () => tf.tidy(() => tf.variable(tf.scalar(0), false)));
  return {
    steps: 0,
    slots,
    step(gradients, learningRate) {
      this.steps++;
      tf.tidy(() => {
        const update = prepare(scalars, learningRate, this.steps);
        for (const [name, variable] of parameters) {
          const gradient = gradients[name];
          if (gradient) update(name, variable, gradient);
        }
      });
    },
    dispose: () => tf.dispose([...slots.values(), ...scalars]),
  };
}

function slotsFor(parameters: NamedVariables, ...kinds: readonly string[]): Map<string, tf.Variable> {
  const slots = new Map<string, tf.Variable>();
  for (const kind of kinds)
    for (const [name, variable] of parameters)
      slots.set(
        `${kind}/${name}`,
        tf.tidy(() => tf.variable(tf.zeros(variable.shape), false)),
      );
  return slots;
}
