/*
 * How the elements of a value lie in memory. Shapes in this backend are always the logical ones of tfjs (NHWC for
 * images, HWIO for kernels); a layout says how ONNX Runtime holds the same elements.
 */

/** A layout; equal layouts are the same object, so `===` compares them. */
export type Layout =
  /** Physical axis `i` holds logical axis `axes[i]`. */
  | { readonly kind: 'permuted'; readonly id: string; readonly axes: readonly number[] }
  /** Rank 4 with the channels (last logical axis) in blocks: [N, C / block, H, W, block], which ONNX Runtime calls NCHWc
   * and declares as [N, C, H, W]. The last block is filled up with zeros. */
  | { readonly kind: 'blocked'; readonly id: string; readonly block: number }
  /** Every element is the same, and one is held. */
  | { readonly kind: 'uniform'; readonly id: string };

const known = new Map<string, Layout>();

function intern(layout: Layout): Layout {
  const found = known.get(layout.id);
  if (found) return found;
  known.set(layout.id, layout);
  return layout;
}

/** The layout with the given order of logical axes. */
export const permuted = (axes: readonly number[]): Layout =>
  intern({ kind: 'permuted', id: `p${axes.join('.')}`, axes: [...axes] });

/** The logical order. */
export const rowMajor = (rank: number): Layout => permuted(Array.from({ length: rank }, (_, i) => i));

/** The blocked layout. */
export const blocked = (block: number): Layout => intern({ kind: 'blocked', id: `b${block}`, block });

/** One element stands for all. */
export const uniform: Layout = intern({ kind: 'uniform', id: 'u' });

/** NCHW for a logical NHWC. */
export const channelsFirst = permuted([0, 3, 1, 2]);

/** CNHW for a logical NHWC: channel by channel, all images of one after each other. */
export const channelsThenImages = permuted([3, 0, 1, 2]);

/** OIHW for a logical HWIO. */
export const outputFirst = permuted([3, 2, 0, 1]);

/** Whether it is the logical order. */
export const isRowMajor = (layout: Layout): boolean =>
  layout.kind === 'permuted' && layout.axes.every((axis, i) => axis === i);

/** The order of axes; the logical one for a layout that has none. */
export const axesOf = (layout: Layout, rank: number): readonly number[] =>
  layout.kind === 'permuted' ? layout.axes : Array.from({ length: rank }, (_, i) => i);

/** The next multiple of a block. */
export const roundUp = (channels: number, block: number): number => Math.ceil(channels / block) * block;

/** The dimensions ONNX Runtime sees for a value of this shape in this layout. */
export function physicalShape(shape: readonly number[], layout: Layout): number[] {
  switch (layout.kind) {
    case 'permuted':
      return layout.axes.map(axis => shape[axis]!);
    case 'blocked': {
      const [n, h, w, c] = shape as [number, number, number, number];
      return [n, roundUp(c, layout.block), h, w];
    }
    case 'uniform':
      return [];
  }
}

/** The layout after `shape` became `next` without moving data; undefined where elements would have to move. */
export function reshaped(shape: readonly number[], layout: Layout, next: readonly number[]): Layout | undefined {
  if (layout.kind === 'uniform') return uniform;
  if (layout.kind === 'blocked') return undefined;
  if (isRowMajor(layout)) return rowMajor(next.length);
  // Axes of size one may come and go anywhere; the others must stay as they are.
  const kept = shape.flatMap((d, i) => (d === 1 ? [] : [i]));
  const keptNext = next.flatMap((d, i) => (d === 1 ? [] : [i]));
  if (kept.length !== keptNext.length || kept.some((axis, i) => shape[axis] !== next[keptNext[i]!])) return undefined;
  const order = layout.axes.filter(axis => shape[axis] !== 1).map(axis => keptNext[kept.indexOf(axis)]!);
  return permuted([...order, ...next.flatMap((d, i) => (d === 1 ? [i] : []))]);
}

/** Number of elements. */
export const sizeOf = (shape: readonly number[]): number => {
  let size = 1;
  for (const d of shape) size *= d;
  return size;
};

type Elements = Float32Array | Int32Array | Uint8Array;

/** The elements in logical order; the same array where they already are. */
export function toRowMajor<A extends Elements>(data: A, shape: readonly number[], layout: Layout): A {
  if (isRowMajor(layout)) return data;
  const size = sizeOf(shape);
  const Constructor = data.constructor as new (length: number) => A;
  const out = new Constructor(size);
  if (layout.kind === 'uniform') return out.fill(data[0]!) as A;
  const strides = new Array<number>(shape.length).fill(0);
  if (layout.kind === 'permuted') {
    let stride = 1;
    for (let i = shape.length - 1; i >= 0; i--) {
      strides[layout.axes[i]!] = stride;
      stride *= shape[layout.axes[i]!]!;
    }
    copyStrided(data, out, shape, strides);
    return out;
  }
  copyBlocked(data, out, shape, layout.block);
  return out;
}

/** Elements given in logical order, in the order of a layout that only permutes axes. */
export function fromRowMajor<A extends Elements>(data: A, shape: readonly number[], axes: readonly number[]): A {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  const out = new (data.constructor as new (length: number) => A)(data.length);
  copyStrided(
    data,
    out,
    axes.map(axis => shape[axis]!),
    axes.map(axis => strides[axis]!),
  );
  return out;
}

function copyBlocked(from: Elements, to: Elements, shape: readonly number[], block: number): void {
  const [n, h, w, c] = shape as [number, number, number, number];
  const blocks = Math.ceil(c / block);
  let o = 0;
  for (let i = 0; i < n; i++) {
    for (let at = 0; at < h * w; at++) {
      for (let k = 0; k < c; k++) {
        to[o++] = from[((i * blocks + Math.floor(k / block)) * h * w + at) * block + (k % block)]!;
      }
    }
  }
}

function copyStrided(from: Elements, to: Elements, shape: readonly number[], strides: readonly number[]): void {
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  const [row, step] = [shape[rank - 1] ?? 1, strides[rank - 1] ?? 0];
  let offset = 0;
  for (let i = 0; i < to.length;) {
    for (let k = 0, at = offset; k < row; k++, at += step) to[i++] = from[at]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}
