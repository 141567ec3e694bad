import type * as tf from '@tensorflow/tfjs';
import type { DataType as TfDataType, TensorInfo } from '@tensorflow/tfjs';
import { rowMajor, sizeOf, uniform } from './layout.ts';
import { allocate, Value, type DataType, type TypedArray } from './value.ts';

/** What tfjs knows a tensor's content by. */
export type DataId = TensorInfo['dataId'];

/** What tfjs hands over as content. */
export type BackendValues = tf.BackendValues;

interface Entry {
  refCount: number;
  readonly dtype: TfDataType;
  /** The content, except for strings and complex numbers. */
  readonly value?: Value;
  readonly strings?: Uint8Array[];
  readonly complex?: { readonly real: TensorInfo; readonly imag: TensorInfo };
}

/** The tensors that live in this backend. */
export class Storage {
  private entries = new WeakMap<object, Entry>();
  private count = 0;
  private readonly held = new Set<Value>();

  /** `missing` is asked to bring an unknown id here; `dropped` hears of values that no tensor holds any more. */
  constructor(
    private readonly missing: (id: DataId) => void,
    private readonly dropped: (value: Value) => void,
  ) {}

  /** Number of ids. */
  get size(): number {
    return this.count;
  }

  /** Contents that are held. */
  values(): Value[] {
    return [...this.held];
  }

  get(id: DataId): Entry {
    const entry = this.entries.get(id);
    if (entry) return entry;
    this.missing(id);
    return this.entries.get(id)!;
  }

  find(id: DataId): Entry | undefined {
    return this.entries.get(id);
  }

  /** A fresh id for a value. */
  add(value: Value): DataId {
    const id = {};
    this.set(id, { refCount: 1, dtype: value.dtype, value });
    this.hold(value);
    return id;
  }

  /** Stores content from outside under an id; the array is copied unless it is `owned`. */
  put(
    id: DataId,
    values: BackendValues | null,
    shape: readonly number[],
    dtype: TfDataType,
    refCount = 1,
    owned = false,
  ) {
    if (dtype === 'string') {
      this.set(id, { refCount, dtype, strings: (values ?? []) as Uint8Array[] });
      return;
    }
    if (dtype === 'complex64') {
      const pairs = (values as Float32Array | null) ?? new Float32Array(2 * sizeOf(shape));
      const part = (at: number) => pairs.filter((_, i) => i % 2 === at);
      this.putComplex(id, this.partOf(part(0), shape), this.partOf(part(1), shape), refCount);
      return;
    }
    const value = hostValue(values as ArrayLike<number> | null, shape, dtype, owned);
    this.hold(value);
    this.set(id, { refCount, dtype, value });
  }

  /** Stores a complex tensor, which owns its parts. */
  putComplex(id: DataId, real: TensorInfo, imag: TensorInfo, refCount = 1): void {
    this.set(id, { refCount, dtype: 'complex64', complex: { real, imag } });
  }

  /** Gives up one reference, or all; whether the content is gone. */
  dispose(id: DataId, force: boolean): boolean {
    const entry = this.entries.get(id);
    if (!entry) return true;
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    if (entry.complex) {
      this.dispose(entry.complex.real.dataId, true);
      this.dispose(entry.complex.imag.dataId, true);
    }
    if (entry.value && --entry.value.live === 0) {
      this.held.delete(entry.value);
      this.dropped(entry.value);
    }
    this.entries.delete(id);
    this.count--;
    return true;
  }

  clear(): void {
    this.entries = new WeakMap();
    this.held.clear();
    this.count = 0;
  }

  private hold(value: Value): void {
    value.live++;
    this.held.add(value);
  }

  private set(id: DataId, entry: Entry): void {
    if (!this.entries.has(id)) this.count++;
    this.entries.set(id, entry);
  }

  private partOf(values: Float32Array, shape: readonly number[]): TensorInfo {
    const value = hostValue(values, shape, 'float32', true);
    return { dataId: this.add(value), shape: [...shape], dtype: 'float32' };
  }
}

/** A value of elements from outside. Where all are the same, one is kept. */
function hostValue(values: ArrayLike<number> | null, shape: readonly number[], dtype: DataType, owned: boolean): Value {
  const size = sizeOf(shape);
  if (size > 0 && (values === null || isUniform(values))) {
    const one = allocate(dtype, 1);
    one[0] = values === null ? 0 : values[0]!;
    return Value.of(shape, dtype, one, uniform);
  }
  let host = values as TypedArray;
  if (!owned || host.constructor !== allocate(dtype, 0).constructor) {
    host = allocate(dtype, size);
    if (values) host.set(values);
  }
  return Value.of(shape, dtype, host, rowMajor(shape.length));
}

function isUniform(values: ArrayLike<number>): boolean {
  const first = values[0];
  // Object.is tells -0 from 0 and takes NaN for NaN.
  for (let i = 1; i < values.length; i++) if (!Object.is(values[i], first)) return false;
  return true;
}
