import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, type NodeView, size } from '../op.ts';
import { perGroupOf, sumOfSquares } from './per-sample.ts';
import { onnxPads, padded, paddedFor, pairOf, windowAttributes, windowed } from './window.ts';

const attributes = z.strictObject({ ...windowAttributes, dilation: pairOf, groups: z.int().positive() });
export type ConvAttributes = z.infer<typeof attributes>;

/** One filter per input channel, or several (`filters / groups`), none of which sees another channel. */
const isDepthwise = ({ attributes: { groups }, parameters }: NodeView<ConvAttributes>) =>
  groups > 1 && parameters.kernel![2] === 1;

/** A kernel with zeros between its taps: tfjs has no gradients of dilated convolutions. */
function dilated(kernel: tf.Tensor4D, [rows, columns]: readonly [number, number]): tf.Tensor4D {
  if (rows === 1 && columns === 1) return kernel;
  const [height, width, input, filters] = kernel.shape;
  const wide = tf.pad3d(tf.reshape(kernel, [height * width, 1, input * filters]), [
    [0, 0],
    [0, columns - 1],
    [0, 0],
  ]);
  const all = tf.pad3d(tf.reshape(wide, [height, 1, width * columns * input * filters]), [
    [0, 0],
    [0, rows - 1],
    [0, 0],
  ]);
  const [spanY, spanX] = [(height - 1) * rows + 1, (width - 1) * columns + 1];
  const spread = tf.reshape<tf.Rank.R4>(all, [height * rows, width * columns, input, filters]);
  return tf.slice(spread, [0, 0, 0, 0], [spanY, spanX, input, filters]);
}

/** Convolution of images, plain, grouped or depthwise. Kernel `[height, width, in / groups, out]`. */
export const conv = defineOp<ConvAttributes>({
  attributes,
  roles: ['kernel', 'bias?'],
  arity: [1, 1],
  shape(node) {
    const { id, attributes: a, inputs, parameters } = node;
    const [kh, kw, perGroup, filters] = parameters.kernel! as [number, number, number, number];
    const span: [number, number] = [(kh - 1) * a.dilation[0] + 1, (kw - 1) * a.dilation[1] + 1];
    const [height, width] = windowed(`conv ${id}`, inputs[0]!, span, a);
    const channels = channelsOf(inputs[0]!);
    if (channels !== perGroup * a.groups)
      throw new RangeError(`conv ${id}: ${channels} input channels, kernel expects ${perGroup} x ${a.groups} groups`);
    if (filters % a.groups) throw new RangeError(`conv ${id}: ${filters} filters in ${a.groups} groups`);
    if (parameters.bias && parameters.bias[0] !== filters)
      throw new RangeError(`conv ${id}: ${parameters.bias[0]} biases for ${filters} filters`);
    return [height, width, filters];
  },
  couple(node, [input], coupling) {
    const { id, attributes: a, names, parameters } = node;
    const [, , perGroup, filters] = parameters.kernel! as [number, number, number, number];
    const { ids } = input!;
    coupling.consume(input!, `conv ${id}`);
    let out: Int32Array;
    if (isDepthwise(node)) {
      out = Int32Array.from({ length: filters }, (_, o) => ids[Math.floor((o * a.groups) / filters)]!);
    } else {
      out = coupling.fresh(filters);
      // Place i of every group is one channel, so that a cut leaves groups of equal size.
      const first = { in: ids.subarray(0, perGroup), out: out.subarray(0, filters / a.groups) };
      for (let g = 1; g < a.groups; g++) {
        coupling.tie(first.in, ids.subarray(g * perGroup, (g + 1) * perGroup));
        coupling.tie(first.out, out.subarray((g * filters) / a.groups, ((g + 1) * filters) / a.groups));
      }
      coupling.place(names.kernel!, 2, 'in', first.in);
    }
    coupling.place(names.kernel!, 3, 'out', out);
    if (names.bias) coupling.place(names.bias, 0, 'bias', out);
    return { ids: out, zero: true };
  },
  forward(node, [input], { kernel, bias }) {
    const { attributes: a } = node;
    const [x, padding] = paddedFor(input!, a);
    const stride = [...a.stride] as [number, number];
    const w = dilated(kernel as tf.Tensor4D, a.dilation);
    const [kh, kw, perGroup, filters] = w.shape;
    let y: tf.Tensor;
    if (a.groups === 1) {
      y = tf.conv2d(x, w, stride, padding);
    } else if (isDepthwise(node)) {
      const perChannel = tf.reshape<tf.Rank.R4>(w, [kh, kw, a.groups, filters / a.groups]);
      y = tf.depthwiseConv2d(x, perChannel, stride, padding as never);
    } else {
      const images = tf.split(x, Array<number>(a.groups).fill(perGroup), 3);
      const kernels = tf.split(w, a.groups, 3);
      const convolve = (image: tf.Tensor, g: number) =>
        tf.conv2d(image as tf.Tensor4D, kernels[g] as tf.Tensor4D, stride, padding);
      y = tf.concat(images.map(convolve), 3);
    }
    return bias ? tf.add(y, bias) : y;
  },
  work({ parameters }, [height, width, filters]) {
    const positions = height! * width!;
    return { plain: size(parameters.kernel!) * positions, extra: parameters.bias ? filters! * positions : 0 };
  },
  squaredGradients({ attributes: a }, [input], { kernel }, dy) {
    const [kh, kw, perGroup, filters] = kernel!.shape as [number, number, number, number];
    const [, height, width] = dy.shape as [number, number, number];
    const x = padded(input!, a);
    const places = (image: tf.Tensor) => perGroupOf(image, a.groups);
    const output = places(dy);
    const taps: tf.Tensor[] = [];
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++) {
        const [top, left] = [i * a.dilation[0], j * a.dilation[1]];
        const [bottom, right] = [top + (height - 1) * a.stride[0] + 1, left + (width - 1) * a.stride[1] + 1];
        const [rows, columns] = a.stride;
        const seen = tf.stridedSlice(
          x,
          [0, top, left, 0],
          [x.shape[0], bottom, right, x.shape[3]],
          [1, rows, columns, 1],
        );
        taps.push(tf.reshape(tf.transpose(sumOfSquares(places(seen), output), [1, 0, 2]), [perGroup, filters]));
      }
    return { kernel: tf.reshape(tf.stack(taps), [kh, kw, perGroup, filters]) };
  },
  cut(node, kept) {
    if (!isDepthwise(node)) return node.attributes;
    return { ...node.attributes, groups: kept(0).filter(Boolean).length };
  },
  onnx({ attributes: a, names, parameters }, [x], writer) {
    const [kh, kw] = parameters.kernel!;
    return writer.op(
      'Conv',
      [x!, writer.parameter(names.kernel!, [3, 2, 0, 1]), ...(names.bias ? [writer.parameter(names.bias)] : [])],
      { kernel_shape: [kh, kw], strides: a.stride, pads: onnxPads(a), dilations: a.dilation, group: a.groups },
    );
  },
});
