import { z } from 'zod';
import type { Shape } from '../parameter.ts';

const pair = z.tuple([z.int().positive(), z.int().positive()]);
const border = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);

/** How a window moves over an image: `[height, width]` pairs, padding as `[[top, bottom], [left, right]]`. */
export const windowAttributes = { stride: pair, padding: z.tuple([border, border]) };
export const pairOf = pair;

export interface Window {
  readonly stride: readonly [number, number];
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
}

/** Height and width after a window of `kernel` places (after dilation) moved over `shape`. */
export function windowed(
  id: string,
  shape: Shape,
  kernel: readonly [number, number],
  window: Window,
): [number, number] {
  if (shape.length !== 3)
    throw new RangeError(`${id}: needs an image [height, width, channels], got [${shape.join(', ')}]`);
  return [0, 1].map(axis => {
    const padded = shape[axis]! + window.padding[axis]![0] + window.padding[axis]![1];
    if (padded < kernel[axis]!) throw new RangeError(`${id}: window of ${kernel[axis]} over ${padded} places`);
    return Math.floor((padded - kernel[axis]!) / window.stride[axis]!) + 1;
  }) as [number, number];
}

/** Padding as tfjs takes it. */
export function explicitPadding({
  padding,
}: Window): [[number, number], [number, number], [number, number], [number, number]] {
  return [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
}

/** Padding as ONNX takes it: begins, then ends. */
export const onnxPads = ({ padding: [[top, bottom], [left, right]] }: Window): number[] => [top, left, bottom, right];
