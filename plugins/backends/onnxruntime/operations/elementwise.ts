import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { Emitter } from '../emitter.ts';
import { channelsFirst, isRowMajor, physicalShape, rowMajor, sizeOf, uniform, type Layout } from '../layout.ts';
import type { Call, Kernel, Kernels } from '../kernel.ts';
import type { DataType, Layouts, Node, Operation } from '../value.ts';
import { float } from '../onnx/index.ts';

/** Writes an element-wise formula over operands that already broadcast against each other. */
type Formula = (e: Emitter, x: readonly string[], node: Node) => string;

/** Operations that give zero for zeros, so that the padding of a blocked layout stays zero. */
const keepsZero = new Set(
  (
    'Add Sub Multiply AddN SquaredDifference Relu Relu6 Elu Selu LeakyRelu Step Neg Abs Sign Square Tanh ' +
    'Gelu GeluGrad Silu SiluGrad'
  ).split(' '),
);

/** Whether an operation can work on blocks: the padding, if there is some, must stay zero and take no broadcast. */
function fitsBlocks(node: Node, given: readonly Layout[], block: number): boolean {
  const { shape } = node.outputs[0]!;
  if (node.outputs[0]!.dtype !== 'float32' || node.inputs.some(v => v.dtype !== 'float32')) return false;
  if (shape[3]! % block === 0) return true;
  const { name } = node.operation;
  const isFull = (v: Node['inputs'][number]) => v.shape.length === shape.length && v.size === sizeOf(shape);
  const full = node.inputs.every((v, i) => (given[i] === uniform ? name === 'Multiply' : isFull(v)));
  return full && keepsZero.has(name) && (name !== 'Step' || !node.attributes['alpha']);
}

/** The layout an element-wise operation works in: the one of a full operand, if some operand has one of its own. */
function commonLayout(node: Node, given: readonly Layout[]): Layout {
  const shape = node.outputs[0]!.shape;
  if (given.every(layout => layout === uniform)) return uniform;
  let found = rowMajor(shape.length);
  node.inputs.forEach((value, i) => {
    const layout = given[i]!;
    const full = value.shape.length === shape.length && value.size === sizeOf(shape);
    if (full && layout !== uniform && isRowMajor(found)) found = layout;
  });
  return found.kind === 'blocked' && !fitsBlocks(node, given, found.block) ? channelsFirst : found;
}

/** Each operand in the common layout where it has the full rank; the others in logical order, to be aligned. */
export function elementwiseLayouts(node: Node, given: readonly Layout[]): Layouts {
  const shape = node.outputs[0]!.shape;
  const common = commonLayout(node, given);
  const inputs = node.inputs.map((value, i) => {
    if (given[i] === uniform) return uniform;
    const sameRank = value.shape.length === shape.length;
    if (sameRank && value.size > 1 && (common.kind === 'permuted' || value.size === sizeOf(shape))) return common;
    return rowMajor(value.shape.length);
  });
  return { inputs, outputs: node.outputs.map(() => common) };
}

/** Makes the operands broadcast in the output's layout, applies the formula, and restores the declared shape. */
function emitElementwise(node: Node, inputs: readonly string[], e: Emitter, layouts: Layouts, formula: Formula) {
  const { shape } = node.outputs[0]!;
  const layout = layouts.outputs[0]!;
  const mixed = layout.kind === 'blocked' && layouts.inputs.some(l => l !== layout && l !== uniform);
  const [n, h, w, c] = shape as [number, number, number, number];
  const operands = inputs.map((name, i) => {
    const from = layouts.inputs[i]!;
    if (from === uniform) return name;
    if (from !== layout || layout.kind === 'permuted') {
      return from === layout ? name : e.aligned(name, node.inputs[i]!.shape, shape.length, layout);
    }
    return mixed ? e.reshape(name, [n, c / layout.block, h, w, layout.block]) : name;
  });
  const result = formula(e, operands, node);
  const physical = physicalShape(shape, layout);
  if (mixed) return e.reshape(result, physical);
  if (layout === uniform) return result;
  const rank = shape.length;
  const reach = Array.from({ length: rank }, (_, axis) =>
    node.inputs.some((v, i) => layouts.inputs[i] !== uniform && (v.shape[axis - rank + v.shape.length] ?? 1) > 1),
  );
  return shape.every((d, axis) => d === 1 || reach[axis]) &&
    node.inputs.some((v, i) => layouts.inputs[i] !== uniform && v.shape.length === rank)
    ? result
    : e.expand(result, physical);
}

