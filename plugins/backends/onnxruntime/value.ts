import type { Emitter } from './emitter.ts';
import { fromRowMajor, isRowMajor, rowMajor, sizeOf, toRowMajor, uniform, type Layout } from './layout.ts';
import { ortTensor, type OrtTensor } from './session.ts';

/** The element types this backend computes with. */
export type DataType = 'float32' | 'int32' | 'bool';

/** Elements on the host. */
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** Parameters of a recorded operation; plain data, because they are part of a graph's key. */
export type OperationAttributes = Readonly<Record<string, unknown>>;

/** The layouts an operation takes its inputs in and leaves its outputs in. */
export interface Layouts {
  readonly inputs: readonly Layout[];
  readonly outputs: readonly Layout[];
}

/** What the machine offers beyond standard ONNX. */
export interface Target {
  /** Channels per block of ONNX Runtime's own convolution kernels, 0 where it has none. */
  readonly block: number;
  /** Whether variables are constants: what prepares them is then best in standard ONNX, which is computed beforehand. */
  readonly frozen?: boolean;
}

/** One kind of node: the layouts it works in, and its translation to ONNX. */
export interface Operation {
  readonly name: string;
  /** Which layouts to bring the inputs to, seeing the ones they are in. Left out: everything in logical order. */
  layouts?(node: Node, given: readonly Layout[], target: Target): Layouts;
  /** The layout in which a variable does best that is input `i`: the one its gradient is made in. */
  readonly atRest?: (i: number) => Layout | undefined;
  /** Writes the node; `inputs` are names of values in the layouts asked for. Returns one name per output. */
  emit(node: Node, inputs: readonly string[], emitter: Emitter, layouts: Layouts): string | readonly string[];
}

let serials = 0;
let marks = 0;
/** A fresh number to mark nodes and values with during one walk. */
export const nextMark = (): number => ++marks;

/** A recorded operation. */
export class Node {
  outputs: readonly Value[] = [];
  /** Set when the node could not be computed. */
  error: Error | undefined;
  mark = 0;

  constructor(
    readonly operation: Operation,
    readonly inputs: readonly Value[],
    readonly attributes: OperationAttributes,
    /** Operation and attributes as a string without commas. */
    readonly key: string,
    /** The tfjs scope it was recorded in. */
    readonly scope: string,
    /** Where it was recorded, as {@link Lines} knows it. */
    readonly place = 0,
  ) {}
}

/** The content of a tensor: the output of a recorded node, or elements on the host, or both after it was computed. */
export class Value {
  node: Node | undefined;
  host: TypedArray | undefined;
  layout: Layout;
  /** Set when it could not be computed. */
  error: Error | undefined;
  /** Number of tfjs data ids that hold it. */
  live = 0;
  /** Whether the elements came from a run, so that their array may be used again when nobody holds the value. */
  computed = false;
  /** Whether a variable was set to it, so that its next use begins another step. */
  assigned = false;
  /** How many gradients had been begun then. */
  assignedIn = 0;
  /** The same elements under other shapes. */
  views: Map<string, Value> | undefined;
  /** Unlike any other value's. */
  readonly serial = ++serials;
  /** Number within the graph being compiled. */
  id = -1;
  mark = 0;
  private ort: OrtTensor | undefined;

  constructor(
    readonly shape: readonly number[],
    readonly dtype: DataType,
  ) {
    this.layout = rowMajor(shape.length);
  }

  /** A value with elements; one element for a uniform one. */
  static of(shape: readonly number[], dtype: DataType, host: TypedArray, layout?: Layout): Value {
    const value = new Value(shape, dtype);
    value.host = host;
    if (layout) value.layout = layout;
    return value;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** Whether the elements are on the host. */
  get known(): boolean {
    return this.host !== undefined;
  }

  /** Whether one known element stands for all. */
  get uniform(): boolean {
    return this.host !== undefined && this.layout === uniform;
  }

  /** Takes over a computed output. */
  settle(tensor: OrtTensor, layout: Layout): void {
    this.ort = tensor;
    this.computed = true;
    this.host = tensor.data;
    this.layout = layout;
    this.release();
  }

  /**
   * Brings what a variable was given to the form in which its next values will come, so that the first step of a
   * training compiles the graph of all others: every element is held, in the layout in which the variable is used.
   */
  rest(layout: Layout | undefined): void {
    if (!this.host || this.size === 1) return;
    if (this.layout === uniform) {
      this.host = this.elements();
      this.layout = layout ?? rowMajor(this.shape.length);
    } else if (layout?.kind === 'permuted' && isRowMajor(this.layout)) {
      this.host = fromRowMajor(this.host, this.shape, layout.axes);
      this.layout = layout;
    } else return;
    this.ort = undefined;
    this.computed = false;
  }

  /** Forgets how it is computed. */
  release(): void {
    this.node = undefined;
    this.views = undefined;
  }

  /** The value as an input of a session. */
  feed(physicalShape: readonly number[]): OrtTensor {
    return (this.ort ??= ortTensor(this.dtype, this.host!, physicalShape));
  }

  /** The elements in logical order; not a copy, so never to be handed out or changed. */
  elements(): TypedArray {
    return toRowMajor(this.host!, this.shape, this.layout);
  }
}

/** A new array for so many elements. */
export function allocate(dtype: DataType, size: number): TypedArray {
  if (dtype === 'float32') return new Float32Array(size);
  return dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}
