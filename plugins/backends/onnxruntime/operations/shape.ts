import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import { transposed } from '../emitter.ts';
import type { Kernel, Kernels, Recorder } from '../kernel.ts';
import { axesOf, channelsFirst, physicalShape, reshaped, rowMajor, uniform, type Layout } from '../layout.ts';
import type { DataType, Layouts, Node, Operation, Value } from '../value.ts';

const dtypeOf = (t: TensorInfo) => t.dtype as DataType;

/** Keeps the first input's order of axes through an operation that treats axes one by one. */
function keepOrder(node: Node, given: readonly Layout[]): Layouts {
  const layout = given[0]!.kind === 'permuted' ? given[0]! : rowMajor(node.outputs[0]!.shape.length);
  return { inputs: node.inputs.map(() => layout), outputs: node.outputs.map(() => layout) };
}

/** Logical axes in the order in which ONNX sees them; blocked images are declared as NCHW. */
const order = (node: Node, layouts: Layouts) => {
  const layout = layouts.inputs[0]!;
  return axesOf(layout.kind === 'blocked' ? channelsFirst : layout, node.inputs[0]!.shape.length);
};

/** Other shape, same elements in the same logical order. Free where the layout allows. */
export const reshape: Operation = {
  name: 'Reshape',
  layouts(node, given) {
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    const layout = reshaped(input.shape, given[0]!, output.shape);
    if (layout) return { inputs: [given[0]!], outputs: [layout] };
    return { inputs: [rowMajor(input.shape.length)], outputs: [rowMajor(output.shape.length)] };
  },
  emit: (node, [x], e, { outputs }) =>
    outputs[0] === uniform ? x! : e.reshape(x!, physicalShape(node.outputs[0]!.shape, outputs[0]!)),
};

/** Only the name of the layout changes. */
const transpose: Operation = {
  name: 'Transpose',
  layouts(node, given) {
    const perm = node.attributes['perm'] as number[];
    const layout = transposed(given[0]!, perm);
    if (layout) return { inputs: [given[0]!], outputs: [layout] };
    const plain = rowMajor(perm.length);
    return { inputs: [plain], outputs: [transposed(plain, perm)!] };
  },
  emit: (_node, [x]) => x!,
};

/** Blocks stay blocks where only whole ones are taken. */
function sliceLayouts(node: Node, given: readonly Layout[]): Layouts {
  const layout = given[0]!;
  if (layout.kind !== 'blocked') return keepOrder(node, given);
  const { begin, size } = node.attributes as { begin: number[]; size: number[] };
  const { shape } = node.inputs[0]!;
  const images = [1, 2].every(axis => size[axis] === shape[axis]);
  const whole = images && begin[3]! % layout.block === 0 && size[3]! % layout.block === 0;
  return whole ? { inputs: [layout], outputs: [layout] } : { inputs: [channelsFirst], outputs: [channelsFirst] };
}

const slice: Operation = {
  name: 'Slice',
  layouts: sliceLayouts,
  emit(node, [x], e, layouts) {
    const { begin, size } = node.attributes as { begin: number[]; size: number[] };
    const { shape } = node.inputs[0]!;
    const cut = order(node, layouts)
      .map((axis, i) => ({
        i,
        start: begin[axis]!,
        end: begin[axis]! + size[axis]!,
        whole: size[axis] === shape[axis],
      }))
      .filter(({ whole }) => !whole);
    if (cut.length === 0) return e.op('Identity', [x!]);
    return e.slice(
      x!,
      cut.map(({ i }) => i),
      cut.map(({ start }) => start),
      cut.map(({ end }) => end),
    );
  },
};

