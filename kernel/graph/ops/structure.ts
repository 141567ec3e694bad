import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineOp, free, integers, onnxAxis, size } from '../op.ts';

const none = z.strictObject({});

const concatAttributes = z.strictObject({
  /** Axis without the batch; the channels where it is absent. */
  axis: z.int().nonnegative().optional(),
});

/** Values one after another, along the channels or, with an axis, along places, whose channels are then coupled. */
export const concat = defineOp<z.infer<typeof concatAttributes>>({
  attributes: concatAttributes,
  roles: [],
  arity: [1, Infinity],
  shape({ id, attributes, inputs }) {
    const first = inputs[0]!;
    const { axis = first.length - 1 } = attributes;
    if (axis >= first.length) throw new RangeError(`concat ${id}: axis ${axis} of [${first.join(', ')}]`);
    for (const shape of inputs)
      if (shape.length !== first.length || shape.some((n, i) => i !== axis && n !== first[i]))
        throw new RangeError(`concat ${id}: shapes [${first.join(', ')}] and [${shape.join(', ')}] do not fit`);
    return first.map((n, i) => (i === axis ? inputs.reduce((sum, shape) => sum + shape[i]!, 0) : n));
  },
  couple({ attributes: { axis }, inputs: shapes }, inputs, coupling) {
    const zero = inputs.every(input => input.zero);
    if (axis !== undefined && axis < shapes[0]!.length - 1) {
      for (const input of inputs.slice(1)) coupling.tie(inputs[0]!.ids, input.ids);
      return { ids: inputs[0]!.ids, zero };
    }
    const ids = new Int32Array(inputs.reduce((n, input) => n + input.ids.length, 0));
    let at = 0;
    for (const input of inputs) {
      ids.set(input.ids, at);
      at += input.ids.length;
    }
    return { ids, zero };
  },
  forward: ({ attributes: { axis } }, inputs) => tf.concat([...inputs], axis === undefined ? -1 : axis + 1),
  work: () => free,
  onnx: ({ attributes: { axis }, inputs }, values, writer) =>
    writer.op('Concat', values, { axis: onnxAxis(inputs[0]!, axis) }),
});

const sliceAttributes = z.strictObject({
  begin: z.int().nonnegative(),
  size: z.int().positive(),
  /** Axis without the batch; the channels where it is absent. */
  axis: z.int().nonnegative().optional(),
});

/** Some channels in a row, or places where an axis is given; a split is several of these. */
export const slice = defineOp<z.infer<typeof sliceAttributes>>({
  attributes: sliceAttributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { begin, size: length, axis }, inputs: [shape] }) {
    const along = axis ?? shape!.length - 1;
    const there = shape![along] ?? 0;
    const what = axis === undefined ? 'channels' : `places of axis ${axis}:`;
    if (begin + length > there)
      throw new RangeError(`slice ${id}: ${what} ${begin} to ${begin + length - 1} of ${there}`);
    return shape!.map((n, i) => (i === along ? length : n));
  },
  couple({ attributes: { begin, size: length, axis }, inputs: [shape] }, [input], coupling) {
    if (axis !== undefined && axis < shape!.length - 1) return input!;
    const ids = input!.ids.subarray(begin, begin + length);
    coupling.part(ids);
    return { ids, zero: input!.zero };
  },
  forward({ attributes: { begin, size: length, axis } }, [x]) {
    const along = axis === undefined ? x!.rank - 1 : axis + 1;
    const at = x!.shape.map((_, i) => (i === along ? begin : 0));
    return tf.slice(
      x!,
      at,
      x!.shape.map((n, i) => (i === along ? length : n)),
    );
  },
  work: () => free,
  cut({ attributes, inputs: [shape] }, kept) {
    const { begin, size: length, axis } = attributes;
    if (axis !== undefined && axis < shape!.length - 1) return attributes;
    const left = (from: number, to: number) => kept(0).slice(from, to).filter(Boolean).length;
    return { ...attributes, begin: left(0, begin), size: left(begin, begin + length) };
  },
  onnx({ attributes: { begin, size: length, axis }, inputs }, [x], writer) {
    const along = onnxAxis(inputs[0]!, axis);
    return writer.op('Slice', [x!, ...[begin, begin + length, along].map(n => integers([n], writer))]);
  },
});

/** An image as a vector: every channel becomes height x width features that live and die with it. */
export const flatten = defineOp({
  attributes: none,
  roles: [],
  arity: [1, 1],
  shape: ({ inputs }) => [size(inputs[0]!)],
  couple({ inputs }, [input]) {
    const { ids, zero } = input!;
    return { ids: Int32Array.from({ length: size(inputs[0]!) }, (_, i) => ids[i % ids.length]!), zero };
  },
  forward: (_node, [x]) => tf.reshape(x!, [x!.shape[0]!, -1]),
  work: () => free,
  onnx: ({ inputs }, [x], writer) =>
    writer.op('Flatten', [inputs[0]!.length === 3 ? writer.op('Transpose', [x!], { perm: [0, 2, 3, 1] }) : x!]),
});