/** An element-wise operation with one output, from its formula. */
export const elementwise = (name: string, formula: Formula): Operation => ({
  name,
  layouts: elementwiseLayouts,
  emit: (node, inputs, e, layouts) => emitElementwise(node, inputs, e, layouts, formula),
});

const onnx = (name: string, type = name): Operation => elementwise(name, (e, x) => e.op(type, x));

const shapeOf = (a: TensorInfo, b: TensorInfo) => tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);

/** A kernel of one operand, taken for the types given. */
function unary(operation: Operation, types: readonly string[] = ['float32'], output?: DataType): Kernel {
  return ({ inputs: { x }, attributes }, r) =>
    types.includes(x!.dtype)
      ? r.add(operation, [r.value(x!)], plain(attributes), x!.shape, output ?? (x!.dtype as DataType))
      : undefined;
}

/** Only the attributes that are numbers: the rest says nothing about the values. */
const plain = (attributes: Call['attributes']) =>
  Object.fromEntries(Object.entries(attributes ?? {}).filter(([, v]) => typeof v === 'number'));

/** A kernel of two operands of the same type. */
function binary(operation: Operation, types: readonly string[] = ['float32', 'int32'], output?: DataType): Kernel {
  return ({ list: [a, b] }, r) =>
    a!.dtype === b!.dtype && types.includes(a!.dtype)
      ? r.add(operation, [r.value(a!), r.value(b!)], {}, shapeOf(a!, b!), output ?? (a!.dtype as DataType))
      : undefined;
}

export const add = onnx('Add');
export const multiply = onnx('Multiply', 'Mul');
export const relu = onnx('Relu');
export const sigmoid = onnx('Sigmoid');
export const square = elementwise('Square', (e, [x]) => e.mul(x!, x!));
export const cast = elementwise('Cast', (e, [x], node) => e.cast(x!, node.attributes['to'] as DataType));

/** `x > 0` as a number. One pass: HardSigmoid saturates for everything that is not almost zero. */
export const step = elementwise('Step', (e, [x], node) => {
  const { alpha } = node.attributes as { alpha?: number };
  const { dtype } = node.inputs[0]!;
  if (!alpha && dtype === 'float32') return e.op('HardSigmoid', [x!], { alpha: float(1e38), beta: float(0) });
  const positive = e.op('Greater', [x!, e.scalar(0, dtype)]);
  if (!alpha) return e.cast(positive, dtype);
  const mask = e.op('Where', [positive, e.scalar(1, dtype), e.scalar(alpha, dtype)]);
  return dtype === 'float32' ? e.op('Where', [e.op('IsNaN', [x!]), x!, mask]) : mask;
});

export const leakyRelu = elementwise('LeakyRelu', (e, [x], node) =>
  e.op('LeakyRelu', [x!], { alpha: float(node.attributes['alpha'] as number) }),
);
export const prelu = onnx('Prelu', 'PRelu');
export const relu6 = elementwise('Relu6', (e, [x]) => e.op('Clip', [x!, e.scalar(0), e.scalar(6)]));
export const elu = onnx('Elu');
export const rsqrt = elementwise('Rsqrt', (e, [x]) => e.op('Reciprocal', [e.op('Sqrt', [x!])]));

const clip = elementwise('ClipByValue', (e, [x], { attributes, inputs }) => {
  const limit = (name: string) => e.scalar(attributes[name] as number, inputs[0]!.dtype);
  return e.op('Clip', [x!, limit('clipValueMin'), limit('clipValueMax')]);
});

