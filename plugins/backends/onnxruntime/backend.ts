import * as tf from '@tensorflow/tfjs';
import type { DataType as TfDataType, KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import { Arrays } from './arrays.ts';
import { runOnCpu, type Inputs } from './fallback.ts';
import type { Alias, Call, Kernel, OutputSpec, Recorder } from './kernel.ts';
import { sizeOf, uniform, type Layout } from './layout.ts';
import { reshape } from './operations/shape.ts';
import { Lines } from './lines.ts';
import { Options, type BackendOptions } from './options.ts';
import { ProgramError, Programs } from './programs.ts';
import { emptyReport, type Report } from './report.ts';
import { currentScope } from './scope.ts';
import { Storage, type BackendValues, type DataId } from './storage.ts';
import { blockSize } from './target.ts';
import { trace } from './trace.ts';
import { allocate, Node, Value, type DataType, type Operation, type OperationAttributes } from './value.ts';

/** The memory of this backend's side of things. */
export interface Memory {
  readonly unreliable: boolean;
  /** Bytes of the arrays that tensors really have: none while they are pending, one element where all are the same. */
  readonly numBytesHeld: number;
  /** Bytes of arrays kept for the next results. */
  readonly numBytesSpare: number;
  /** Tensors that are recorded and not computed. */
  readonly numPending: number;
}

/**
 * A tfjs backend that records kernels and, when a value is asked for, computes everything pending as one ONNX graph.
 * A graph is compiled once per structure.
 */
export class OnnxruntimeBackend extends tf.KernelBackend implements Recorder {
  private readonly options: Options;
  private readonly counts = emptyReport();
  private readonly programs: Programs;
  private readonly storage: Storage;
  private readonly arrays = new Arrays();
  private readonly lines = new Lines();
  /** Values that a tensor holds and nobody computed yet. */
  private readonly pending = new Set<Value>();
  private readonly attributeIds = new Map<string, number>();
  private readonly warned = new Set<string>();
  /** How filters lie, by their shape. */
  private readonly layoutsAtRest = new Map<string, Layout>();
  /** How many gradients were begun, and whether one is being computed. */
  private gradients = 0;
  private inside = false;
  /** Nodes recorded, and bytes of host values they need, since the last run. */
  private recorded = 0;
  private held = new Set<Value>();
  private heldBytes = 0;

  constructor(options: BackendOptions = {}) {
    super();
    this.options = new Options(options);
    this.programs = new Programs(
      this.options.session,
      () => ({ block: this.options.blocked ? blockSize() : 0 }),
      { size: this.options.cacheSize, bytes: this.options.cacheBytes },
      this.counts,
      this.arrays,
      this.options.freeze,
    );
    this.storage = new Storage(
      id => (tf.engine() as unknown as { moveData(b: tf.KernelBackend, id: DataId): void }).moveData(this, id),
      value => this.drop(value),
    );
  }

  /** What happened so far. */
  report(): Report {
    const { fallbacks, last, time } = this.counts;
    return {
      ...this.counts,
      cached: this.programs.size,
      cachedBytes: this.programs.bytes,
      fallbacks: structuredClone(fallbacks),
      last: { ...last },
      time: { ...time },
    };
  }

  // Data, as tfjs asks for it

  override write(values: BackendValues, shape: number[], dtype: TfDataType): DataId {
    const id = {};
    this.storage.put(id, values, shape, dtype);
    return id;
  }

  override move(id: DataId, values: BackendValues, shape: number[], dtype: TfDataType, refCount: number): void {
    this.storage.put(id, values, shape, dtype, refCount);
  }

  override refCount(id: DataId): number {
    return this.storage.find(id)?.refCount ?? 0;
  }

  /** tfjs calls this when a variable takes over a tensor's content. */
  override incRef(id: DataId): void {
    const entry = this.storage.get(id);
    entry.refCount++;
    if (!entry.value) return;
    entry.value.assigned = true;
    entry.value.assignedIn = this.gradients;
  }

  /** Gives up one reference without freeing the content. */
  decRef(id: DataId): void {
    const entry = this.storage.find(id);
    if (entry) entry.refCount--;
  }

  override disposeData(id: DataId, force = false): boolean {
    return this.storage.dispose(id, force);
  }

  override numDataIds(): number {
    return this.storage.size;
  }

  override readSync(id: DataId): BackendValues {
    const { strings, complex } = this.storage.get(id);
    if (strings) return strings;
    if (complex) {
      const part = ({ dataId }: TensorInfo) => this.peek(dataId) as Float32Array;
      return tf.backend_util.mergeRealAndImagArrays(part(complex.real), part(complex.imag));
    }
    return (this.peek(id) as Float32Array).slice();
  }

  // Reads before it returns: the tensor may be disposed before a promise is heard.
  override async read(id: DataId): Promise<BackendValues> {
    return this.readSync(id);
  }

  /** The elements in logical order, or strings; not a copy, so not to be changed. */
  peek(id: DataId): BackendValues {
    const { value, strings } = this.storage.get(id);
    if (!value) return strings!;
    if (!value.known && !value.error) this.flush();
    if (value.error) throw value.error;
    return value.elements();
  }

  /** The parts of a complex tensor. */
  complexParts(id: DataId): { real: TensorInfo; imag: TensorInfo } | undefined {
    return this.storage.get(id).complex;
  }

  /** A complex tensor that takes over its parts. */
  makeComplex(shape: number[], real: TensorInfo, imag: TensorInfo): TensorInfo {
    const dataId = {};
    this.storage.putComplex(dataId, real, imag);
    return { dataId, shape, dtype: 'complex64' };
  }

  /** Another tensor with the same content, counted by itself. */
  duplicate({ dataId, shape, dtype }: TensorInfo): TensorInfo {
    return { dataId: this.storage.add(this.storage.get(dataId).value!), shape, dtype };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override time(query: () => void): Promise<tf.BackendTimingInfo> {
    this.flush();
    const started = performance.now();
    query();
    this.flush();
    return Promise.resolve({ kernelMs: performance.now() - started });
  }

  /** What `tf.memory()` adds to tfjs's own counts, which take every tensor for computed and for an array of its own. */
  override memory(): Memory {
    const values = this.storage.values();
    const bytes = values.reduce((sum, { host }) => sum + (host?.byteLength ?? 0), 0);
    return { unreliable: false, numBytesHeld: bytes, numBytesSpare: this.arrays.bytes, numPending: this.pending.size };
  }

  override dispose(): void {
    this.programs.clear();
    this.pending.clear();
    this.arrays.clear();
    this.storage.clear();
  }

  // Kernels

  /** Runs one kernel call: records it, or leaves it to the cpu backend. */
  call(name: string, kernel: Kernel, cpu: KernelFunc | undefined, inputs: Inputs, attributes: Call['attributes']) {
    const list = listOf(inputs);
    const numeric = list.every(t => t.dtype !== 'string' && t.dtype !== 'complex64' && sizeOf(t.shape) > 0);
    if (!numeric) return this.fallback(name, cpu, inputs, attributes);
    this.beginStep(list);
    const before = this.recorded;
    const call: Call = { inputs: inputs as Call['inputs'], list, attributes: attributes ?? {} };
    const result = kernel(call, this);
    if (result === undefined) return this.fallback(name, cpu, inputs, attributes);
    const results = isList(result) ? result : [result];
    if (cpu && this.recorded > before && this.isSmall(list, results)) {
      this.recorded = before;
      this.counts.small++;
      return runOnCpu(cpu, inputs, attributes, this);
    }
    this.counts.recorded++;
    const infos = results.map(r => (r instanceof Value ? this.publish(r) : this.alias(r)));
    return isList(result) ? infos : infos[0]!;
  }

  /** A kernel that only renames: any type, any size. */
  callAlias(kernel: Kernel, inputs: Inputs, attributes: Call['attributes']): TensorInfo {
    const call: Call = { inputs: inputs as Call['inputs'], list: listOf(inputs), attributes: attributes ?? {} };
    return this.alias(kernel(call, this) as Alias);
  }

  /** A kernel this backend does not lower. */
  fallback(name: string, cpu: KernelFunc | undefined, inputs: Inputs, attributes: Call['attributes']) {
    if (!cpu) throw new Error(`${name}: not supported for ${describe(listOf(inputs))}`);
    const list = listOf(inputs);
    if (list.length === 0) return runOnCpu(cpu, inputs, attributes, this);
    if (this.options.warn && !this.warned.has(name)) {
      this.warned.add(name);
      console.warn(`onnxruntime backend: ${name} of ${describe(list)} runs on the cpu backend`);
    }
    const used = (this.counts.fallbacks[name] ??= { calls: 0, ms: 0 });
    used.calls++;
    if (list.some(t => !this.isKnown(t))) this.flush();
    const started = performance.now();
    try {
      return runOnCpu(cpu, inputs, attributes, this);
    } finally {
      used.ms += performance.now() - started;
    }
  }

  private isKnown({ dataId }: TensorInfo): boolean {
    const { value } = this.storage.get(dataId);
    return value === undefined || value.known;
  }

  // Recording

  value(tensor: TensorInfo, shape: readonly number[] = tensor.shape): Value {
    const value = this.storage.get(tensor.dataId).value!;
    if (value.error) throw value.error;
    if (value.known && !this.held.has(value)) {
      this.held.add(value);
      this.heldBytes += value.host!.byteLength;
    }
    return this.view(value, shape);
  }

  add(
    operation: Operation,
    inputs: readonly Value[],
    attributes: OperationAttributes,
    shape: readonly number[],
    dtype: DataType = 'float32',
  ): Value {
    return this.addMany(operation, inputs, attributes, [[shape, dtype]])[0]!;
  }

  addMany(
    operation: Operation,
    inputs: readonly Value[],
    attributes: OperationAttributes,
    outputs: readonly OutputSpec[],
  ): readonly Value[] {
    this.recorded++;
    inputs.forEach((value, i) => {
      if (value.assigned && value.known) this.rest(value, operation.atRest?.(i));
    });
    const key = `${operation.name}${this.attributeId(attributes)}`;
    const node = new Node(operation, inputs, attributes, key, currentScope(), this.lines.next(key));
    node.outputs = outputs.map(([shape, dtype]) => {
      const value = new Value([...shape], dtype);
      value.node = node;
      return value;
    });
    return node.outputs;
  }

  fill(shape: readonly number[], dtype: DataType, element: number): Value {
    const one = allocate(dtype, 1);
    one[0] = element;
    return Value.of([...shape], dtype, one, uniform);
  }

  // Computing

  /** Computes everything pending that a tensor still holds. Never throws: a value that fails says so when it is read. */
  flush(): void {
    const outputs = [...this.pending];
    this.pending.clear();
    this.recorded = 0;
    this.heldBytes = 0;
    this.held = new Set();
    this.lines.restart();
    this.compute(outputs);
    this.arrays.settle();
  }

  private compute(outputs: readonly Value[]): void {
    if (outputs.length === 0) return;
    const started = performance.now();
    const traced = trace(outputs);
    this.counts.time.key += performance.now() - started;
    try {
      this.programs.run(traced);
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      if (error.node)
        spoil(error.node, traced.nodes, new Error(this.explain(error.node, error), { cause: error.cause }));
      else if (outputs.length === 1) outputs[0]!.error = error;
      else {
        for (const output of outputs) this.compute([output]);
        return;
      }
      this.compute(outputs.filter(output => !output.error));
    }
  }

  private explain(node: Node, error: ProgramError): string {
    const line = this.lines.at(node.place);
    const where = [node.scope && ` in ${node.scope}`, line && `, recorded at ${line}`].filter(Boolean).join('');
    return `${node.operation.name} of ${describe(node.inputs)}${where}: ${error.message}`;
  }

  /** Runs what is pending where it belongs to an earlier step, or grew too large. */
  private beginStep(inputs: readonly TensorInfo[]): void {
    const inside = insideGradient();
    if (inside && !this.inside) this.gradients++;
    this.inside = inside;
    const { recorded, heldBytes, options } = this;
    const full = recorded >= options.maxNodes || heldBytes >= options.maxBytes;
    if (full || (inside && inputs.some(t => this.beginsStep(t)))) this.flush();
  }

  /** A forward pass that uses what a variable was set to before it began. */
  private beginsStep({ dataId }: TensorInfo): boolean {
    const value = this.storage.find(dataId)?.value;
    return value !== undefined && value.assigned && value.assignedIn < this.gradients && this.pending.has(value);
  }

  /** Whether the cpu backend has the call done before a graph would be set up. */
  private isSmall(inputs: readonly TensorInfo[], results: readonly (Value | Alias)[]): boolean {
    let total = 0;
    for (const { shape } of inputs) total += sizeOf(shape);
    for (const result of results) total += sizeOf(result.shape);
    if (total > this.options.smallElements) return false;
    // What is made of a variable belongs to the graph of a step, or that would change with what the variable holds.
    const ready = ({ known, assigned }: Value) => known && !assigned;
    return inputs.every(t => ready(this.storage.get(t.dataId).value!));
  }

  /** Hears that no tensor holds a value any more. */
  private drop(value: Value): void {
    this.pending.delete(value);
    if (value.computed) this.arrays.give(value.host!);
  }

  private publish(value: Value): TensorInfo {
    const { shape, dtype } = value;
    if (value.size === 0)
      return { dataId: this.storage.add(Value.of(shape, dtype, allocate(dtype, 0))), shape: [...shape], dtype };
    if (!value.known) this.pending.add(value);
    return { dataId: this.storage.add(value), shape: [...shape], dtype };
  }

  private alias({ of, shape }: Alias): TensorInfo {
    this.storage.get(of.dataId).refCount++;
    return { dataId: of.dataId, shape: [...shape], dtype: of.dtype };
  }

  private view(value: Value, shape: readonly number[]): Value {
    if (sameShape(value.shape, shape)) return value;
    if (value.uniform) return Value.of([...shape], value.dtype, value.host!, uniform);
    const views = (value.views ??= new Map<string, Value>());
    const key = shape.join();
    let view = views.get(key);
    if (!view?.node) {
      view = this.add(reshape, [value], {}, shape, value.dtype);
      views.set(key, view);
    }
    return view;
  }

  /** Prepares a variable for training. What has the shape of a filter and starts as zeros is its momentum or the like. */
  private rest(value: Value, layout: Layout | undefined): void {
    if (value.shape.length === 4) {
      const key = value.shape.join();
      if (layout) this.layoutsAtRest.set(key, layout);
      else if (value.uniform) layout = this.layoutsAtRest.get(key);
    }
    value.rest(layout);
  }

  private attributeId(attributes: OperationAttributes): number {
    const text = JSON.stringify(attributes, exact);
    let id = this.attributeIds.get(text);
    if (id === undefined) this.attributeIds.set(text, (id = this.attributeIds.size));
    return id;
  }
}

/** JSON has no infinities and no negative zero. */
const exact = (_key: string, value: unknown) =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? `#${1 / value}${value}` : value;

const isList = <T>(x: T | readonly T[]): x is readonly T[] => Array.isArray(x);

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((d, i) => d === b[i]);

const listOf = (inputs: Inputs): TensorInfo[] =>
  (Array.isArray(inputs) ? inputs : Object.values(inputs ?? {})).filter(t => t !== undefined && t !== null).flat();

const describe = (list: readonly { dtype: string; shape: readonly number[] }[]) =>
  list.map(t => `${t.dtype}[${t.shape}]`).join(', ') || 'nothing';

const insideGradient = () => (tf.engine() as unknown as { state: { gradientDepth: number } }).state.gradientDepth > 0;

/** Marks a node and all that depends on it as impossible. */
function spoil(culprit: Node, nodes: readonly Node[], error: Error): void {
  for (const node of nodes) {
    if (node !== culprit && !node.inputs.some(input => input.error)) continue;
    for (const output of node.outputs) {
      output.error = error;
      output.release();
    }
  }
}
