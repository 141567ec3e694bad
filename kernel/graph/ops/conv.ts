import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, size, type NodeView } from '../op.ts';
import { onnxPads, paddedFor, pairOf, windowAttributes, windowed } from './window.ts';

const attributes = z.strictObject({ ...windowAttributes, dilation: pairOf, groups: z.int().positive() });
export type ConvAttributes = z.infer<typeof attributes>;

/** One filter per input channel, or several (`filters / groups`), none of which sees another channel. */
const isDepthwise = ({ attributes: { groups }, parameters }: NodeView<ConvAttributes>) =>
  groups > 1 && parameters.kernel![2] === 1;

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
    const dilation = [...a.dilation] as [number, number];
    const [kh, kw, perGroup, filters] = kernel!.shape as [number, number, number, number];
    let y: tf.Tensor;
    if (a.groups === 1) {
      y = tf.conv2d(x, kernel as tf.Tensor4D, stride, padding, 'NHWC', dilation);
    } else if (isDepthwise(node)) {
      const perChannel = tf.reshape(kernel!, [kh, kw, a.groups, filters / a.groups]) as tf.Tensor4D;
      y = tf.depthwiseConv2d(x, perChannel, stride, padding as never, 'NHWC', dilation);
    } else {
      const images = tf.split(x, Array<number>(a.groups).fill(perGroup), 3) as tf.Tensor4D[];
      const kernels = tf.split(kernel!, a.groups, 3) as tf.Tensor4D[];
      const convolve = (image: tf.Tensor4D, g: number) =>
        tf.conv2d(image, kernels[g]!, stride, padding, 'NHWC', dilation);
      y = tf.concat(images.map(convolve), 3);
    }
    return bias ? tf.add(y, bias) : y;
  },
  work({ parameters }, [height, width, filters]) {
    const positions = height! * width!;
    return { plain: size(parameters.kernel!) * positions, extra: parameters.bias ? filters! * positions : 0 };
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
