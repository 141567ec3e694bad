import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { Channels, Coupling } from '../channels.ts';
import { defineOp, free, integers, type NodeView, type OnnxWriter } from '../op.ts';
import type { Shape } from '../parameter.ts';

const isVectorBesideImage = (shape: Shape, other: Shape) => shape.length === 1 && other.length === 3;

/** Shape of two operands together: sizes agree or are 1; a vector stands for an image of one place. */
function broadcast(name: string, { id, inputs }: NodeView<unknown>): Shape {
  const [a, b] = inputs as [Shape, Shape];
  const x = isVectorBesideImage(a, b) ? [1, 1, ...a] : a;
  const y = isVectorBesideImage(b, a) ? [1, 1, ...b] : b;
  if (x.length !== y.length || x.some((n, i) => n !== y[i] && n !== 1 && y[i] !== 1))
    throw new RangeError(`${name} ${id}: shapes [${a.join(', ')}] and [${b.join(', ')}] do not fit`);
  return x.map((n, i) => Math.max(n, y[i]!));
}

interface Arithmetic {
  readonly name: string;
  readonly f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  readonly onnx: string;
  /** Whether a channel of the result is 0, from whether it is in each operand. */
  readonly zero: (a: boolean, b: boolean) => boolean;
}

const arithmetic = ({ name, f, onnx, zero }: Arithmetic) =>
  defineOp({
    attributes: z.strictObject({}),
    roles: [],
    arity: [2, 2],
    shape: node => broadcast(name, node),
    couple(_node, inputs, coupling: Coupling) {
      const [a, b] = inputs as [Channels, Channels];
      if (a.ids.length === b.ids.length) {
        coupling.tie(a.ids, b.ids);
        return { ids: a.ids, zero: zero(a.zero, b.zero) };
      }
      // One operand has a single channel for all of the other's: it is not 0 when they are.
      const wide = a.ids.length > b.ids.length ? a : b;
      return { ids: wide.ids, zero: zero(wide.zero, false) };
    },
    forward(_node, [a, b]) {
      const image = (x: tf.Tensor, other: tf.Tensor) =>
        x.rank === 2 && other.rank === 4 ? tf.reshape(x, [x.shape[0]!, 1, 1, x.shape[1]!]) : x;
      return f(image(a!, b!), image(b!, a!));
    },
    work: () => free,
    onnx({ inputs: [a, b] }, [x, y], writer: OnnxWriter) {
      const image = (value: string, shape: Shape, other: Shape) =>
        isVectorBesideImage(shape, other) ? writer.op('Unsqueeze', [value, integers([2, 3], writer)]) : value;
      return writer.op(onnx, [image(x!, a!, b!), image(y!, b!, a!)]);
    },
  });

/** Sum, as at the end of a residual block. A unit is 0 where both operands are. */
export const add = arithmetic({ name: 'add', f: tf.add, onnx: 'Add', zero: (a, b) => a && b });

/** Product, as of an image and its squeeze-excite gate. A unit is 0 where one operand is. */
export const multiply = arithmetic({ name: 'multiply', f: tf.mul, onnx: 'Mul', zero: (a, b) => a || b });

/** Difference. */
export const subtract = arithmetic({ name: 'subtract', f: tf.sub, onnx: 'Sub', zero: (a, b) => a && b });

/** Quotient. What is divided by 0 has no value, so that the divisor's channels are never 0. */
export const divide = arithmetic({ name: 'divide', f: tf.div, onnx: 'Div', zero: () => false });
