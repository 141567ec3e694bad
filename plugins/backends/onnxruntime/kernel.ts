import type { TensorInfo } from '@tensorflow/tfjs';
import type { DataType, Operation, OperationAttributes, Value } from './value.ts';

/** A kernel call as tfjs makes it. */
export interface Call {
  /** Inputs by tfjs's names; optional ones may be missing. */
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  /** Inputs in order, the missing ones left out. */
  readonly list: readonly TensorInfo[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The tensor `of` under another shape or, where the elements stay the same, another type. */
export interface Alias {
  readonly of: TensorInfo;
  readonly shape: readonly number[];
}

/** What a call became; `undefined` leaves it to the cpu backend. */
export type Recorded = Value | Alias | readonly (Value | Alias)[] | undefined;

/** Shape and type of an output. */
export type OutputSpec = readonly [shape: readonly number[], dtype: DataType];

/** What a kernel records with. */
export interface Recorder {
  /** The content of a tensor, in the shape the tensor has or another one with as many elements. */
  value(tensor: TensorInfo, shape?: readonly number[]): Value;
  /** Records an operation with one output. */
  add(
    operation: Operation,
    inputs: readonly Value[],
    attributes: OperationAttributes,
    shape: readonly number[],
    dtype?: DataType,
  ): Value;
  /** Records an operation with several outputs. */
  addMany(
    operation: Operation,
    inputs: readonly Value[],
    attributes: OperationAttributes,
    outputs: readonly OutputSpec[],
  ): readonly Value[];
  /** A value with the same element everywhere. */
  fill(shape: readonly number[], dtype: DataType, element: number): Value;
}

/** Turns one call into recorded operations. */
export type Kernel = (call: Call, recorder: Recorder) => Recorded;

/** Kernels by tfjs's names. */
export type Kernels = Readonly<Record<string, Kernel>>;

/** Whether all the tensors given (missing ones aside) are float32. */
export const allFloat = (...tensors: readonly (TensorInfo | undefined)[]): boolean =>
  tensors.every(t => t === undefined || t.dtype === 'float32');
