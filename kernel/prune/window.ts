import * as tf from '@tensorflow/tfjs';
import type { Node } from '../graph/graph.ts';
import type { ConvAttributes } from '../graph/ops/conv.ts';
import { padded } from '../graph/ops/window.ts';
import type { Shape } from '../graph/parameter.ts';

/** What a convolution or dense layer reads at the places of its output. */
export interface Window {
  /** `[rows, channels]`: the channels that one group of filters reads through one tap of the kernel. */
  readonly rows: tf.Tensor2D;
  readonly channels: number;
  readonly taps: number;
  readonly groups: number;
  /** Places of the output of one image. */
  readonly places: number;
  /** Which row it is. */
  row(image: number, place: number, tap: number, group: number): number;
}

/** The window of a layer, from what it read and the shapes, with the batch, of its kernel and of what it computed. */
export function windowOf(
  { op, attributes }: Pick<Node, 'op'> & { readonly attributes: unknown },
  input: tf.Tensor,
  kernel: Shape,
  output: Shape,
): Window {
  const channels = kernel[kernel.length - 2]!;
  const places = output.slice(1, -1).reduce((a, b) => a * b, 1);
  const rowsOf = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, channels]);
  if (op !== 'conv')
    return { rows: rowsOf(input), channels, taps: 1, groups: 1, places, row: (image, place) => image * places + place };
  const { groups, stride, dilation, ...rest } = attributes as ConvAttributes;
  const x = padded(input, rest);
  const [, height, width] = x.shape;
  const [kh, kw] = kernel as [number, number];
  const columns = output[2]!;
  return {
    rows: rowsOf(x),
    channels,
    taps: kh * kw,
    groups,
    places,
    row(image, place, tap, group) {
      const y = Math.floor(place / columns) * stride[0] + Math.floor(tap / kw) * dilation[0];
      const at = (image * height + y) * width + (place % columns) * stride[1] + (tap % kw) * dilation[1];
      return at * groups + group;
    },
  };
}
