import * as tf from '@tensorflow/tfjs';
import type { Attributes } from '../onnx/index.ts';

/** How a window moves over an image; pairs are [height, width], pads are [top, left, bottom, right]. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
}

/** A window and the shapes it connects. */
export interface WindowPlan {
  readonly window: Window;
  readonly inShape: readonly number[];
  readonly outShape: readonly number[];
  readonly filterShape: readonly number[];
}

type Size = [number, number, number, number];

interface Attrs {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dilations?: [number, number] | number;
  readonly dataFormat?: string;
  readonly filterSize?: [number, number] | number;
}

const windowOf = (c: tf.backend_util.Conv2DInfo): Window => ({
  kernel: [c.filterHeight, c.filterWidth],
  strides: [c.strideHeight, c.strideWidth],
  dilations: [c.dilationHeight, c.dilationWidth],
  pads: [c.padInfo.top, c.padInfo.left, c.padInfo.bottom, c.padInfo.right],
});

/** The window of a convolution, from its attributes; undefined for layouts other than NHWC. */
export function convolutionPlan(
  inShape: readonly number[],
  filterShape: readonly number[],
  attributes: Readonly<Record<string, unknown>>,
  depthwise = false,
): WindowPlan | undefined {
  const { strides, pad, dimRoundingMode, dilations, dataFormat } = attributes as unknown as Attrs;
  if (dataFormat && dataFormat !== 'NHWC') return undefined;
  const info = tf.backend_util.computeConv2DInfo(
    [...inShape] as Size,
    [...filterShape] as Size,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  return { window: windowOf(info), inShape: info.inShape, outShape: info.outShape, filterShape: info.filterShape };
}

/** The window of a pooling. */
export function poolPlan(inShape: readonly number[], attributes: Readonly<Record<string, unknown>>): WindowPlan {
  const { strides, pad, dimRoundingMode, filterSize } = attributes as unknown as Attrs;
  const info = tf.backend_util.computePool2DInfo([...inShape] as Size, filterSize!, strides, 1, pad, dimRoundingMode);
  return { window: windowOf(info), inShape: info.inShape, outShape: info.outShape, filterShape: info.filterShape };
}

/** The window as ONNX attributes. */
export const windowAttributes = ({ kernel, strides, dilations, pads }: Window): Attributes => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads,
});

/** Whether the window is one element that visits every place. */
export const isPointwise = ({ kernel, strides, pads }: Window): boolean =>
  kernel.every(k => k === 1) && strides.every(s => s === 1) && pads.every(p => p === 0);

/** What ConvTranspose must add at the end to reach the input's size again. */
export function outputPadding(window: Window, inShape: readonly number[], outShape: readonly number[]): number[] {
  const { kernel, strides, dilations, pads } = window;
  return [0, 1].map(i => {
    const reached = (outShape[i + 1]! - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1;
    return inShape[i + 1]! - (reached - pads[i]! - pads[i + 2]!);
  });
}
