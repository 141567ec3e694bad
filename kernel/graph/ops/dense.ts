import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, fromLast, size, toLast } from '../op.ts';
import { perGroupOf, sumOfSquares } from './per-sample.ts';

/** Fully connected layer on the last axis. Kernel `[in, out]`. */
export const dense = defineOp({
  attributes: z.strictObject({}),
  roles: ['kernel', 'bias?'],
  arity: [1, 1],
  shape({ id, inputs, parameters }) {
    const [features, units] = parameters.kernel! as [number, number];
    const channels = channelsOf(inputs[0]!);
    if (channels !== features) throw new RangeError(`dense ${id}: ${channels} inputs, kernel expects ${features}`);
    if (parameters.bias && parameters.bias[0] !== units)
      throw new RangeError(`dense ${id}: ${parameters.bias[0]} biases for ${units} units`);
    return [...inputs[0]!.slice(0, -1), units];
  },
  couple({ id, names, parameters }, [input], coupling) {
    const out = coupling.fresh(parameters.kernel![1]!);
    coupling.consume(input!, `dense ${id}`);
    coupling.place(names.kernel!, 0, 'in', input!.ids);
    coupling.place(names.kernel!, 1, 'out', out);
    if (names.bias) coupling.place(names.bias, 0, 'bias', out);
    return { ids: out, zero: true };
  },
  forward(_node, [x], { kernel, bias }) {
    const [features, units] = kernel!.shape as [number, number];
    const rows = x!.rank === 2 ? x! : tf.reshape(x!, [-1, features]);
    let y: tf.Tensor = tf.matMul(rows as tf.Tensor2D, kernel as tf.Tensor2D);
    if (bias) y = tf.add(y, bias);
    return x!.rank === 2 ? y : tf.reshape(y, [...x!.shape.slice(0, -1), units]);
  },
  work({ parameters, inputs }, output) {
    const rows = size(inputs[0]!) / channelsOf(inputs[0]!);
    return { plain: rows * size(parameters.kernel!), extra: parameters.bias ? channelsOf(output) : 0 };
  },
  squaredGradients(_node, [x], { kernel }, dy) {
    const squares = sumOfSquares(perGroupOf(x!, 1), perGroupOf(dy, 1));
    return { kernel: tf.reshape(squares, [...kernel!.shape]) };
  },
  onnx({ names, inputs }, [x], writer) {
    const kernel = writer.parameter(names.kernel!);
    const bias = names.bias && writer.parameter(names.bias);
    if (inputs[0]!.length === 1) return writer.op('Gemm', bias ? [x!, kernel, bias] : [x!, kernel]);
    const y = writer.op('MatMul', [toLast(x!, inputs[0]!, writer), kernel]);
    return fromLast(bias ? writer.op('Add', [y, bias]) : y, inputs[0]!, writer);
  },
});
