import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, free, imageSizes, integers, type NodeView, size } from '../op.ts';
import type { Shape } from '../parameter.ts';

const none = z.strictObject({});

/** Shape of the tokens that a node reads, `[tokens, channels]`. */
function tokensOf(op: string, { id, inputs: [x] }: NodeView<unknown>): [number, number] {
  if (x!.length !== 2) throw new RangeError(`${op} ${id}: needs tokens [tokens, channels], got [${x!.join(', ')}]`);
  return [...x!] as [number, number];
}

function fits(op: string, { id }: NodeView<unknown>, role: string, got: Shape, wanted: Shape): void {
  if (got.join() !== wanted.join())
    throw new RangeError(`${op} ${id}: ${role} is [${got.join(', ')}], the input wants [${wanted.join(', ')}]`);
}

/** An image as tokens, one per place, row by row: `[height, width, channels]` becomes `[height x width, channels]`. */
export const tokens = defineOp({
  attributes: none,
  roles: [],
  arity: [1, 1],
  shape({ id, inputs: [x] }) {
    const [height, width, channels] = imageSizes(`tokens ${id}`, x!);
    return [height * width, channels];
  },
  couple: (_node, [input]) => input!,
  forward: ({ inputs: [shape] }, [x]) => tf.reshape(x!, [-1, size(shape!) / channelsOf(shape!), channelsOf(shape!)]),
  work: () => free,
  onnx(_node, [x], writer) {
    const places = writer.op('Reshape', [x!, integers([0, 0, -1], writer)]);
    return writer.op('Transpose', [places], { perm: [0, 2, 1] });
  },
});

/** A learned token before the others. */
export const classToken = defineOp({
  attributes: none,
  roles: ['token'],
  arity: [1, 1],
  shape(node) {
    const [count, channels] = tokensOf('class-token', node);
    fits('class-token', node, 'token', node.parameters.token!, [channels]);
    return [count + 1, channels];
  },
  couple({ names }, [input], coupling) {
    coupling.place(names.token!, 0, 'embedding', input!.ids);
    return input!;
  },
  forward(_node, [x], { token }) {
    // A sum that broadcasts: the gradient of `tile` is a sum over the batch image by image.
    return tf.concat([tf.add(tf.zeros([x!.shape[0]!, 1, 1]), token!), x!], 1);
  },
  work: () => free,
  onnx({ names }, [x], writer) {
    const batch = writer.op('Shape', [x!], { start: 0, end: 1 });
    const shape = writer.op('Concat', [batch, integers([1, 1], writer)], { axis: 0 });
    return writer.op('Concat', [writer.op('Expand', [writer.parameter(names.token!), shape]), x!], { axis: 1 });
  },
});

/** A learned vector added to each token, `[tokens, channels]`. */
export const positionEmbedding = defineOp({
  attributes: none,
  roles: ['embedding'],
  arity: [1, 1],
  shape(node) {
    const shape = tokensOf('position-embedding', node);
    fits('position-embedding', node, 'embedding', node.parameters.embedding!, shape);
    return shape;
  },
  couple({ names }, [input], coupling) {
    coupling.place(names.embedding!, 1, 'embedding', input!.ids);
    return input!;
  },
  forward: (_node, [x], { embedding }) => tf.add(x!, embedding!),
  work: () => free,
  onnx: ({ names }, [x], writer) => writer.op('Add', [x!, writer.parameter(names.embedding!)]),
});

const tokenAttributes = z.strictObject({ index: z.int().nonnegative() });

/** One of the tokens, as a vector. */
export const token = defineOp<z.infer<typeof tokenAttributes>>({
  attributes: tokenAttributes,
  roles: [],
  arity: [1, 1],
  shape(node) {
    const [count, channels] = tokensOf('token', node);
    const { index } = node.attributes;
    if (index >= count) throw new RangeError(`token ${node.id}: token ${index} of ${count}`);
    return [channels];
  },
  couple: (_node, [input]) => input!,
  forward({ attributes: { index } }, [x]) {
    const [batch, , channels] = x!.shape as [number, number, number];
    return tf.reshape(tf.slice(x!, [0, index, 0], [batch, 1, channels]), [batch, channels]);
  },
  work: () => free,
  onnx: ({ attributes: { index } }, [x], writer) =>
    writer.op('Gather', [x!, writer.constant(BigInt64Array.of(BigInt(index)), [])], { axis: 1 }),
});
