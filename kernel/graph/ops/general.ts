import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Coupling } from '../channels.ts';
import { channelsOf, defineOp, free, fromLast, integers, onnxAxis, size, toLast } from '../op.ts';
import { onnxPads, padded, windowAttributes, windowed } from './window.ts';

/*
 * Ops for what comes after a network, as the decoding of a detector's boxes: what they do to channels is known only
 * where the channels stay as they are; elsewhere they protect them.
 */

/** Channels of an unknown meaning: those that come in stay, those that go out belong to nothing. */
function unknown(what: string, input: Int32Array, count: number, coupling: Coupling) {
  const reason = `${what}: its meaning for channels is unknown`;
  coupling.protect(input, reason);
  const ids = coupling.fresh(count);
  coupling.protect(ids, reason);
  return { ids, zero: false };
}

const reshapeAttributes = z.strictObject({
  /** Sizes without the batch. */
  shape: z.array(z.int().positive()).min(1),
});

/** The same numbers, row by row, in another shape. */
export const reshape = defineOp<z.infer<typeof reshapeAttributes>>({
  attributes: reshapeAttributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { shape }, inputs: [x] }) {
    if (size(shape) !== size(x!)) throw new RangeError(`reshape ${id}: [${x!.join(', ')}] to [${shape.join(', ')}]`);
    return shape;
  },
  couple({ id, attributes: { shape }, inputs: [x] }, [input], coupling) {
    if (channelsOf(shape) === channelsOf(x!)) return input!;
    return unknown(`reshape ${id}`, input!.ids, channelsOf(shape), coupling);
  },
  forward: ({ attributes: { shape } }, [x]) => tf.reshape(x!, [x!.shape[0]!, ...shape]),
  work: () => free,
  // The channels are left open: they may be fewer after a cut, wherever there is one they are as they were.
  cut: ({ attributes: { shape }, inputs: [x] }, kept) =>
    channelsOf(shape) === channelsOf(x!)
      ? { shape: [...shape.slice(0, -1), kept(0).filter(Boolean).length] }
      : { shape },
  onnx({ attributes: { shape }, inputs: [x] }, [value], writer) {
    const rows = writer.op('Reshape', [toLast(value!, x!, writer), integers([0, ...shape], writer)]);
    return fromLast(rows, shape, writer);
  },
});

const transposeAttributes = z.strictObject({
  /** Axis of the input, without the batch, that each axis of the output is. */
  order: z.array(z.int().nonnegative()).min(1),
});

/** Axes in another order. */
export const transpose = defineOp<z.infer<typeof transposeAttributes>>({
  attributes: transposeAttributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { order }, inputs: [x] }) {
    if (order.length !== x!.length || new Set(order).size !== x!.length || order.some(axis => axis >= x!.length))
      throw new RangeError(`transpose ${id}: order [${order.join(', ')}] of [${x!.join(', ')}]`);
    return order.map(axis => x![axis]!);
  },
  couple({ id, attributes: { order }, inputs: [x] }, [input], coupling) {
    const last = order[order.length - 1]!;
    if (last === order.length - 1) return input!;
    return unknown(`transpose ${id}`, input!.ids, x![last]!, coupling);
  },
  forward: ({ attributes: { order } }, [x]) => tf.transpose(x!, [0, ...order.map(axis => axis + 1)]),
  work: () => free,
  onnx({ attributes: { order }, inputs: [x] }, [value], writer) {
    const perm = [0, ...order.map(axis => axis + 1)];
    return fromLast(writer.op('Transpose', [toLast(value!, x!, writer)], { perm }), x!, writer);
  },
});

/** Shares along the last axis. A channel more or less changes all others. */
export const softmax = defineOp({
  attributes: z.strictObject({}),
  roles: [],
  arity: [1, 1],
  shape: ({ inputs }) => inputs[0]!,
  couple: ({ id }, [input], coupling) => unknown(`softmax ${id}`, input!.ids, input!.ids.length, coupling),
  forward: (_node, [x]) => tf.softmax(x!),
  work: () => free,
  onnx: ({ inputs: [x] }, [value], writer) => writer.op('Softmax', [value!], { axis: onnxAxis(x!) }),
});

/** Numbers that are the same for every sample: learned ones (`value`) or not (`fixed`). The batch is one sample. */
export const constant = defineOp({
  attributes: z.strictObject({}),
  roles: ['value?', 'fixed?'],
  arity: [0, 0],
  shape({ id, parameters }) {
    const [shape, other] = Object.values(parameters);
    if (!shape || other) throw new Error(`constant ${id}: needs a value or fixed numbers`);
    return shape;
  },
  couple({ names, parameters }, _inputs, coupling) {
    const [[role, name]] = Object.entries(names) as [[string, string]];
    const shape = parameters[role]!;
    const ids = coupling.fresh(channelsOf(shape));
    if (ids.length > 1) coupling.place(name, shape.length - 1, 'offset', ids);
    return { ids, zero: true };
  },
  forward: (_node, _inputs, { value, fixed }) => tf.expandDims((value ?? fixed)!),
  work: () => free,
  onnx({ names, parameters }, _inputs, writer) {
    const [[role, name]] = Object.entries(names) as [[string, string]];
    const order = parameters[role]!.length === 3 ? [2, 0, 1] : undefined;
    return writer.op('Unsqueeze', [writer.parameter(name, order), integers([0], writer)]);
  },
});

const { padding } = windowAttributes;
const padAttributes = z.strictObject({ padding });

/** Zeros around an image, for layers whose own padding is not all there is. */
export const pad = defineOp<z.infer<typeof padAttributes>>({
  attributes: padAttributes,
  roles: [],
  arity: [1, 1],
  shape: ({ id, attributes: { padding }, inputs: [x] }) => [
    ...windowed(`pad ${id}`, x!, [1, 1], { stride: [1, 1], padding }),
    channelsOf(x!),
  ],
  couple: (_node, [input]) => input!,
  forward: ({ attributes }, [x]) => padded(x!, attributes),
  work: () => free,
  onnx({ attributes }, [x], writer) {
    const [top, left, bottom, right] = onnxPads(attributes);
    return writer.op('Pad', [x!, integers([0, 0, top!, left!, 0, 0, bottom!, right!], writer)]);
  },
});