const stridedSlice: Operation = {
  name: 'StridedSlice',
  layouts: keepOrder,
  emit(node, [x], e, layouts) {
    const { begin, size, strides } = node.attributes as { begin: number[]; size: number[]; strides: number[] };
    const axes = order(node, layouts);
    const ends = axes.map(axis => {
      const end = begin[axis]! + (size[axis]! - 1) * strides[axis]! + Math.sign(strides[axis]!);
      return end < 0 ? -(2 ** 31) : end;
    });
    return e.slice(
      x!,
      axes.map((_, i) => i),
      axes.map(axis => begin[axis]!),
      ends,
      axes.map(axis => strides[axis]!),
    );
  },
};

const reverse: Operation = {
  name: 'Reverse',
  layouts: keepOrder,
  emit(node, [x], e, layouts) {
    const axes = order(node, layouts);
    return e.flip(
      x!,
      (node.attributes['axes'] as number[]).map(axis => axes.indexOf(axis)),
    );
  },
};

const concat: Operation = {
  name: 'Concat',
  layouts(node, given) {
    const blocks = given.find(layout => layout.kind === 'blocked');
    const along = node.attributes['axis'] as number;
    if (blocks && (along === 0 || (along === 3 && node.inputs.every(value => value.shape[3]! % blocks.block === 0)))) {
      return { inputs: node.inputs.map(() => blocks), outputs: [blocks] };
    }
    const ordered = given.find(layout => layout.kind === 'permuted') ?? rowMajor(node.outputs[0]!.shape.length);
    const own = blocks ? channelsFirst : ordered;
    return { inputs: node.inputs.map(() => own), outputs: [own] };
  },
  emit: (node, inputs, e, layouts) =>
    e.op('Concat', inputs, { axis: order(node, layouts).indexOf(node.attributes['axis'] as number) }),
};

const pad: Operation = {
  name: 'Pad',
  layouts: keepOrder,
  emit(node, [x], e, layouts) {
    const { paddings, constant } = node.attributes as { paddings: [number, number][]; constant: number };
    const mode = node.attributes['mode'] as string | undefined;
    const axes = order(node, layouts);
    const pads = [...axes.map(axis => paddings[axis]![0]), ...axes.map(axis => paddings[axis]![1])];
    if (mode) return e.op('Pad', [x!, e.ints(pads)], { mode });
    return e.op('Pad', [x!, e.ints(pads), e.scalar(constant, node.inputs[0]!.dtype)]);
  },
};

const tile: Operation = {
  name: 'Tile',
  layouts: (node, given) => (given[0] === uniform ? { inputs: [uniform], outputs: [uniform] } : keepOrder(node, given)),
  emit(node, [x], e, layouts) {
    if (layouts.inputs[0] === uniform) return x!;
    const repeats = node.attributes['reps'] as number[];
    const axes = order(node, layouts);
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    const spread = input.shape.every((d, axis) => d === 1 || repeats[axis] === 1);
    if (spread) return e.expand(x!, physicalShape(output.shape, layouts.outputs[0]!));
    return e.op('Tile', [x!, e.ints(axes.map(axis => repeats[axis]!))]);
  },
};

const broadcastTo: Operation = {
  name: 'BroadcastTo',
  layouts(node, given) {
    if (given[0] === uniform) return { inputs: [uniform], outputs: [uniform] };
    return { inputs: [rowMajor(node.inputs[0]!.shape.length)], outputs: [rowMajor(node.outputs[0]!.shape.length)] };
  },
  emit: (node, [x], e, { inputs }) => (inputs[0] === uniform ? x! : e.expand(x!, node.outputs[0]!.shape)),
};

const depthToSpace: Operation = {
  name: 'DepthToSpace',
  emit(node, [x], e) {
    const [n, h, w, c] = node.inputs[0]!.shape as [number, number, number, number];
    const b = node.attributes['blockSize'] as number;
    const split = e.reshape(x!, [n, h, w, b, b, c / (b * b)]);
    return e.reshape(e.transpose(split, [0, 1, 3, 2, 4, 5]), node.outputs[0]!.shape);
  },
};

