import * as tf from '@tensorflow/tfjs';
import { allFloat, type Kernel, type Kernels, type Recorder } from '../kernel.ts';
import { permuted, rowMajor, sizeOf, type Layout } from '../layout.ts';
import type { Operation, Value } from '../value.ts';
import { activate } from './activation.ts';
import { add } from './elementwise.ts';

const swapped = permuted([1, 0]);

/** A matrix may be taken as it lies: a transposed one only turns the flag of the product. */
const matrixLayout = (value: Value, given: Layout): Layout =>
  value.shape.length === 2 && given === swapped ? swapped : rowMajor(value.shape.length);

/** Product of matrices or of batches of them, either operand transposed or not. */
export const matMul: Operation = {
  name: 'MatMul',
  layouts: (node, given) => ({
    inputs: node.inputs.map((value, i) => matrixLayout(value, given[i]!)),
    outputs: [rowMajor(node.outputs[0]!.shape.length)],
  }),
  emit(node, inputs, e, layouts) {
    const [a, b] = node.inputs as [Value, Value];
    const flag = (name: string, i: number) =>
      Number(Boolean(node.attributes[name]) !== (layouts.inputs[i] === swapped));
    const [transA, transB] = [flag('transposeA', 0), flag('transposeB', 1)];
    const { shape } = node.outputs[0]!;
    if (sizeOf(a.shape.slice(0, -2)) === 1 && sizeOf(b.shape.slice(0, -2)) === 1) {
      const matrix = (name: string, value: Value) =>
        value.shape.length === 2 ? name : e.reshape(name, value.shape.slice(-2));
      const y = e.op('Gemm', [matrix(inputs[0]!, a), matrix(inputs[1]!, b)], { transA, transB });
      return shape.length === 2 ? y : e.reshape(y, shape);
    }
    if (transA || transB) return e.contrib('FusedMatMul', inputs, { transA, transB });
    return e.op('MatMul', inputs);
  },
};

interface Attributes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

function record({ transposeA = false, transposeB = false }: Attributes, a: Value, b: Value, r: Recorder): Value {
  const [inner, outer] = [a.shape.at(transposeA ? -2 : -1), b.shape.at(transposeB ? -1 : -2)];
  if (inner !== outer)
    throw new Error(`matMul: inner dimensions ${inner} and ${outer} of [${a.shape}] and [${b.shape}]`);
  const batch = tf.backend_util.assertAndGetBroadcastShape([...a.shape.slice(0, -2)], [...b.shape.slice(0, -2)]);
  const shape = [...batch, a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!];
  return r.add(matMul, [a, b], { transposeA, transposeB }, shape);
}

const batchMatMul: Kernel = ({ inputs: { a, b }, attributes }, r) =>
  allFloat(a, b) ? record(attributes, r.value(a!), r.value(b!), r) : undefined;

const fusedMatMul: Kernel = ({ inputs: { a, b, bias, preluActivationWeights }, attributes }, r) => {
  if (!allFloat(a, b, bias, preluActivationWeights)) return undefined;
  let y = record(attributes, r.value(a!), r.value(b!), r);
  if (bias) y = r.add(add, [y, r.value(bias)], {}, y.shape);
  return activate(y, attributes, preluActivationWeights, r);
};

const einsum: Operation = {
  name: 'Einsum',
  emit: (node, inputs, e) => e.op('Einsum', inputs, { equation: node.attributes['equation'] as string }),
};

const einsumKernel: Kernel = ({ list, attributes }, r) => {
  const equation = attributes['equation'] as string;
  if (!allFloat(...list)) return undefined;
  const { allDims, summedDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, list.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, list as unknown as tf.Tensor[]);
  const sizes = new Map<number, number>();
  list.forEach((tensor, i) => idDims[i]!.forEach((dim, axis) => sizes.set(dim, tensor.shape[axis]!)));
  const outputs = allDims.length - summedDims.length;
  const shape = Array.from({ length: outputs }, (_, dim) => sizes.get(dim)!);
  const values = list.map(t => r.value(t));
  return r.add(einsum, values, { equation: equation.replace(/\s/g, '') }, shape);
};

/** Kernels of matrix products. */
export const kernels: Kernels = { BatchMatMul: batchMatMul, _FusedMatMul: fusedMatMul, Einsum: einsumKernel };
