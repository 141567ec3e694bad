import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, free, size } from '../op.ts';

const none = z.strictObject({});

/** Values one after another along the channels. */
export const concat = defineOp({
  attributes: none,
  roles: [],
  arity: [1, Infinity],
  shape({ id, inputs }) {
    const place = inputs[0]!.slice(0, -1);
    for (const shape of inputs)
      if (shape.slice(0, -1).join() !== place.join())
        throw new RangeError(`concat ${id}: shapes [${inputs[0]!.join(', ')}] and [${shape.join(', ')}] do not fit`);
    return [...place, inputs.reduce((n, shape) => n + channelsOf(shape), 0)];
  },
  couple(_node, inputs) {
    const ids = new Int32Array(inputs.reduce((n, input) => n + input.ids.length, 0));
    let at = 0;
    for (const input of inputs) {
      ids.set(input.ids, at);
      at += input.ids.length;
    }
    return { ids, zero: inputs.every(input => input.zero) };
  },
  forward: (_node, inputs) => tf.concat([...inputs], -1),
  work: () => free,
  onnx: ({ inputs }, values, writer) => writer.op('Concat', values, { axis: inputs[0]!.length === 3 ? 1 : -1 }),
});

const sliceAttributes = z.strictObject({ begin: z.int().nonnegative(), size: z.int().positive() });

/** Some channels in a row; a split is several of these. */
export const slice = defineOp<z.infer<typeof sliceAttributes>>({
  attributes: sliceAttributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { begin, size: length }, inputs }) {
    const channels = channelsOf(inputs[0]!);
    if (begin + length > channels)
      throw new RangeError(`slice ${id}: channels ${begin} to ${begin + length - 1} of ${channels}`);
    return [...inputs[0]!.slice(0, -1), length];
  },
  couple({ attributes: { begin, size: length } }, [input], coupling) {
    const ids = input!.ids.subarray(begin, begin + length);
    coupling.part(ids);
    return { ids, zero: input!.zero };
  },
  forward({ attributes: { begin, size: length } }, [x]) {
    const leading = x!.shape.slice(0, -1);
    return tf.slice(x!, [...leading.map(() => 0), begin], [...leading, length]);
  },
  work: () => free,
  cut({ attributes: { begin, size: length } }, kept) {
    const left = (from: number, to: number) => kept(0).slice(from, to).filter(Boolean).length;
    return { begin: left(0, begin), size: left(begin, begin + length) };
  },
  onnx({ attributes: { begin, size: length }, inputs }, [x], writer) {
    const constant = (n: number) => writer.constant(BigInt64Array.of(BigInt(n)), [1]);
    return writer.op('Slice', [
      x!,
      constant(begin),
      constant(begin + length),
      constant(inputs[0]!.length === 3 ? 1 : -1),
    ]);
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