// Both keep their precision near zero: the error of log(1 + x) or exp(x) - 1 is divided out.
const log1p = elementwise('Log1p', (e, [x]) => {
  const one = e.scalar(1);
  const w = e.add(x!, one);
  const corrected = e.div(e.mul(e.op('Log', [w]), x!), e.sub(w, one));
  const plainLog = e.op('Where', [e.op('Less', [e.op('Abs', [w]), e.scalar(Infinity)]), corrected, e.op('Log', [w])]);
  return e.op('Where', [e.op('Equal', [w, one]), x!, plainLog]);
});
const expm1 = elementwise('Expm1', (e, [x]) => {
  const one = e.scalar(1);
  const u = e.op('Exp', [x!]);
  const plainDifference = e.sub(u, one);
  const corrected = e.div(e.mul(plainDifference, x!), e.op('Log', [u]));
  const near = e.op('Less', [e.op('Abs', [x!]), e.scalar(0.5)]);
  const careful = e.op('Where', [near, corrected, plainDifference]);
  return e.op('Where', [e.op('Equal', [u, one]), x!, careful]);
});

/** Zero for NaN, as in tfjs. */
const sign = elementwise('Sign', (e, [x], node) => {
  const y = e.op('Sign', [x!]);
  return node.inputs[0]!.dtype === 'float32' ? e.op('Where', [e.op('IsNaN', [x!]), e.scalar(0), y]) : y;
});
const isFinite = elementwise('IsFinite', (e, [x]) => e.op('Less', [e.op('Abs', [x!]), e.scalar(Infinity)]));
const notEqual = elementwise('NotEqual', (e, x) => e.op('Not', [e.op('Equal', x)]));
const squaredDifference = elementwise('SquaredDifference', (e, x) => {
  const difference = e.op('Sub', x);
  return e.mul(difference, difference);
});
// Through float64, which holds every int32: float32 would lose integers beyond 2^24.
const floorDiv = elementwise('FloorDiv', (e, [a, b], node) => {
  if (node.outputs[0]!.dtype === 'float32') return e.op('Floor', [e.div(a!, b!)]);
  const quotient = e.div(e.cast(a!, 'float64'), e.cast(b!, 'float64'));
  return e.cast(e.op('Floor', [quotient]), 'int32');
});
const mod = elementwise('Mod', (e, [a, b], node) => {
  if (node.outputs[0]!.dtype === 'int32') return e.op('Mod', [a!, b!]);
  const zero = e.scalar(0);
  const rest = e.op('Mod', [a!, b!], { fmod: 1 });
  const opposite = e.op('Xor', [e.op('Less', [rest, zero]), e.op('Less', [b!, zero])]);
  const nonzero = e.op('Not', [e.op('Equal', [rest, zero])]);
  return e.op('Where', [e.op('And', [opposite, nonzero]), e.add(rest, b!), rest]);
});
const divNoNan = elementwise('DivNoNan', (e, [a, b]) =>
  e.op('Where', [e.op('Equal', [b!, e.scalar(0)]), e.scalar(0), e.div(a!, b!)]),
);
const eluGrad = elementwise('EluGrad', (e, [dy, y]) => {
  const slope = e.mul(dy!, e.add(y!, e.scalar(1)));
  return e.op('Where', [e.op('GreaterOrEqual', [y!, e.scalar(0)]), dy!, slope]);
});
const addN = onnx('AddN', 'Sum');
const addPairs = elementwise('AddPairs', (e, x) => x.reduce((a, b) => e.add(a, b)));

