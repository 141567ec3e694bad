import * as tf from '@tensorflow/tfjs';
import { axesOf, permuted, roundUp, rowMajor, uniform, type Layout } from '../layout.ts';
import type { Kernel, Kernels } from '../kernel.ts';
import type { DataType, Layouts, Node, Operation } from '../value.ts';
import { cast } from './elementwise.ts';

interface Attributes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

const attributesOf = (node: Node) => node.attributes as unknown as Attributes;

/** Reduces in the layout the input has; what is left keeps its order. */
function layouts(node: Node, given: readonly Layout[]): Layouts {
  const { axes, keepDims } = attributesOf(node);
  const rank = node.inputs[0]!.shape.length;
  const layout = given[0]!;
  if (layout.kind === 'blocked' && rank === 4 && axes.join() === '1,2' && node.operation.name === 'Mean') {
    return { inputs: [layout], outputs: [rowMajor(keepDims ? 4 : 2)] };
  }
  if (layout.kind !== 'permuted') {
    return { inputs: [rowMajor(rank)], outputs: [rowMajor(node.outputs[0]!.shape.length)] };
  }
  if (keepDims) return { inputs: [layout], outputs: [layout] };
  const left = layout.axes.filter(axis => !axes.includes(axis));
  const sorted = [...left].sort((a, b) => a - b);
  return { inputs: [layout], outputs: [permuted(left.map(axis => sorted.indexOf(axis)))] };
}

/** A reduction by the ONNX operator `type`; bool goes through int32. `ordered`: one that compares. */
const reduction = (name: string, type: string, ordered = false): Operation => ({
  name,
  layouts,
  emit(node, [x], e, { inputs }) {
    const { axes, keepDims } = attributesOf(node);
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    const layout = inputs[0]!;
    if (layout.kind === 'blocked') {
      const [count, channels] = [input.shape[0]!, input.shape[3]!];
      const padded = roundUp(channels, layout.block);
      const means = e.reshape(e.nchwc('GlobalAveragePool', [x!]), [count, padded]);
      return e.reshape(padded > channels ? e.slice(means, [1], [0], [channels]) : means, output.shape);
    }
    const order = axesOf(layout, input.shape.length);
    const physical = axes.map(axis => order.indexOf(axis));
    if (physical.length === 0) return e.op('Identity', [x!]);
    const number = input.dtype === 'bool' ? e.cast(x!, 'int32') : x!;
    const y = e.reduce(type, number, physical, keepDims);
    if (ordered && input.dtype === 'float32') {
      // ONNX Runtime's comparisons overlook NaN.
      const found = e.reduce('ReduceMax', e.cast(e.op('IsNaN', [x!]), 'int32'), physical, keepDims);
      return e.op('Where', [e.cast(found, 'bool'), e.scalar(NaN), y]);
    }
    return output.dtype === 'bool' ? e.cast(y, 'bool') : y;
  },
});

const sum = reduction('Sum', 'ReduceSum');
const mean = reduction('Mean', 'ReduceMean');
const max = reduction('Max', 'ReduceMax', true);
const min = reduction('Min', 'ReduceMin', true);
const prod = reduction('Prod', 'ReduceProd');
const all = reduction('All', 'ReduceMin');
const any = reduction('Any', 'ReduceMax');

function reduce(operation: Operation, types: readonly string[], output?: DataType): Kernel {
  return ({ inputs: { x }, attributes }, r) => {
    if (!types.includes(x!.dtype)) return undefined;
    const axis = (attributes['axis'] ?? attributes['reductionIndices']) as number | number[];
    const axes = tf.util.parseAxisParam(axis, x!.shape).sort((a, b) => a - b);
    const keepDims = Boolean(attributes['keepDims']);
    const [left] = tf.backend_util.computeOutAndReduceShapes(x!.shape, axes);
    const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(left, axes) : left;
    if (axes.length === 0 && !output) return { of: x!, shape: x!.shape };
    const dtype = output ?? (x!.dtype as DataType);
    const value = x!.dtype === dtype ? r.value(x!) : r.add(cast, [r.value(x!)], { to: dtype }, x!.shape, dtype);
    return r.add(operation, [value], { axes, keepDims }, shape, dtype);
  };
}

/** The index of the greatest or least element, NaN aside. */
const argument = (name: 'ArgMax' | 'ArgMin'): Operation => ({
  name,
  layouts(node, given) {
    const layout =
      given[0] === uniform || given[0]!.kind === 'blocked' ? rowMajor(node.inputs[0]!.shape.length) : given[0]!;
    const axis = node.attributes['axis'] as number;
    const left = axesOf(layout, node.inputs[0]!.shape.length).filter(a => a !== axis);
    return { inputs: [layout], outputs: [permuted(left.map(a => (a > axis ? a - 1 : a)))] };
  },
  emit(node, [x], e, { inputs }) {
    const order = axesOf(inputs[0]!, node.inputs[0]!.shape.length);
    const axis = order.indexOf(node.attributes['axis'] as number);
    const last = e.scalar(name === 'ArgMax' ? -Infinity : Infinity);
    const ordered = node.inputs[0]!.dtype === 'float32' ? e.op('Where', [e.op('IsNaN', [x!]), last, x!]) : x!;
    return e.cast(e.op(name, [ordered], { axis, keepdims: 0 }), 'int32');
  },
});

function arg(operation: Operation): Kernel {
  return ({ inputs: { x }, attributes }, r) => {
    if (x!.dtype === 'bool') return undefined;
    const [axis] = tf.util.parseAxisParam(attributes['axis'] as number, x!.shape);
    const shape = x!.shape.filter((_, i) => i !== axis);
    return r.add(operation, [r.value(x!)], { axis }, shape, 'int32');
  };
}

const cumsum: Operation = {
  name: 'Cumsum',
  emit: ({ attributes: { axis, exclusive, reverse } }, [x], e) =>
    e.op('CumSum', [x!, e.scalar(axis as number, 'int32')], { exclusive: Number(exclusive), reverse: Number(reverse) }),
};

const cumsumKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  if (x!.dtype === 'bool') return undefined;
  const [axis] = tf.util.parseAxisParam(attributes['axis'] as number, x!.shape);
  const { exclusive, reverse } = attributes as { exclusive?: boolean; reverse?: boolean };
  const options = { axis, exclusive: exclusive ?? false, reverse: reverse ?? false };
  return r.add(cumsum, [r.value(x!)], options, x!.shape, x!.dtype as DataType);
};

const numeric = ['float32', 'int32'];

/** Kernels that reduce over axes. */
export const kernels: Kernels = {
  Sum: reduce(sum, numeric),
  Mean: reduce(mean, numeric, 'float32'),
  Max: reduce(max, numeric),
  Min: reduce(min, numeric),
  Prod: reduce(prod, numeric),
  All: reduce(all, ['bool']),
  Any: reduce(any, ['bool']),
  ArgMax: arg(argument('ArgMax')),
  ArgMin: arg(argument('ArgMin')),
  Cumsum: cumsumKernel,
};
