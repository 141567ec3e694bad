import type { TensorInfo } from '@tensorflow/tfjs';
import type { Kernels, Recorder } from '../kernel.ts';
import { allFloat } from '../kernel.ts';
import { axesOf, isRowMajor, rowMajor, type Layout } from '../layout.ts';
import type { Layouts, Node, Operation, OperationAttributes, Value } from '../value.ts';
import { float } from '../onnx/index.ts';
import { elementwise, elu, leakyRelu, prelu, relu, relu6, sigmoid } from './elementwise.ts';

const simple: Readonly<Record<string, Operation>> = { relu, relu6, elu, sigmoid };

/** The activation that a fused kernel's attributes name; undefined for one this backend does not know. */
export function activate(
  y: Value,
  attributes: OperationAttributes,
  weights: TensorInfo | undefined,
  r: Recorder,
): Value | undefined {
  const activation = attributes['activation'] as string | undefined;
  if (!activation || activation === 'linear') return y;
  if (activation === 'leakyrelu') return r.add(leakyRelu, [y], { alpha: attributes['leakyreluAlpha'] }, y.shape);
  if (activation === 'prelu') return weights && r.add(prelu, [y, r.value(weights)], {}, y.shape);
  const operation = simple[activation];
  return operation && r.add(operation, [y], {}, y.shape);
}

/** Along an axis, in whatever order of axes the input has. */
function alongAxis(node: Node, given: readonly Layout[]): Layouts {
  const layout = given[0]!.kind === 'permuted' ? given[0]! : rowMajor(node.inputs[0]!.shape.length);
  return { inputs: [layout], outputs: [layout] };
}

const along = (name: string): Operation => ({
  name,
  layouts: alongAxis,
  emit(node, [x], e, { inputs }) {
    const axis = node.attributes['axis'] as number;
    const layout = inputs[0]!;
    const physical = isRowMajor(layout) ? axis : axesOf(layout, node.inputs[0]!.shape.length).indexOf(axis);
    return e.op(name, [x!], { axis: physical });
  },
});

const gelu = elementwise('Gelu', (e, [x]) => e.contrib('Gelu', [x!]));
/** x times its sigmoid. */
const silu = elementwise('Silu', (e, [x]) => e.contrib('QuickGelu', [x!], { alpha: float(1) }));

/** dy (F + x f): the normal distribution F(x) = (1 + erf(x / sqrt 2)) / 2 and its density f. */
const geluGrad = elementwise('GeluGrad', (e, [dy, x]) => {
  const t = e.mul(x!, e.scalar(Math.SQRT1_2));
  const distribution = e.op('HardSigmoid', [e.op('Erf', [t])], { alpha: float(0.5), beta: float(0.5) });
  const density = e.op('Exp', [e.mul(t, e.op('Neg', [t]))]);
  const slope = e.mul(e.mul(t, density), e.scalar(1 / Math.sqrt(Math.PI)));
  return e.mul(dy!, e.add(distribution, slope));
});

/** dy (y + s (1 - y)), where s is the sigmoid of x and y = x s. */
const siluGrad = elementwise('SiluGrad', (e, [dy, x]) => {
  const s = e.op('Sigmoid', [x!]);
  const y = e.mul(x!, s);
  return e.mul(dy!, e.add(y, e.mul(s, e.sub(e.scalar(1), y))));
});

const softmax = along('Softmax');
const logSoftmax = along('LogSoftmax');

/** Kernels of activations that are more than one operation or look at more than one element. */
export const kernels: Kernels = {
  Gelu: ({ inputs: { x } }, r) => r.add(gelu, [r.value(x!)], {}, x!.shape),
  GeluGrad: ({ inputs: { dy, x } }, r) => r.add(geluGrad, [r.value(dy!), r.value(x!)], {}, x!.shape),
  Silu: ({ inputs: { x } }, r) => r.add(silu, [r.value(x!)], {}, x!.shape),
  SiluGrad: ({ inputs: { dy, x } }, r) => r.add(siluGrad, [r.value(dy!), r.value(x!)], {}, x!.shape),
  Softmax: ({ inputs: { logits }, attributes: { dim } }, r) => record(softmax, logits!, dim as number, r),
  LogSoftmax: ({ inputs: { logits }, attributes: { axis } }, r) => record(logSoftmax, logits!, axis as number, r),
};

function record(operation: Operation, x: TensorInfo, axis: number, r: Recorder): Value | undefined {
  if (!allFloat(x)) return undefined;
  return r.add(operation, [r.value(x)], { axis: axis < 0 ? axis + x.shape.length : axis }, x.shape);
}
