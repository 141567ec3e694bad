import * as tf from '@tensorflow/tfjs';
import type { Kernel, Kernels } from '../kernel.ts';
import { rowMajor, sizeOf } from '../layout.ts';
import type { DataType, Operation } from '../value.ts';
import { elementwiseLayouts } from './elementwise.ts';

const gather: Operation = {
  name: 'Gather',
  emit: (node, inputs, e) => e.op('Gather', inputs, { axis: node.attributes['axis'] as number }),
};

const gatherNd: Operation = {
  name: 'GatherNd',
  emit: (_node, [x, indices], e) => e.op('GatherND', [x!, e.cast(indices!, 'int64')]),
};

const oneHot: Operation = {
  name: 'OneHot',
  emit(node, [indices], e) {
    const { depth, on, off } = node.attributes as { depth: number; on: number; off: number };
    const { dtype } = node.outputs[0]!;
    const classes = Array.from({ length: depth }, (_, i) => i);
    const column = e.reshape(indices!, [...node.inputs[0]!.shape, 1]);
    const hit = e.op('Equal', [column, e.graph.constant('int32', [depth], classes)]);
    if (on === 1 && off === 0) return dtype === 'bool' ? hit : e.cast(hit, dtype);
    return e.op('Where', [hit, e.scalar(on, dtype), e.scalar(off, dtype)]);
  },
};

/** Rows added into the rows that the ids name; an id out of range drops its row. */
const segmentSum: Operation = {
  name: 'UnsortedSegmentSum',
  emit(node, [x, ids], e) {
    const [input, segments] = [node.inputs[0]!, node.inputs[1]!];
    const count = node.attributes['segments'] as number;
    const rows = sizeOf(segments.shape);
    const width = sizeOf(input.shape) / rows;
    // Ids out of range go to one row more, which is cut off.
    const spare = e.scalar(count, 'int32');
    const inside = e.op('And', [e.op('GreaterOrEqual', [ids!, e.scalar(0, 'int32')]), e.op('Less', [ids!, spare])]);
    const target = e.op('Where', [inside, ids!, spare]);
    const zeros = e.expand(e.scalar(0), [count + 1, width]);
    const indices = e.reshape(e.cast(target, 'int64'), [rows, 1]);
    const sums = e.op('ScatterND', [zeros, indices, e.reshape(x!, [rows, width])], { reduction: 'add' });
    return e.reshape(e.slice(sums, [0], [0], [count]), node.outputs[0]!.shape);
  },
};

/** The greatest elements of the last axis and where they are. */
const topK: Operation = {
  name: 'TopK',
  emit(node, [x], e) {
    const [values, places] = e.ops('TopK', [x!, e.ints([node.attributes['k'] as number])], 2);
    return [values!, e.cast(places!, 'int32')];
  },
};

/** Rows added into a tensor of zeros. */
const scatterNd: Operation = {
  name: 'ScatterNd',
  emit(node, [indices, updates], e) {
    const zeros = e.expand(e.scalar(0), node.outputs[0]!.shape);
    return e.op('ScatterND', [zeros, e.cast(indices!, 'int64'), updates!], { reduction: 'add' });
  },
};

const select: Operation = {
  name: 'Select',
  layouts: (node, given) => {
    const plain = node.inputs[0]!.shape.length === node.outputs[0]!.shape.length;
    if (!plain) {
      const [c, t, e] = node.inputs.map(value => rowMajor(value.shape.length));
      return { inputs: [c!, t!, e!], outputs: [t!] };
    }
    const { inputs, outputs } = elementwiseLayouts(node, given);
    return outputs[0]!.kind === 'permuted'
      ? { inputs: inputs.map(() => outputs[0]!), outputs }
      : { inputs: node.inputs.map(v => rowMajor(v.shape.length)), outputs: [rowMajor(node.outputs[0]!.shape.length)] };
  },
  emit: (node, inputs, e) => {
    if (node.outputs[0]!.dtype !== 'bool') return e.op('Where', inputs);
    const [c, t, f] = inputs;
    return e.op('Or', [e.op('And', [c!, t!]), e.op('And', [e.op('Not', [c!]), f!])]);
  },
};

