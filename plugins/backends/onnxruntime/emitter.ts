import { elementTypes, GraphBuilder, type Attributes, type ElementType } from './onnx/index.ts';
import {
  axesOf,
  channelsFirst,
  channelsThenImages,
  isRowMajor,
  permuted,
  physicalShape,
  roundUp,
  rowMajor,
  sizeOf,
  uniform,
  type Layout,
} from './layout.ts';
import type { Target } from './value.ts';

const contrib = 'com.microsoft';
const nchwc = 'com.microsoft.nchwc';

/** Writes ONNX nodes by the names ONNX gives them. Nodes with equal type, inputs and attributes are shared. */
export class Emitter {
  readonly graph = new GraphBuilder();
  /** What node names begin with, so that an error can be traced to the recorded node. */
  prefix = '';
  private readonly shared = new Map<string, string[]>();

  constructor(readonly target: Target) {}

  /** One output of a node of a standard operator, or one of another domain. */
  op(type: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.ops(type, inputs, 1, attributes, domain)[0]!;
  }

  /** All outputs of a node. */
  ops(type: string, inputs: readonly string[], count: number, attributes: Attributes = {}, domain = ''): string[] {
    const key = `${domain} ${type} ${inputs.join()} ${JSON.stringify(attributes)} ${count}`;
    let outputs = this.shared.get(key);
    if (!outputs) {
      outputs = Array.from({ length: count }, () => this.graph.fresh());
      const name = `${this.prefix}${this.graph.fresh(type)}`;
      this.graph.node(type, inputs, attributes, { domain, outputs, name });
      this.shared.set(key, outputs);
    }
    return outputs;
  }

  /** A node of ONNX Runtime's own operators. */
  contrib(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.op(type, inputs, attributes, contrib);
  }

  /** A node of ONNX Runtime's blocked operators. */
  nchwc(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.op(type, inputs, attributes, nchwc);
  }

  /** A copy, never shared: an output of the graph needs a name of its own. */
  identity(input: string): string {
    return this.graph.node('Identity', [input], {}, { name: `${this.prefix}${this.graph.fresh('Identity')}` })[0]!;
  }

  /** A constant vector of int64, as shapes and axes are given. */
  ints(values: readonly number[]): string {
    return this.graph.constant('int64', [values.length], values);
  }

  /** A constant scalar. */
  scalar(value: number, type: ElementType = 'float32'): string {
    return this.graph.constant(type, [], [value]);
  }

  cast(input: string, type: ElementType): string {
    return this.op('Cast', [input], { to: elementTypes[type] });
  }

  reshape(input: string, shape: readonly number[]): string {
    return this.op('Reshape', [input, this.ints(shape)]);
  }

  transpose(input: string, perm: readonly number[]): string {
    return perm.every((axis, i) => axis === i) ? input : this.op('Transpose', [input], { perm });
  }

  expand(input: string, shape: readonly number[]): string {
    return this.op('Expand', [input, this.ints(shape)]);
  }

  slice(
    input: string,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps?: readonly number[],
  ): string {
    const inputs = [input, this.ints(starts), this.ints(ends), this.ints(axes)];
    if (steps && steps.some(s => s !== 1)) inputs.push(this.ints(steps));
    return this.op('Slice', inputs);
  }

  /** Reverses axes. */
  flip(input: string, axes: readonly number[]): string {
    const all = (value: number) => axes.map(() => value);
    return this.slice(input, axes, all(-1), all(-(2 ** 31)), all(-1));
  }

  /** Pads with zeros: so many elements before and after along every axis. */
  pad(input: string, before: readonly number[], after: readonly number[]): string {
    if (before.every(p => p === 0) && after.every(p => p === 0)) return input;
    return this.op('Pad', [input, this.ints([...before, ...after])]);
  }

  /** One of the Reduce operators. */
  reduce(type: string, input: string, axes: readonly number[], keepDims = false): string {
    return this.op(type, [input, this.ints(axes)], { keepdims: keepDims ? 1 : 0 });
  }