function cut(x: TensorInfo, begin: readonly number[], size: readonly number[], r: Recorder): Value {
  return r.add(slice, [r.value(x)], { begin, size }, size, dtypeOf(x));
}

/** Slices of these sizes after each other along an axis. */
function cutAlong(x: TensorInfo, axis: number, sizes: readonly number[], r: Recorder): Value[] {
  let start = 0;
  return sizes.map(extent => {
    const begin = x.shape.map((_, i) => (i === axis ? start : 0));
    start += extent;
    return cut(
      x,
      begin,
      x.shape.map((d, i) => (i === axis ? extent : d)),
      r,
    );
  });
}

const alias: Kernel = ({ list: [x] }) => ({ of: x!, shape: x!.shape });

/** Kernels that only give a tensor another shape; they take every type and size. */
export const aliases: Kernels = {
  Identity: alias,
  Reshape: ({ inputs: { x }, attributes }) => ({
    of: x!,
    shape: tf.util.inferFromImplicitShape(attributes['shape'] as number[], tf.util.sizeFromShape(x!.shape)),
  }),
  ExpandDims: ({ inputs: { input }, attributes }) => {
    const shape = [...input!.shape];
    const dim = attributes['dim'] as number;
    tf.util.assert(
      -shape.length - 1 <= dim,
      () => `Axis must be in the interval [${-shape.length - 1}, ${shape.length}]`,
    );
    shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1);
    return { of: input!, shape };
  },
};

const transposeKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const perm = attributes['perm'] as number[];
  const shape = perm.map(axis => x!.shape[axis]!);
  return r.add(transpose, [r.value(x!)], { perm }, shape, dtypeOf(x!));
};

const sliceKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const { begin, size } = attributes as { begin: number | number[]; size: number | number[] };
  const [start, extent] = tf.slice_util.parseSliceParams(x as unknown as tf.Tensor, begin, size);
  tf.slice_util.assertParamsValid(x as unknown as tf.Tensor, start!, extent!);
  return cut(x!, start!, extent!, r);
};

const stridedSliceKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } =
    attributes as unknown as tf.StridedSliceAttrs;
  const found = tf.slice_util.sliceInfo(
    x!.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (found.isIdentity) return { of: x!, shape: found.finalShape };
  const size = found.strides.map((stride, i) => Math.max(0, Math.ceil((found.end[i]! - found.begin[i]!) / stride)));
  const value = r.add(
    stridedSlice,
    [r.value(x!)],
    { begin: found.begin, size, strides: found.strides },
    size,
    dtypeOf(x!),
  );
  return r.add(reshape, [value], {}, found.finalShape, dtypeOf(x!));
};

const concatKernel: Kernel = ({ list, attributes }, r) => {
  const [axis] = tf.util.parseAxisParam(attributes['axis'] as number, list[0]!.shape);
  const shapes = list.map(t => t.shape);
  tf.backend_util.assertParamsConsistent(shapes, axis!);
  const shape = tf.backend_util.computeOutShape(shapes, axis!);
  const full = list.filter(t => tf.util.sizeFromShape(t.shape) > 0);
  if (full.length === 1) return { of: full[0]!, shape };
  if (full.length === 0 || !full.every(t => t.dtype === full[0]!.dtype)) return undefined;
  return r.add(
    concat,
    full.map(t => r.value(t)),
    { axis },
    shape,
    dtypeOf(list[0]!),
  );
};

const packKernel: Kernel = ({ list, attributes }, r) => {
  const [first] = list;
  const axis = attributes['axis'] as number;
  const at = axis < 0 ? axis + first!.shape.length + 1 : axis;
  const single = [...first!.shape.slice(0, at), 1, ...first!.shape.slice(at)];
  if (!list.every(t => t.dtype === first!.dtype && t.shape.join() === first!.shape.join())) return undefined;
  if (list.length === 1) return { of: first!, shape: single };
  const shape = single.map((d, i) => (i === at ? list.length : d));
  return r.add(
    concat,
    list.map(t => r.value(t, single)),
    { axis: at },
    shape,
    dtypeOf(first!),
  );
};

const splitKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const [axis] = tf.util.parseAxisParam(attributes['axis'] as number, x!.shape);
  const parts = attributes['numOrSizeSplits'] as number | number[];
  return cutAlong(x!, axis!, tf.backend_util.prepareSplitSize(x as unknown as tf.Tensor, parts, axis), r);
};

const unpackKernel: Kernel = ({ inputs: { value }, attributes }, r) => {
  const [axis] = tf.util.parseAxisParam(attributes['axis'] as number, value!.shape);
  const shape = value!.shape.filter((_, i) => i !== axis);
  const ones = new Array<number>(value!.shape[axis!]!).fill(1);
  return cutAlong(value!, axis!, ones, r).map(part => r.add(reshape, [part], {}, shape, dtypeOf(value!)));
};

const padKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const { paddings, constantValue } = attributes as { paddings: [number, number][]; constantValue: number };
  if (x!.dtype === 'bool') return undefined;
  const shape = x!.shape.map((d, i) => d + paddings[i]![0] + paddings[i]![1]);
  return r.add(pad, [r.value(x!)], { paddings, constant: constantValue }, shape, dtypeOf(x!));
};

const mirrorPadKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const { paddings, mode } = attributes as { paddings: [number, number][]; mode: string };
  if (mode !== 'reflect' || x!.dtype !== 'float32') return undefined;
  const shape = x!.shape.map((d, i) => d + paddings[i]![0] + paddings[i]![1]);
  return r.add(pad, [r.value(x!)], { paddings, constant: 0, mode }, shape, dtypeOf(x!));
};

const tileKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const reps = attributes['reps'] as number[];
  const shape = x!.shape.map((d, i) => d * reps[i]!);
  return r.add(tile, [r.value(x!)], { reps }, shape, dtypeOf(x!));
};

const broadcastKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const shape = attributes['shape'] as number[];
  return r.add(broadcastTo, [r.value(x!)], {}, shape, dtypeOf(x!));
};

const depthToSpaceKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const { blockSize, dataFormat } = attributes as { blockSize: number; dataFormat: string };
  if (dataFormat !== 'NHWC') return undefined;
  const [n, h, w, c] = x!.shape as [number, number, number, number];
  const shape = [n, h * blockSize, w * blockSize, c / (blockSize * blockSize)];
  return r.add(depthToSpace, [r.value(x!)], { blockSize }, shape, dtypeOf(x!));
};

/** Kernels that move elements without computing. */
export const kernels: Kernels = {
  Transpose: transposeKernel,
  Slice: sliceKernel,
  StridedSlice: stridedSliceKernel,
  Reverse: ({ inputs: { x }, attributes }, r) => {
    const axes = tf.util.parseAxisParam(attributes['dims'] as number[], x!.shape);
    return r.add(reverse, [r.value(x!)], { axes }, x!.shape, dtypeOf(x!));
  },
  Concat: concatKernel,
  Pack: packKernel,
  SplitV: splitKernel,
  Unpack: unpackKernel,
  PadV2: padKernel,
  MirrorPad: mirrorPadKernel,
  Tile: tileKernel,
  BroadcastTo: broadcastKernel,
  DepthToSpace: depthToSpaceKernel,
  ZerosLike: ({ inputs: { x } }, r) => r.fill(x!.shape, dtypeOf(x!), 0),
  OnesLike: ({ inputs: { x } }, r) => r.fill(x!.shape, dtypeOf(x!), 1),
  Fill: ({ attributes }, r) => {
    const { shape, value, dtype } = attributes as { shape: number[]; value: unknown; dtype?: string };
    if (typeof value === 'string' || dtype === 'string' || dtype === 'complex64') return undefined;
    return r.fill(shape, (dtype ?? 'float32') as DataType, Number(value));
  },
};