const gatherKernel: Kernel = ({ inputs: { x, indices }, attributes }, r) => {
  const { axis, batchDims } = attributes as { axis: number; batchDims?: number };
  if (batchDims || indices!.dtype !== 'int32') return undefined;
  const [at] = tf.util.parseAxisParam(axis, x!.shape);
  const shape = [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at! + 1)];
  const picked = r.value(indices!);
  // Indices that are still to be computed are checked by ONNX Runtime.
  if (picked.known) checkRange(picked.elements(), x!.shape[at!]!);
  return r.add(gather, [r.value(x!), picked], { axis: at }, shape, x!.dtype as DataType);
};

function checkRange(indices: ArrayLike<number>, extent: number, kernel = 'GatherV2'): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    tf.util.assert(
      index >= 0 && index < extent,
      () => `${kernel}: the index value ${index} is not in [0, ${extent - 1}]`,
    );
  }
}

const gatherNdKernel: Kernel = ({ inputs: { params, indices } }, r) => {
  tf.backend_util.prepareAndValidate(params!, indices!);
  const depth = indices!.shape.at(-1)!;
  if (depth === 0 || depth > params!.shape.length) return undefined;
  const shape = [...indices!.shape.slice(0, -1), ...params!.shape.slice(depth)];
  return r.add(gatherNd, [r.value(params!), r.value(indices!)], {}, shape, params!.dtype as DataType);
};

const oneHotKernel: Kernel = ({ inputs: { indices }, attributes }, r) => {
  const { depth, onValue, offValue, dtype } = attributes as unknown as tf.OneHotAttrs;
  if (indices!.dtype !== 'int32') return undefined;
  const options = { depth, on: onValue, off: offValue };
  return r.add(oneHot, [r.value(indices!)], options, [...indices!.shape, depth], dtype as DataType);
};

const segmentSumKernel: Kernel = ({ inputs: { x, segmentIds }, attributes }, r) => {
  const segments = attributes['numSegments'] as number;
  if (x!.dtype !== 'float32' || segmentIds!.dtype !== 'int32') return undefined;
  const shape = [segments, ...x!.shape.slice(segmentIds!.shape.length)];
  return r.add(segmentSum, [r.value(x!), r.value(segmentIds!)], { segments }, shape);
};

const topKKernel: Kernel = ({ inputs: { x }, attributes }, r) => {
  const k = attributes['k'] as number;
  if (x!.dtype === 'bool' || k === 0 || x!.shape.length === 0) return undefined;
  const shape = [...x!.shape.slice(0, -1), k];
  return r.addMany(topK, [r.value(x!)], { k }, [
    [shape, x!.dtype as DataType],
    [shape, 'int32'],
  ]);
};

const scatterNdKernel: Kernel = ({ inputs: { indices, updates }, attributes }, r) => {
  const shape = attributes['shape'] as number[];
  if (updates!.dtype !== 'float32' || indices!.dtype !== 'int32' || shape.some(d => d === 0)) return undefined;
  tf.backend_util.validateInput(updates as unknown as tf.Tensor, indices as unknown as tf.Tensor, shape);
  const depth = indices!.shape.length > 1 ? indices!.shape.at(-1)! : 1;
  const picked = r.value(indices!);
  if (picked.known) picked.elements().forEach((index, i) => checkRange([index], shape[i % depth]!, 'ScatterNd'));
  const count = sizeOf(indices!.shape) / depth;
  const rows = r.value(updates!, [count, ...shape.slice(depth)]);
  return r.add(scatterNd, [r.value(indices!, [count, depth]), rows], {}, shape);
};

const selectKernel: Kernel = ({ inputs: { condition, t, e } }, r) => {
  if (condition!.dtype !== 'bool' || t!.dtype !== e!.dtype) return undefined;
  const missing = t!.shape.length - condition!.shape.length;
  const shape = [...condition!.shape, ...new Array<number>(missing).fill(1)];
  return r.add(select, [r.value(condition!, shape), r.value(t!), r.value(e!)], {}, t!.shape, t!.dtype as DataType);
};

/** Kernels that pick or place elements by index or condition. */
export const kernels: Kernels = {
  GatherV2: gatherKernel,
  GatherNd: gatherNdKernel,
  OneHot: oneHotKernel,
  UnsortedSegmentSum: segmentSumKernel,
  ScatterNd: scatterNdKernel,
  TopK: topKKernel,
  Select: selectKernel,
};
