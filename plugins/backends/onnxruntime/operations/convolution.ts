import type { TensorInfo } from '@tensorflow/tfjs';
import { allFloat, type Kernel, type Kernels, type Recorder } from '../kernel.ts';
import {
  blocked,
  channelsFirst,
  channelsThenImages,
  outputFirst,
  permuted,
  physicalShape,
  rowMajor,
} from '../layout.ts';
import type { Layouts, Node, Operation, Value } from '../value.ts';
import { activate } from './activation.ts';
import * as inBlocks from './convolution-blocked.ts';
import { paysInBlocks } from './convolution-blocked.ts';
import {
  depthwiseFilterGradient,
  filterGradient,
  imageByImage,
  inputGradient,
  oneConvolutionFits,
  pointwiseGradient,
  sizes,
  tapGradient,
  type Sizes,
} from './convolution-plain.ts';
import { add } from './elementwise.ts';
import { BlockedChannels } from './normalization-blocked.ts';
import { affineOf, type Normal } from './normalization.ts';
import { convolutionPlan, windowAttributes, type Window, type WindowPlan } from './window.ts';

const windowOf = (node: Node) => node.attributes['window'] as Window;

/** Filters at rest: [O, kh, kw, C], as their gradients are made. */
export const atRest = permuted([3, 0, 1, 2]);
/** Depthwise filters: [C, M, kh, kw], as a grouped convolution takes them. */
const depthwiseFirst = permuted([2, 3, 0, 1]);

const sizesOf = {
  /** Input and output of a forward pass. */
  forward: (node: Node) => sizes(node.inputs[0]!.shape, node.outputs[0]!.shape),
  /** The gradient of the output is the first input, the gradient of the input the output. */
  toInput: (node: Node) => sizes(node.outputs[0]!.shape, node.inputs[0]!.shape),
  toFilter: (node: Node) => sizes(node.inputs[0]!.shape, node.inputs[1]!.shape),
};

const isBlocked = (layouts: Layouts) => layouts.outputs[0]!.kind === 'blocked';

/** Convolution of an image by a filter. */
export const conv2d: Operation = {
  name: 'Conv2D',
  atRest: i => (i === 1 ? atRest : undefined),
  layouts(node, given, { block }) {
    const s = sizesOf.forward(node);
    if (!paysInBlocks(s.channels, s.outChannels, block)) {
      return { inputs: [channelsFirst, outputFirst], outputs: [channelsFirst] };
    }
    const image = s.channels < block && given[0]!.kind !== 'blocked' ? channelsFirst : blocked(block);
    return { inputs: [image, atRest], outputs: [blocked(block)] };
  },
  emit(node, [x, filter], e, layouts) {
    const window = windowOf(node);
    if (!isBlocked(layouts)) return e.op('Conv', [x!, filter!], windowAttributes(window));
    return inBlocks.forward(e, x!, filter!, window, sizesOf.forward(node), layouts.inputs[0] === channelsFirst);
  },
};

/** Normalization folded into the convolution before it, and what fusion adds. */
interface Folded extends Normal {
  readonly window: Window;
  /** Whether the last input is added before the activation. */
  readonly summed?: boolean;
  readonly activation?: 'Relu';
}

/** A convolution with the normalization by given statistics behind it: image, filter, and the vectors of that. */
export const foldedConv2d: Operation = {
  name: 'FoldedConv2D',
  layouts(node, given, target) {
    const { inputs, outputs } = conv2d.layouts!(node, given, target);
    const { summed } = node.attributes as unknown as Folded;
    const last = node.inputs.length - 1;
    const vectors = node.inputs.slice(2).map((_, i) => (summed && i + 2 === last ? outputs[0]! : rowMajor(1)));
    return { inputs: [...inputs, ...vectors], outputs };
  },
  emit(node, inputs, e, layouts) {
    const { window, summed, activation, ...normal } = node.attributes as unknown as Folded;
    const [x, filter, ...vectors] = inputs as [string, string, ...string[]];
    const sum = summed ? vectors.pop()! : undefined;
    const { factor, bias } = affineOf(e, vectors, normal);
    const s = sizesOf.forward(node);
    // The filter has its output channels first, whether it rests or is as plain convolutions take it.
    const scaled = e.mul(filter, e.reshape(factor, [s.outChannels, 1, 1, 1]));
    if (!isBlocked(layouts)) {
      const y = e.op('Conv', [x, scaled, bias], windowAttributes(window));
      const total = sum === undefined ? y : e.add(y, sum);
      return activation ? e.op(activation, [total]) : total;
    }
    const padded = new BlockedChannels(e, node.outputs[0]!.shape).pad(bias);
    const along = { bias: padded, activation, ...(sum === undefined ? {} : { sum }) };
    return inBlocks.forward(e, x, scaled, window, s, layouts.inputs[0] === channelsFirst, along);
  },
};

