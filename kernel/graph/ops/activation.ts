import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineOp, type OnnxWriter, size } from '../op.ts';
import { native } from '../../own-kernels.ts';

interface Activation {
  /** Whether f(0) = 0. */
  readonly zero: boolean;
  readonly f: (x: tf.Tensor) => tf.Tensor;
  readonly onnx: (x: string, writer: OnnxWriter) => string;
  /** Whether Torch-Pruning counts an operation per element. */
  readonly counted?: boolean;
}

const activation = ({ zero, f, onnx, counted = false }: Activation) =>
  defineOp({
    attributes: z.strictObject({}),
    roles: [],
    arity: [1, 1],
    shape: ({ inputs }) => inputs[0]!,
    couple: (_node, [input]) => ({ ids: input!.ids, zero: zero && input!.zero }),
    forward: (_node, [x]) => f(x!),
    work: (_node, output) => ({ plain: 0, extra: counted ? size(output) : 0 }),
    onnx: (_node, [x], writer) => onnx(x!, writer),
  });

const scalar = (value: number) => Float32Array.of(value);

export const relu = activation({ zero: true, f: tf.relu, onnx: (x, w) => w.op('Relu', [x]), counted: true });
export const relu6 = activation({
  zero: true,
  f: x => tf.clipByValue(x, 0, 6),
  onnx: (x, w) => w.op('Clip', [x, w.constant(scalar(0), []), w.constant(scalar(6), [])]),
  counted: true,
});
export const sigmoid = activation({ zero: false, f: tf.sigmoid, onnx: (x, w) => w.op('Sigmoid', [x]) });
export const silu = activation({
  zero: true,
  f: x => (native('Silu', { x }) as tf.Tensor | undefined) ?? tf.mul(x, tf.sigmoid(x)),
  onnx: (x, w) => w.op('Mul', [x, w.op('Sigmoid', [x])]),
});
/** The exact form, by the error function. */
export const gelu = activation({
  zero: true,
  f: x =>
    (native('Gelu', { x }) as tf.Tensor | undefined) ??
    tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  onnx: (x, w) => w.op('Gelu', [x]),
  counted: true,
});