  add(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  sub(a: string, b: string): string {
    return this.op('Sub', [a, b]);
  }

  mul(a: string, b: string): string {
    return this.op('Mul', [a, b]);
  }

  div(a: string, b: string): string {
    return this.op('Div', [a, b]);
  }

  /** Moves a value of a shape from one layout to another. */
  convert(input: string, shape: readonly number[], from: Layout, to: Layout): string {
    if (from === to) return input;
    if (to.kind === 'uniform') throw new Error(`cannot hold [${shape}] in layout ${from.id} as one element`);
    if (from.kind === 'uniform') {
      // Padding must be zero, so what is padded is spread in logical order first.
      if (to.kind === 'blocked' && shape[3]! % to.block !== 0) {
        return this.convert(this.expand(input, shape), shape, rowMajor(4), to);
      }
      const target = physicalShape(shape, to);
      return sizeOf(shape) === 1 ? this.reshape(input, target) : this.expand(input, target);
    }
    if (from.kind === 'blocked') {
      const channels = shape[3]!;
      if (isRowMajor(to)) return this.nchwc('ReorderOutput', [input], { channels, channels_last: 1 });
      if (to === channelsThenImages) return this.channelByChannel(input, shape, from.block);
      const plain = this.nchwc('ReorderOutput', [input], { channels });
      return this.convert(plain, shape, channelsFirst, to);
    }
    if (to.kind === 'blocked') {
      const extra = roundUp(shape[3]!, to.block) - shape[3]!;
      if (isRowMajor(from)) {
        return this.nchwc('ReorderInput', [this.pad(input, [0, 0, 0, 0], [0, 0, 0, extra])], { channels_last: 1 });
      }
      const plain = this.convert(input, shape, from, channelsFirst);
      return this.nchwc('ReorderInput', [this.pad(plain, [0, 0, 0, 0], [0, extra, 0, 0])]);
    }
    const long = (axis: number) => shape[axis] !== 1;
    if (from.axes.filter(long).join() === to.axes.filter(long).join()) {
      return this.reshape(input, physicalShape(shape, to));
    }
    return this.transpose(
      input,
      to.axes.map(axis => from.axes.indexOf(axis)),
    );
  }

  /** From blocks to [C, N, H, W]: whole blocks change places, and are then taken apart as one wide image each. */
  private channelByChannel(input: string, shape: readonly number[], block: number): string {
    const [n, h, w, channels] = shape as [number, number, number, number];
    const blocks = roundUp(channels, block) / block;
    const apart = this.transpose(this.reshape(input, [n, blocks, h * w * block]), [1, 0, 2]);
    const wide = this.nchwc('ReorderOutput', [this.reshape(apart, [blocks, block, n * h, w])], { channels: block });
    const full = this.reshape(wide, [blocks * block, n, h, w]);
    return blocks * block > channels ? this.slice(full, [0], [0], [channels]) : full;
  }

  /**
   * A value in logical order, dressed to broadcast against values of a higher or equal rank in a layout. For a blocked
   * layout, whose channels must then fill the blocks, the result fits the five physical axes.
   */
  aligned(input: string, shape: readonly number[], rank: number, layout: Layout): string {
    if (layout.kind === 'uniform' || sizeOf(shape) === 1) return shape.length > rank ? this.reshape(input, []) : input;
    const padded = [...new Array<number>(rank - shape.length).fill(1), ...shape];
    if (layout.kind === 'permuted') {
      if (isRowMajor(layout)) return input;
      const x = shape.length === rank ? input : this.reshape(input, padded);
      return this.convert(x, padded, rowMajor(rank), layout);
    }
    const [n, h, w, c] = padded as [number, number, number, number];
    const [blocks, within] = c === 1 ? [1, 1] : [c / layout.block, layout.block];
    const x = this.reshape(input, [n, h, w, blocks, within]);
    const spatial = n * h * w;
    return spatial === 1 || blocks === 1
      ? this.reshape(x, [n, blocks, h, w, within])
      : this.transpose(x, [0, 3, 1, 2, 4]);
  }
}

/** The layout in which `layout`'s physical axes appear once the logical axes were reordered by `perm`. */
export function transposed(layout: Layout, perm: readonly number[]): Layout | undefined {
  if (layout.kind === 'uniform') return uniform;
  if (layout.kind === 'blocked') return undefined;
  return permuted(axesOf(layout, perm.length).map(axis => perm.indexOf(axis)));
}
