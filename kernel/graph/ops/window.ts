import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { imageSizes } from '../op.ts';
import type { Shape } from '../parameter.ts';

const pair = z.tuple([z.int().positive(), z.int().positive()]);
const border = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);

/** How a window moves over an image: `[height, width]` pairs, padding as `[[top, bottom], [left, right]]`. */
export const windowAttributes = { stride: pair, padding: z.tuple([border, border]) };
export const pairOf = pair;

/** What has places added around an image. */
interface Padded {
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
}

export interface Window extends Padded {
  readonly stride: readonly [number, number];
}

/** Height and width after a window of `kernel` places (after dilation) moved over `shape`. */
export function windowed(
  id: string,
  shape: Shape,
  kernel: readonly [number, number],
  window: Window,
): [number, number] {
  const sizes = imageSizes(id, shape);
  return [0, 1].map(axis => {
    const padded = sizes[axis]! + window.padding[axis]![0] + window.padding[axis]![1];
    if (padded < kernel[axis]!) throw new RangeError(`${id}: window of ${kernel[axis]} over ${padded} places`);
    return Math.floor((padded - kernel[axis]!) / window.stride[axis]!) + 1;
  }) as [number, number];
}

type Padding = [[number, number], [number, number], [number, number], [number, number]];

/** Padding as tfjs takes it. */
const explicitPadding = ({ padding }: Padded): Padding => [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];

export const isPadded = ({ padding }: Padded): boolean => padding.flat().some(places => places > 0);

/** An image with its padding around it. */
export const padded = (x: tf.Tensor, window: Padded, value = 0) =>
  (isPadded(window) ? tf.pad(x, explicitPadding(window), value) : x) as tf.Tensor4D;

/**
 * An image, and the padding that is left for the operation of tfjs. On the tensorflow backend that is none: its pools
 * take no padding, and its convolutions are slow with it.
 */
export function paddedFor(x: tf.Tensor, window: Window, value = 0): [tf.Tensor4D, Padding | 'valid'] {
  if (tf.getBackend() === 'tensorflow') return [padded(x, window, value), 'valid'];
  return [x as tf.Tensor4D, explicitPadding(window)];
}

/** Padding as ONNX takes it: begins, then ends. */
export const onnxPads = ({ padding: [[top, bottom], [left, right]] }: Padded): number[] => [top, left, bottom, right];