const numeric = ['float32', 'int32'];
const any = ['float32', 'int32', 'bool'];
const simple: Record<string, string> = {
  Exp: 'Exp',
  Log: 'Log',
  Sqrt: 'Sqrt',
  Tanh: 'Tanh',
  Erf: 'Erf',
  Floor: 'Floor',
  Ceil: 'Ceil',
  Round: 'Round',
  Softplus: 'Softplus',
  Selu: 'Selu',
  Reciprocal: 'Reciprocal',
  Sin: 'Sin',
  Cos: 'Cos',
  Tan: 'Tan',
  Asin: 'Asin',
  Acos: 'Acos',
  Atan: 'Atan',
  Sinh: 'Sinh',
  Cosh: 'Cosh',
  Asinh: 'Asinh',
  Acosh: 'Acosh',
  Atanh: 'Atanh',
};
const logical: Record<string, string> = { LogicalAnd: 'And', LogicalOr: 'Or', LogicalXor: 'Xor' };
const ordered: Record<string, string> = {
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
};

const table = (names: Record<string, string>, kernel: (operation: Operation) => Kernel): Record<string, Kernel> =>
  Object.fromEntries(Object.entries(names).map(([name, type]) => [name, kernel(onnx(name, type))]));

const castKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const to = attributes['dtype'] as DataType;
  if (to === (x!.dtype as string)) return { of: x!, shape: x!.shape };
  return any.includes(to) ? r.add(cast, [r.value(x!)], { to }, x!.shape, to) : undefined;
};

const addNKernel: Kernel = ({ list }, r) => {
  const [first] = list;
  if (list.length === 1) return { of: first!, shape: first!.shape };
  const operation = first!.dtype === 'float32' ? addN : addPairs;
  if (!list.every(t => t.dtype === first!.dtype && numeric.includes(t.dtype))) return undefined;
  return r.add(
    operation,
    list.map(t => r.value(t)),
    {},
    first!.shape,
    first!.dtype as DataType,
  );
};

const preluKernel: Kernel = ({ inputs: { x, alpha } }, r) =>
  x!.dtype === 'float32' && alpha!.dtype === 'float32' && shapeOf(x!, alpha!).join() === x!.shape.join()
    ? r.add(prelu, [r.value(x!), r.value(alpha!)], {}, x!.shape)
    : undefined;

/** Kernels that compute every element from the elements at the same place. */
export const kernels: Kernels = {
  ...table(simple, operation => unary(operation)),
  ...table(logical, operation => binary(operation, ['bool'], 'bool')),
  ...table(ordered, operation => binary(operation, numeric, 'bool')),
  Neg: unary(onnx('Neg'), numeric),
  Abs: unary(onnx('Abs'), numeric),
  Sign: unary(sign, numeric),
  Square: unary(square, numeric),
  Relu: unary(relu, numeric),
  Relu6: unary(relu6),
  Elu: unary(elu),
  LeakyRelu: unary(leakyRelu),
  Sigmoid: unary(sigmoid),
  Rsqrt: unary(rsqrt),
  Step: unary(step, numeric),
  ClipByValue: unary(clip, numeric),
  Log1p: unary(log1p),
  Expm1: unary(expm1),
  LogicalNot: unary(onnx('LogicalNot', 'Not'), ['bool'], 'bool'),
  IsNan: unary(onnx('IsNan', 'IsNaN'), ['float32'], 'bool'),
  IsInf: unary(onnx('IsInf'), ['float32'], 'bool'),
  IsFinite: unary(isFinite, ['float32'], 'bool'),
  Cast: castKernel,
  Add: binary(add),
  AddV2: binary(add),
  Sub: binary(onnx('Sub')),
  Multiply: binary(multiply),
  RealDiv: binary(onnx('RealDiv', 'Div'), ['float32']),
  DivNoNan: binary(divNoNan, ['float32']),
  FloorDiv: binary(floorDiv),
  Mod: binary(mod),
  Pow: binary(onnx('Pow')),
  Maximum: binary(onnx('Maximum', 'Max')),
  Minimum: binary(onnx('Minimum', 'Min')),
  SquaredDifference: binary(squaredDifference),
  Equal: binary(onnx('Equal'), any, 'bool'),
  NotEqual: binary(notEqual, any, 'bool'),
  EluGrad: binary(eluGrad, ['float32']),
  Prelu: preluKernel,
  AddN: addNKernel,
};
