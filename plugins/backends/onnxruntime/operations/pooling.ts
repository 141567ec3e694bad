import { allFloat, type Kernel, type Kernels } from '../kernel.ts';
import { channelsFirst, physicalShape, sizeOf, type Layout } from '../layout.ts';
import type { Layouts, Node, Operation } from '../value.ts';
import { outputPadding, poolPlan, windowAttributes, type Window, type WindowPlan } from './window.ts';

const windowOf = (node: Node) => node.attributes['window'] as Window;

const plain = (node: Node): Layouts => ({
  inputs: node.inputs.map(() => channelsFirst),
  outputs: [channelsFirst],
});

/** Forward, blocks stay blocks. */
const asGiven = (node: Node, given: readonly Layout[]): Layouts =>
  given[0]!.kind === 'blocked' ? { inputs: [given[0]!], outputs: [given[0]!] } : plain(node);

const maxAttributes = ({ kernel, strides, pads }: Window) => ({ kernel_shape: kernel, strides, pads });

const maxPool: Operation = {
  name: 'MaxPool',
  layouts: asGiven,
  emit: (node, [x], e, { inputs }) =>
    inputs[0]!.kind === 'blocked'
      ? e.nchwc('MaxPool', [x!], windowAttributes(windowOf(node)))
      : e.op('MaxPool', [x!], maxAttributes(windowOf(node))),
};

const avgPool: Operation = {
  name: 'AvgPool',
  layouts: asGiven,
  emit(node, [x], e, { inputs }) {
    const attributes = { ...maxAttributes(windowOf(node)), count_include_pad: 0 };
    return inputs[0]!.kind === 'blocked'
      ? e.nchwc('AveragePool', [x!], attributes)
      : e.op('AveragePool', [x!], attributes);
  },
};

const maxPoolGrad: Operation = {
  name: 'MaxPoolGrad',
  layouts: plain,
  emit(node, [dy, x], e) {
    const window = windowOf(node);
    const indices = e.ops('MaxPool', [x!], 2, maxAttributes(window))[1]!;
    const [total, chosen] = [sizeOf(node.outputs[0]!.shape), sizeOf(node.inputs[0]!.shape)];
    const overlapping = window.kernel.some((k, i) => k > window.strides[i]!);
    const zeros = e.expand(e.scalar(0), [total]);
    const flat = [zeros, e.reshape(indices, [chosen]), e.reshape(dy!, [chosen])];
    const sums = e.op('ScatterElements', flat, { axis: 0, reduction: overlapping ? 'add' : 'none' });
    return e.reshape(sums, physicalShape(node.outputs[0]!.shape, channelsFirst));
  },
};

const avgPoolGrad: Operation = {
  name: 'AvgPoolGrad',
  layouts: plain,
  emit(node, [dy], e) {
    const window = windowOf(node);
    const { shape } = node.outputs[0]!;
    const outShape = node.inputs[0]!.shape;
    const channels = shape[3]!;
    const counts = places(window, shape, outShape);
    const shares = e.mul(dy!, e.graph.constant('float32', [1, 1, outShape[1]!, outShape[2]!], counts));
    const ones = e.expand(e.scalar(1), [channels, 1, ...window.kernel]);
    const output_padding = outputPadding(window, shape, outShape);
    return e.op('ConvTranspose', [shares, ones], { ...windowAttributes(window), group: channels, output_padding });
  },
};

/** One over the number of places of the image, not counting padding, that each window sees. */
function places(window: Window, inShape: readonly number[], outShape: readonly number[]): number[] {
  const along = (i: 0 | 1) =>
    Array.from({ length: outShape[i + 1]! }, (_, at) => {
      const start = at * window.strides[i] - window.pads[i];
      return Math.min(start + window.kernel[i], inShape[i + 1]!) - Math.max(start, 0);
    });
  const columns = along(1);
  return along(0).flatMap(rows => columns.map(c => 1 / (rows * c)));
}

const pool =
  (operation: Operation): Kernel =>
  ({ inputs: { x }, attributes }, r) => {
    if (!allFloat(x)) return undefined;
    const { window, outShape } = poolPlan(x!.shape, attributes);
    if (!windowFits(window)) return undefined;
    return r.add(operation, [r.value(x!)], { window }, outShape);
  };

/** ONNX wants padding smaller than the kernel. */
const windowFits = ({ kernel, pads }: WindowPlan['window']) => pads.every((p, i) => p < kernel[i % 2]!);

/** Kernels of pooling and its gradients. */
export const kernels: Kernels = {
  MaxPool: pool(maxPool),
  AvgPool: pool(avgPool),
  MaxPoolGrad: ({ inputs: { dy, input }, attributes }, r) => {
    const { window } = poolPlan(input!.shape, attributes);
    if (!allFloat(dy, input) || !windowFits(window)) return undefined;
    return r.add(maxPoolGrad, [r.value(dy!), r.value(input!)], { window }, input!.shape);
  },
  AvgPoolGrad: ({ inputs: { dy, input }, attributes }, r) => {
    const { window } = poolPlan(input!.shape, attributes);
    if (!allFloat(dy) || !windowFits(window)) return undefined;
    return r.add(avgPoolGrad, [r.value(dy!)], { window }, input!.shape);
  },
};
