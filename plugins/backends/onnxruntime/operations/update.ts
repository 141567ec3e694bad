/*
 * Kernels of this backend's own that change variables: what optimizers and running averages do with many small calls, in
 * one call each. Recording a call costs more than it takes to compute most of them.
 */
import type { Kernel, Kernels } from '../kernel.ts';
import type { Operation } from '../value.ts';
import { elementwise, elementwiseLayouts } from './elementwise.ts';

interface Sgd {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** w and v after a step along g: v' = momentum v + g, w' = w - rate v'; weight decay is added to the gradient. */
const sgd: Operation = {
  name: 'SgdUpdate',
  layouts: elementwiseLayouts,
  emit(node, [w, v, gradient, rate], e) {
    const { momentum, nesterov, weightDecay } = node.attributes as unknown as Sgd;
    const times = (x: string, factor: number) => e.mul(x, e.scalar(factor));
    const g = weightDecay > 0 ? e.add(gradient!, times(w!, weightDecay)) : gradient!;
    const velocity = e.add(times(v!, momentum), g);
    const step = nesterov ? e.add(g, times(velocity, momentum)) : velocity;
    return [e.sub(w!, e.mul(step, rate!)), velocity];
  },
};

interface AdamW {
  readonly beta1: number;
  readonly beta2: number;
}

/**
 * w and the sums m and v after a step along g: m' = beta1 m + g, v' = beta2 v + g g,
 * w' = shrink w - m' / (factor sqrt v' + least).
 */
const adamw: Operation = {
  name: 'AdamwUpdate',
  layouts: elementwiseLayouts,
  emit(node, [w, m, v, g, shrink, factor, least], e) {
    const { beta1, beta2 } = node.attributes as unknown as AdamW;
    const first = e.add(e.mul(m!, e.scalar(beta1)), g!);
    const second = e.add(e.mul(v!, e.scalar(beta2)), e.mul(g!, g!));
    const deviation = e.add(e.mul(e.op('Sqrt', [second]), factor!), least!);
    return [e.sub(e.mul(w!, shrink!), e.div(first, deviation)), first, second];
  },
};

/** old times one factor plus value times another. */
const blend = elementwise('Blend', (e, [old, value], { attributes: { keep, take } }) =>
  e.add(e.mul(old!, e.scalar(keep as number)), e.mul(value!, e.scalar(take as number))),
);

const update =
  (operation: Operation, names: readonly string[], outputs: number): Kernel =>
  ({ inputs, attributes }, r) => {
    const values = names.map(name => r.value(inputs[name]!));
    const spec = [inputs['w']!.shape, 'float32'] as const;
    return r.addMany(
      operation,
      values,
      attributes,
      Array.from({ length: outputs }, () => spec),
    );
  };

/** Kernels that change variables. */
export const kernels: Kernels = {
  SgdUpdate: update(sgd, ['w', 'v', 'gradient', 'rate'], 2),
  AdamwUpdate: update(adamw, ['w', 'm', 'v', 'gradient', 'shrink', 'factor', 'least'], 3),
  Blend: ({ inputs: { old, value }, attributes }, r) =>
    r.add(blend, [r.value(old!), r.value(value!)], attributes, old!.shape),
};
