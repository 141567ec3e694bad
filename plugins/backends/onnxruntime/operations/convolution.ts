import type { TensorInfo } from '@tensorflow/tfjs';
import { allFloat, type Kernel, type Kernels, type Recorder } from '../kernel.ts';
import { channelsFirst, outputFirst, permuted, physicalShape } from '../layout.ts';
import type { Layouts, Node, Operation, Value } from '../value.ts';
import { activate } from './activation.ts';
import { depthwiseFilterGradient, fewChannels, filterGradient, inputGradient, sizes } from './convolution-plain.ts';
import { add } from './elementwise.ts';
import { convolutionPlan, windowAttributes, type Window, type WindowPlan } from './window.ts';

const windowOf = (node: Node) => node.attributes['window'] as Window;

/** Filters at rest: [kh, kw, O, C], as their gradients are made. */
export const tapsFirst = permuted([0, 1, 3, 2]);
/** Gradients of filters of few channels: [O, kh, kw, C]. */
const outputsThenTaps = permuted([3, 0, 1, 2]);
/** Depthwise filters: [C, M, kh, kw], as a grouped convolution takes them. */
const depthwiseFirst = permuted([2, 3, 0, 1]);

const fixed = (inputs: Layouts['inputs'], outputs: Layouts['outputs']) => (): Layouts => ({ inputs, outputs });

/** Convolution of an image by a filter. */
export const conv2d: Operation = {
  name: 'Conv2D',
  layouts: fixed([channelsFirst, outputFirst], [channelsFirst]),
  emit: (node, inputs, e) => e.op('Conv', inputs, windowAttributes(windowOf(node))),
};

const conv2dInput: Operation = {
  name: 'Conv2DBackpropInput',
  layouts: fixed([channelsFirst, outputFirst], [channelsFirst]),
  emit: (node, [dy, filter], e) =>
    inputGradient(e, dy!, filter!, windowOf(node), sizes(node.outputs[0]!.shape, node.inputs[0]!.shape)),
};

const filterSizes = (node: Node) => sizes(node.inputs[0]!.shape, node.inputs[1]!.shape);

const conv2dFilter: Operation = {
  name: 'Conv2DBackpropFilter',
  layouts: node => ({
    inputs: [channelsFirst, channelsFirst],
    outputs: [fewChannels(filterSizes(node)) ? outputsThenTaps : tapsFirst],
  }),
  emit(node, [x, dy], e, { outputs }) {
    const gradient = filterGradient(e, x!, dy!, windowOf(node), filterSizes(node));
    return e.reshape(gradient, physicalShape(node.outputs[0]!.shape, outputs[0]!));
  },
};

const grouped = (filter: Value) => {
  const [kh, kw, channels, multiplier] = filter.shape as [number, number, number, number];
  return { channels, shape: [channels * multiplier, 1, kh, kw] };
};

/** Convolution of every channel by filters of its own. */
export const depthwise: Operation = {
  name: 'DepthwiseConv2dNative',
  layouts: fixed([channelsFirst, depthwiseFirst], [channelsFirst]),
  emit(node, [x, filter], e) {
    const { channels, shape } = grouped(node.inputs[1]!);
    return e.op('Conv', [x!, e.reshape(filter!, shape)], { ...windowAttributes(windowOf(node)), group: channels });
  },
};

const depthwiseInput: Operation = {
  name: 'DepthwiseConv2dNativeBackpropInput',
  layouts: fixed([channelsFirst, depthwiseFirst], [channelsFirst]),
  emit(node, [dy, filter], e) {
    const { channels, shape } = grouped(node.inputs[1]!);
    const s = sizes(node.outputs[0]!.shape, node.inputs[0]!.shape);
    return inputGradient(e, dy!, e.reshape(filter!, shape), windowOf(node), s, channels);
  },
};

const depthwiseFilter: Operation = {
  name: 'DepthwiseConv2dNativeBackpropFilter',
  layouts: node => ({
    inputs: [channelsFirst, channelsFirst],
    outputs: [permuted(node.outputs[0]!.shape.map((_, i) => i))],
  }),
  emit: (node, [x, dy], e) =>
    e.reshape(depthwiseFilterGradient(e, x!, dy!, windowOf(node), filterSizes(node)), node.outputs[0]!.shape),
};

const floats = (...tensors: (TensorInfo | undefined)[]) => allFloat(...tensors);

const forward =
  (operation: Operation, isDepthwise: boolean): Kernel =>
  ({ inputs: { x, filter }, attributes }, r) => {
    if (!floats(x, filter)) return undefined;
    const plan = convolutionPlan(x!.shape, filter!.shape, attributes, isDepthwise);
    return plan && convolve(operation, r.value(x!), r.value(filter!), plan, r);
  };

const convolve = (operation: Operation, x: Value, filter: Value, plan: WindowPlan, r: Recorder) =>
  r.add(operation, [x, filter], { window: plan.window }, plan.outShape);

const fused =
  (operation: Operation, isDepthwise: boolean): Kernel =>
  ({ inputs: { x, filter, bias, preluActivationWeights: slopes }, attributes }, r) => {
    if (!floats(x, filter, bias, slopes)) return undefined;
    const plan = convolutionPlan(x!.shape, filter!.shape, attributes, isDepthwise);
    if (!plan) return undefined;
    let y = convolve(operation, r.value(x!), r.value(filter!), plan, r);
    if (bias) y = r.add(add, [y, r.value(bias)], {}, y.shape);
    return activate(y, attributes, slopes, r);
  };

const toInput =
  (operation: Operation, isDepthwise: boolean): Kernel =>
  ({ inputs: { dy, filter }, attributes }, r) => {
    if (!floats(dy, filter)) return undefined;
    const plan = convolutionPlan(attributes['inputShape'] as number[], filter!.shape, attributes, isDepthwise);
    return plan && r.add(operation, [r.value(dy!), r.value(filter!)], { window: plan.window }, plan.inShape);
  };

const toFilter =
  (operation: Operation, isDepthwise: boolean): Kernel =>
  ({ inputs: { x, dy }, attributes }, r) => {
    if (!floats(x, dy)) return undefined;
    const plan = convolutionPlan(x!.shape, attributes['filterShape'] as number[], attributes, isDepthwise);
    return plan && r.add(operation, [r.value(x!), r.value(dy!)], { window: plan.window }, plan.filterShape);
  };

/** Kernels of convolutions and their gradients. */
export const kernels: Kernels = {
  Conv2D: forward(conv2d, false),
  Conv2DBackpropInput: toInput(conv2dInput, false),
  Conv2DBackpropFilter: toFilter(conv2dFilter, false),
  FusedConv2D: fused(conv2d, false),
  DepthwiseConv2dNative: forward(depthwise, true),
  DepthwiseConv2dNativeBackpropInput: toInput(depthwiseInput, true),
  DepthwiseConv2dNativeBackpropFilter: toFilter(depthwiseFilter, true),
  FusedDepthwiseConv2D: fused(depthwise, true),
};
