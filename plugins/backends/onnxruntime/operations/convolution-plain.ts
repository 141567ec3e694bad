/* Convolutions in standard ONNX: of NCHW images with OIHW filters, and their gradients. */
import type { Emitter } from '../emitter.ts';
import { outputPadding, windowAttributes, type Window } from './window.ts';

/** Sizes of a convolution, of its input and its output. */
export interface Sizes {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** Sizes from the logical shapes of input and output. */
export function sizes(inShape: readonly number[], outShape: readonly number[]): Sizes {
  const [batch, height, width, channels] = inShape as [number, number, number, number];
  const [, outHeight, outWidth, outChannels] = outShape as [number, number, number, number];
  return { batch, channels, height, width, outChannels, outHeight, outWidth };
}

/** The gradient of the input. `filter` is OIHW. */
export function inputGradient(e: Emitter, dy: string, filter: string, window: Window, s: Sizes, group = 1): string {
  const { kernel, strides, dilations, pads } = window;
  if (strides.every(stride => stride === 1) && dilations.every(d => d === 1) && group === 1) {
    return unitStrideGradient(e, dy, e.transpose(filter, [1, 0, 2, 3]), window, s, 1);
  }
  if (strides.every(stride => stride === 1) && dilations.every(d => d === 1) && s.channels === s.outChannels) {
    return unitStrideGradient(e, dy, filter, window, s, group);
  }
  const inShape = [s.batch, s.height, s.width, s.channels];
  const output_padding = outputPadding(window, inShape, [s.batch, s.outHeight, s.outWidth, s.outChannels]);
  return e.op('ConvTranspose', [dy, filter], {
    kernel_shape: kernel,
    strides,
    dilations,
    pads,
    group,
    output_padding,
  });
}

/** With stride one it is a convolution with the filter turned around. */
function unitStrideGradient(e: Emitter, dy: string, filter: string, window: Window, s: Sizes, group: number): string {
  const [kh, kw] = window.kernel;
  const turned = kh * kw > 1 ? e.flip(filter, [2, 3]) : filter;
  const [top, left] = [kh - 1 - window.pads[0], kw - 1 - window.pads[1]];
  const pads = [top, left, s.height - (s.outHeight + top - kh + 1), s.width - (s.outWidth + left - kw + 1)];
  const attributes = { ...windowAttributes({ ...window, pads: [0, 0, 0, 0] }), group };
  if (pads.every(p => p >= 0)) return e.op('Conv', [dy, turned], { ...attributes, pads });
  // A convolution padded by more than its kernel: the surplus of the gradient is cut off.
  const wide = pads.map(p => Math.max(0, p));
  const full = e.op('Conv', [dy, turned], { ...attributes, pads: wide });
  const [y, x] = [wide[0]! - pads[0]!, wide[1]! - pads[1]!];
  return e.slice(full, [2, 3], [y, x], [y + s.height, x + s.width]);
}

/**
 * The gradient of the filter by one convolution, [O, kh, kw, C]: the gradient of the output, [O, N, H, W], is the filter
 * of the input in NHWC, seen as an image of N channels and rows of W x C elements. Neighbours along the width are C
 * elements apart, so dilations walk over them, and what comes out has a place for every tap and channel.
 */
export function filterGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const { strides, pads } = window;
  const [above, left, below, right] = [pads[0], pads[1], ...missing(window, s)] as const;
  const image = e.reshape(x, [1, s.batch, s.height, s.width * s.channels]);
  return e.op('Conv', [image, dy], {
    kernel_shape: [s.outHeight, s.outWidth],
    dilations: [strides[0], strides[1] * s.channels],
    pads: [above, left * s.channels, below, right * s.channels],
  });
}

/** Whether {@link filterGradient} does it; {@link tapGradient} always does. */
export const oneConvolutionFits = (window: Window, s: Sizes): boolean =>
  window.kernel.some(k => k > 1) && window.dilations.every(d => d === 1) && missing(window, s).every(p => p >= 0);

/** Places to add below and to the right for exactly as many windows as there are taps. */
const missing = ({ kernel, strides, pads }: Window, s: Sizes): [below: number, right: number] => [
  kernel[0] - 1 + (s.outHeight - 1) * strides[0] + 1 - s.height - pads[0],
  kernel[1] - 1 + (s.outWidth - 1) * strides[1] + 1 - s.width - pads[1],
];

/** The gradient of a filter of one tap from images in NCHW, [1, O, C]: a product per image, which are added. */
export function pointwiseGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const places = s.outHeight * s.outWidth;
  const seen = e.reshape(taps(e, x, window, s, 2)[0]!, [s.batch, s.channels, places]);
  const product = e.contrib('FusedMatMul', [e.reshape(dy, [s.batch, s.outChannels, places]), seen], { transB: 1 });
  return e.reduce('ReduceSum', product, [0], true);
}

/** Whether {@link pointwiseGradient} is better than {@link tapGradient}. */
export const imageByImage = ({ kernel }: Window, s: Sizes): boolean =>
  kernel.every(k => k === 1) && s.outHeight * s.outWidth >= 64;

/** Every tap's view of the input, [.., outHeight, outWidth, ..], where `axis` is the one of the height. */
function taps(e: Emitter, x: string, window: Window, s: Sizes, axis: 1 | 2): string[] {
  const { kernel, strides, dilations, pads } = window;
  const spread = (a: number, b: number) => [0, 0, 0, 0].map((_, i) => (i === axis ? a : i === axis + 1 ? b : 0));
  const padded = e.pad(x, spread(pads[0], pads[1]), spread(pads[2], pads[3]));
  const whole = kernel[0] * kernel[1] === 1 && strides[0] * strides[1] === 1;
  if (whole) return [padded];
  const views: string[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const start = [i * dilations[0], j * dilations[1]];
      const last = [(s.outHeight - 1) * strides[0] + 1, (s.outWidth - 1) * strides[1] + 1];
      const end = start.map((at, k) => at + last[k]!);
      views.push(e.slice(padded, [axis, axis + 1], start, end, strides));
    }
  }
  return views;
}

/** One product per tap over all images at once, [O, kh kw, C]; `x` is NHWC and `dy` [O, N, H, W]. */
export function tapGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const count = s.batch * s.outHeight * s.outWidth;
  const rows = e.reshape(dy, [s.outChannels, count]);
  const products = taps(e, x, window, s, 1).map(view => e.op('MatMul', [rows, e.reshape(view, [count, s.channels])]));
  if (products.length === 1) return products[0]!;
  const apart = products.map(product => e.reshape(product, [s.outChannels, 1, s.channels]));
  return e.op('Concat', apart, { axis: 1 });
}

/** The gradient of a depthwise filter, [kh kw, C, M]. */
export function depthwiseFilterGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const multiplier = s.outChannels / s.channels;
  const shape = [s.batch, s.channels, multiplier, s.outHeight, s.outWidth];
  const gradient = e.reshape(dy, shape);
  const sums = taps(e, x, window, s, 2).map(view => {
    const seen = e.reshape(view, [s.batch, s.channels, 1, s.outHeight, s.outWidth]);
    return e.reduce('ReduceSum', e.mul(seen, gradient), [0, 3, 4]);
  });
  const apart = sums.map(sum => e.reshape(sum, [1, s.channels, multiplier]));
  return apart.length === 1 ? apart[0]! : e.op('Concat', apart, { axis: 0 });
}
