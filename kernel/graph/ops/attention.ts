import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, integers, type NodeView } from '../op.ts';

const attributes = z.strictObject({
  heads: z.int().positive(),
  /** Factor of the scores. */
  scale: z.number().positive(),
  /** What a unit is: one dimension of all heads, or one head. */
  prune: z.enum(['dimensions', 'heads']),
});
type Attributes = z.infer<typeof attributes>;

/** Channels of one head. */
const headSize = ({ attributes: { heads }, inputs }: NodeView<Attributes>): number => channelsOf(inputs[0]!) / heads;

/**
 * Multi-head attention, softmax(scale q k^T) v in every head (Vaswani et al. 2017). Inputs q, k, v and the output are
 * `[tokens, heads x size]`; q may have other tokens than k and v. The scale is stored and no cut changes it, though it
 * was made from the size of the uncut heads: only so does the network with zeroed dimensions equal the cut one.
 *
 * A dimension of all heads ('dimensions') can go where q or k is 0 without its producers, so that it adds nothing to the
 * scores. A head ('heads') can always go: what its scores are does not matter once v is 0.
 */
export const attention = defineOp<Attributes>({
  attributes,
  roles: [],
  arity: [3, 3],
  shape({ id, attributes: { heads }, inputs }) {
    const [q, k, v] = inputs.map(shape => `[${shape.join(', ')}]`);
    if (inputs.some(shape => shape.length !== 2))
      throw new RangeError(`attention ${id}: needs q, k, v [tokens, channels], got ${q}, ${k}, ${v}`);
    if (k !== v || channelsOf(inputs[0]!) !== channelsOf(inputs[1]!))
      throw new RangeError(`attention ${id}: q ${q}, k ${k} and v ${v} do not fit`);
    if (channelsOf(inputs[0]!) % heads)
      throw new RangeError(`attention ${id}: ${channelsOf(inputs[0]!)} channels in ${heads} heads`);
    return inputs[0]!;
  },
  couple(node, [q, k, v], coupling) {
    const { id, attributes } = node;
    const size = headSize(node);
    const whole = attributes.prune === 'heads';
    coupling.tie(q!.ids, k!.ids);
    coupling.tie(q!.ids, v!.ids);
    // Each channel is tied to the first one of its head, or to the one of its dimension in the first head.
    coupling.tie(
      q!.ids,
      q!.ids.map((_, c) => q!.ids[whole ? c - (c % size) : c % size]!),
    );
    if (!whole) coupling.consume({ ids: q!.ids, zero: q!.zero || k!.zero }, `attention ${id}`);
    return v!;
  },
  forward(node, inputs) {
    const { heads, scale } = node.attributes;
    const size = headSize(node);
    const split = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [-1, x.shape[1]!, heads, size]), [0, 2, 1, 3]);
    const [q, k, v] = inputs.map(split) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const weights = tf.softmax(tf.matMul(tf.mul(q, scale), k, false, true));
    const mixed = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]);
    return tf.reshape(mixed, [-1, inputs[0]!.shape[1]!, heads * size]);
  },
  work({ inputs: [q, k] }) {
    return { plain: 2 * q![0]! * k![0]! * channelsOf(q!), extra: 0 };
  },
  cut(node, kept) {
    const size = headSize(node);
    const left = new Set(kept(0).flatMap((stays, c) => (stays ? [Math.floor(c / size)] : [])));
    return { ...node.attributes, heads: left.size };
  },
  onnx(node, inputs, writer) {
    const { heads, scale } = node.attributes;
    const size = headSize(node);
    const reshaped = (x: string, ...shape: number[]) => writer.op('Reshape', [x, integers(shape, writer)]);
    const split = (x: string, perm: number[]) => writer.op('Transpose', [reshaped(x, 0, 0, heads, size)], { perm });
    const q = writer.op('Mul', [split(inputs[0]!, [0, 2, 1, 3]), writer.constant(Float32Array.of(scale), [])]);
    const scores = writer.op('MatMul', [q, split(inputs[1]!, [0, 2, 3, 1])]);
    const mixed = writer.op('MatMul', [writer.op('Softmax', [scores], { axis: -1 }), split(inputs[2]!, [0, 2, 1, 3])]);
    return reshaped(writer.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }), 0, 0, heads * size);
  },
});
