import type * as tf from '@tensorflow/tfjs';
import type { Emitter } from '../emitter.ts';
import { allFloat, type Kernel, type Kernels } from '../kernel.ts';
import { channelsFirst, roundUp, sizeOf } from '../layout.ts';
import type { Node, Operation } from '../value.ts';
import { blockedConv } from './convolution-blocked.ts';

type Method = 'nearest' | 'bilinear';

interface Attributes {
  readonly method: Method;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** Along one axis: for every place of the result, the places it is made of and their weights. */
type Weights = readonly (readonly (readonly [place: number, weight: number])[])[];

/** The weights of tfjs: results are sums of products, so the gradient is the transposed map. */
function weightsOf(size: number, resized: number, { method, alignCorners, halfPixelCenters }: Attributes): Weights {
  const corners = alignCorners && resized > 1;
  const ratio = corners ? (size - 1) / (resized - 1) : size / resized;
  const inside = (place: number) => Math.min(size - 1, Math.max(0, place));
  return Array.from({ length: resized }, (_, i) => {
    if (method === 'nearest') {
      const source = ratio * (halfPixelCenters ? i + 0.5 : i);
      return [[inside(alignCorners ? Math.round(source) : Math.floor(source)), 1] as const];
    }
    const source = halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i;
    const floor = inside(Math.floor(source));
    const share = source - floor;
    return [[floor, 1 - share] as const, [inside(Math.ceil(source)), share] as const];
  });
}

/** How many times every place is repeated, where that is all; 0 otherwise. */
function repetition(weights: Weights, size: number): number {
  const times = weights.length / size;
  const even = Number.isInteger(times) && weights.every(([first], i) => first![0] === Math.floor(i / times));
  return even && weights.every(row => row.length === 1) ? times : 0;
}

/** Sizes and weights of a resizing from `image` to `resized`, both NHWC. */
function plan(image: readonly number[], resized: readonly number[], attributes: Attributes) {
  const axes = [1, 2].map(axis => weightsOf(image[axis]!, resized[axis]!, attributes));
  const times = axes.map((weights, i) => repetition(weights, image[i + 1]!));
  return { image, axes, times, repeats: times.every(t => t > 0) };
}

const attributesOf = (node: Node) => node.attributes as unknown as Attributes;

/** A matrix that applies weights from the left, or its transpose. */
function matrix(e: Emitter, weights: Weights, size: number, transposed: boolean): string {
  const rows = weights.length;
  const values = new Float32Array(rows * size);
  weights.forEach((row, i) => {
    for (const [place, weight] of row) values[transposed ? place * rows + i : i * size + place]! += weight;
  });
  return e.graph.constant('float32', transposed ? [size, rows] : [rows, size], values);
}

/** An image resized by weights, or the gradient of that, which is the transposed map. Whole repetitions stay in blocks. */
function resizing(name: string, isGradient: boolean): Operation {
  const planOf = (node: Node) => {
    const [from, to] = [node.inputs[0]!.shape, node.outputs[0]!.shape];
    return isGradient ? plan(to, from, attributesOf(node)) : plan(from, to, attributesOf(node));
  };
  return {
    name,
    layouts(node, given) {
      const layout = planOf(node).repeats && given[0]!.kind === 'blocked' ? given[0]! : channelsFirst;
      return { inputs: [layout], outputs: [layout] };
    },
    emit(node, [x], e, { inputs }) {
      const { image, axes, times } = planOf(node);
      const layout = inputs[0]!;
      if (layout.kind === 'blocked') {
        if (!isGradient) return e.nchwc('Upsample', [x!], { scales: [1, 1, ...times] });
        const group = roundUp(image[3]!, layout.block);
        const kernel = times as [number, number];
        const shape = [group, 1, ...kernel];
        const ones = e.graph.constant('float32', shape, new Float32Array(sizeOf(shape)).fill(1));
        return blockedConv(e, x!, ones, { kernel, strides: kernel, group });
      }
      const rows = e.op('MatMul', [x!, matrix(e, axes[1]!, image[2]!, !isGradient)]);
      return e.op('MatMul', [matrix(e, axes[0]!, image[1]!, isGradient), rows]);
    },
  };
}

const resize = resizing('Resize', false);
const resizeGrad = resizing('ResizeGrad', true);

const attributesOfCall = (method: Method, attributes: Readonly<Record<string, unknown>>): Attributes => {
  const { alignCorners = false, halfPixelCenters = false } = attributes as Partial<Attributes>;
  return { method, alignCorners, halfPixelCenters };
};

const forward =
  (method: Method): Kernel =>
  ({ inputs: { images }, attributes }, r) => {
    if (!allFloat(images)) return undefined;
    const [height, width] = attributes['size'] as tf.ResizeBilinearAttrs['size'];
    const [n, , , c] = images!.shape as [number, number, number, number];
    return r.add(resize, [r.value(images!)], { ...attributesOfCall(method, attributes) }, [n, height, width, c]);
  };

const backward =
  (method: Method): Kernel =>
  ({ inputs: { dy, images }, attributes }, r) => {
    if (!allFloat(dy, images)) return undefined;
    return r.add(resizeGrad, [r.value(dy!)], { ...attributesOfCall(method, attributes) }, images!.shape);
  };

/** Kernels that give images other sizes. */
export const kernels: Kernels = {
  ResizeNearestNeighbor: forward('nearest'),
  ResizeNearestNeighborGrad: backward('nearest'),
  ResizeBilinear: forward('bilinear'),
  ResizeBilinearGrad: backward('bilinear'),
};