const conv2dInput: Operation = {
  name: 'Conv2DBackpropInput',
  layouts(node, _given, { block }) {
    const s = sizesOf.toInput(node);
    const pays = paysInBlocks(s.outChannels, s.channels, block) && s.outChannels >= block;
    if (!pays || !inBlocks.hasInputGradient(windowOf(node), s)) {
      return { inputs: [channelsFirst, outputFirst], outputs: [channelsFirst] };
    }
    return { inputs: [blocked(block), atRest], outputs: [blocked(block)] };
  },
  emit(node, [dy, filter], e, layouts) {
    const gradient = isBlocked(layouts) ? inBlocks.inputGradient : inputGradient;
    return gradient(e, dy!, filter!, windowOf(node), sizesOf.toInput(node));
  },
};

const conv2dFilter: Operation = {
  name: 'Conv2DBackpropFilter',
  layouts(node) {
    const perImage = imageByImage(windowOf(node), sizesOf.toFilter(node));
    return {
      inputs: perImage ? [channelsFirst, channelsFirst] : [rowMajor(4), channelsThenImages],
      outputs: [atRest],
    };
  },
  emit(node, [x, dy], e, { outputs }) {
    const [window, s] = [windowOf(node), sizesOf.toFilter(node)];
    const overAll = oneConvolutionFits(window, s) ? filterGradient : tapGradient;
    const flat = (imageByImage(window, s) ? pointwiseGradient : overAll)(e, x!, dy!, window, s);
    return e.reshape(flat, physicalShape(node.outputs[0]!.shape, outputs[0]!));
  },
};

/** The filter of a depthwise convolution as a grouped one takes it. */
const grouped = (filter: Value) => {
  const [kh, kw, channels, multiplier] = filter.shape as [number, number, number, number];
  return { channels, shape: [channels * multiplier, 1, kh, kw] };
};

const depthwiseInBlocks = (s: Sizes, block: number) =>
  s.channels === s.outChannels && block > 0 && s.channels >= block && paysInBlocks(s.channels, s.channels, block);

/** Convolution of every channel by filters of its own. */
export const depthwise: Operation = {
  name: 'DepthwiseConv2dNative',
  layouts(node, _given, { block }) {
    const image = depthwiseInBlocks(sizesOf.forward(node), block) ? blocked(block) : channelsFirst;
    return { inputs: [image, depthwiseFirst], outputs: [image] };
  },
  emit(node, [x, filter], e, layouts) {
    const { channels, shape } = grouped(node.inputs[1]!);
    const window = windowOf(node);
    if (isBlocked(layouts)) return inBlocks.depthwiseForward(e, x!, filter!, window, channels);
    return e.op('Conv', [x!, e.reshape(filter!, shape)], { ...windowAttributes(window), group: channels });
  },
};

const depthwiseInput: Operation = {
  name: 'DepthwiseConv2dNativeBackpropInput',
  layouts(node, _given, { block }) {
    const s = sizesOf.toInput(node);
    const pays = depthwiseInBlocks(s, block) && inBlocks.hasInputGradient(windowOf(node), s);
    const image = pays && windowOf(node).kernel.some(k => k > 1) ? blocked(block) : channelsFirst;
    return { inputs: [image, depthwiseFirst], outputs: [image] };
  },
  emit(node, [dy, filter], e, layouts) {
    const { channels, shape } = grouped(node.inputs[1]!);
    const s = sizesOf.toInput(node);
    const window = windowOf(node);
    if (isBlocked(layouts)) return inBlocks.depthwiseInputGradient(e, dy!, filter!, window, s);
    return inputGradient(e, dy!, e.reshape(filter!, shape), window, s, channels);
  },
};

const depthwiseFilter: Operation = {
  name: 'DepthwiseConv2dNativeBackpropFilter',
  layouts(node, _given, { block }) {
    const s = sizesOf.toFilter(node);
    const pays = depthwiseInBlocks(s, block) && inBlocks.tapPads(windowOf(node), s) !== undefined;
    const image = pays ? blocked(block) : channelsFirst;
    return { inputs: [image, image], outputs: [rowMajor(4)] };
  },
  emit(node, [x, dy], e, { inputs }) {
    const gradient = inputs[0]!.kind === 'blocked' ? inBlocks.depthwiseFilterGradient : depthwiseFilterGradient;
    return e.reshape(gradient(e, x!, dy!, windowOf(node), sizesOf.toFilter(node)), node.outputs[0]!.shape);
  },
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
    // Unlike the cpu backend's loops, ONNX cannot leave a part of the gradient aside.
    if (plan?.outShape.join() !== dy!.shape.join()) return undefined;
    return r.add(operation, [r.value(dy!), r.value(filter!)], { window: plan.window }, plan.inShape);
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
