/* Convolutions of NCHW images in standard ONNX. Filters come as OIHW to the first two, and the third gives taps first. */
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
 * The gradient of the filter from images in NCHW: [kh kw, O, C] or, for few channels, [O, kh kw, C]. Where it does not
 * do well ({@link imageByImage}) there is {@link tapGradient}.
 */
export function filterGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const [kh, kw] = window.kernel;
  const places = s.outHeight * s.outWidth;
  if (fewChannels(s)) return smallGradient(e, x, dy, window, s);
  if (kh === 1 && kw === 1) {
    const seen = e.reshape(taps(e, x, window, s, 2)[0]!, [s.batch, s.channels, places]);
    const product = e.contrib('FusedMatMul', [e.reshape(dy, [s.batch, s.outChannels, places]), seen], { transB: 1 });
    return e.reduce('ReduceSum', product, [0], true);
  }
  return shiftedGradient(e, x, dy, window, s);
}

/** Whether the filter gradient comes with the output channels first. */
export const fewChannels = (s: Sizes): boolean => s.channels < 8;

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

/** For an image of few channels: one product per image with all taps side by side. */
function smallGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const places = s.outHeight * s.outWidth;
  const count = window.kernel[0] * window.kernel[1];
  const columns = e.reshape(e.op('Concat', taps(e, x, window, s, 2), { axis: 1 }), [
    s.batch,
    count * s.channels,
    places,
  ]);
  const product = e.contrib('FusedMatMul', [e.reshape(dy, [s.batch, s.outChannels, places]), columns], { transB: 1 });
  return e.reduce('ReduceSum', product, [0]);
}

/** Whether the filter gradient is best summed image by image: few or no shifts, and enough places. */
export function imageByImage(window: Window, s: Sizes): boolean {
  const { kernel, strides, pads } = window;
  if (fewChannels(s)) return true;
  if (kernel[0] * kernel[1] === 1) return s.outHeight * s.outWidth >= 64;
  if (s.outHeight * s.outWidth < 1024 || s.channels > 64 || strides.some(stride => stride !== 1)) return false;
  return window.dilations.every(d => d === 1) && kernel[0] - 1 >= pads[0] && s.height + pads[0] >= s.outHeight;
}

/** For large images: the input shifted along the width times the gradient shifted along the height, image by image. */
function shiftedGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const { kernel, pads } = window;
  const [kh, kw] = kernel;
  const [above, below] = [kh - 1 - pads[0], s.height + pads[0] - s.outHeight];
  const wide = e.pad(x, [0, 0, 0, pads[1]], [0, 0, 0, pads[3]]);
  const tall = e.pad(dy, [0, 0, above, 0], [0, 0, below, 0]);
  const cut = (input: string, axis: number, start: number, length: number, whole: boolean) =>
    whole ? input : e.slice(input, [axis], [start], [start + length]);
  const places = s.height * s.outWidth;
  const xs = Array.from({ length: kw }, (_, j) => {
    const shifted = j === pads[1] && s.width === s.outWidth ? x : cut(wide, 3, j, s.outWidth, false);
    return e.reshape(shifted, [s.batch, s.channels, places]);
  });
  const ys = Array.from({ length: kh }, (_, i) => {
    const at = above + pads[0] - i;
    const shifted = i === pads[0] && s.height === s.outHeight ? dy : cut(tall, 2, at, s.height, false);
    return e.reshape(shifted, [s.batch, s.outChannels, places]);
  });
  const products = ys.flatMap(y =>
    xs.map(view => e.reduce('ReduceSum', e.contrib('FusedMatMul', [y, view], { transB: 1 }), [0], true)),
  );
  return e.op('Concat', products, { axis: 0 });
}

/** One product per tap over all images at once, [kh kw, O, C]; `x` is NHWC and `dy` [O, N, H, W]. */
export function tapGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const count = s.batch * s.outHeight * s.outWidth;
  const rows = e.reshape(dy, [s.outChannels, count]);
  const products = taps(e, x, window, s, 1).map(view => e.op('MatMul', [rows, e.reshape(view, [count, s.channels])]));
  return products.length === 1 ? products[0]! : e.op('Concat', products, { axis: 0 });
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
