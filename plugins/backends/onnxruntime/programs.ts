import { lower, NodeError, nodeIndex, type Lowered } from './lower.ts';
import { LruMap } from './lru.ts';
import { fuse } from './fuse.ts';
import { physicalShape, sizeOf } from './layout.ts';
import { ortTensor, Session, type OrtTensor, type SessionOptions } from './session.ts';
import type { Arrays } from './arrays.ts';
import type { Report } from './report.ts';
import type { Trace } from './trace.ts';
import type { Node, Target, Value } from './value.ts';

interface Program {
  readonly session: Session;
  readonly lowered: Omit<Lowered, 'model'>;
  /** Recorded nodes by the index their ONNX nodes carry, counted in the traced graph; -1 for made ones. */
  readonly origin: readonly number[];
  readonly compileMs: number;
}

interface Entry {
  program: Program | undefined;
  /** The uniform leaves' values the program was compiled for, and which of them turned out to vary. */
  readonly constants: number[];
  readonly varying: boolean[];
  /** In its place the same with the variables' values compiled in, once they have stayed the same for a while. */
  frozen: Program | undefined;
  /** Serial numbers of those values, and the time spent on running since they are what they are. */
  weights: readonly number[];
  spent: number;
}

const isWeight = (leaf: Value) => leaf.assigned && !leaf.uniform;

/** Says which recorded node could not be translated or run. */
export class ProgramError extends Error {
  constructor(
    readonly node: Node | undefined,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Compiles traces, keeps the sessions, and runs them. */
export class Programs {
  private readonly entries: LruMap<Entry>;

  constructor(
    private readonly options: SessionOptions,
    private readonly target: () => Target,
    cache: { readonly size: number; readonly bytes: number },
    private readonly report: Report,
    private readonly arrays: Arrays,
    /** How many times longer than compiling running must have taken before variables are compiled in. */
    private readonly freeze: number,
  ) {
    this.entries = new LruMap<Entry>(cache.size, cache.bytes, entry => {
      drop(entry);
      this.report.evictions++;
    });
  }

  get size(): number {
    return this.entries.size;
  }

  /** About how many bytes the compiled graphs work in. */
  get bytes(): number {
    return this.entries.weight;
  }

  /** Computes a trace's outputs and settles them. */
  run(trace: Trace): void {
    const { report } = this;
    const entry = this.find(trace);
    const program = this.program(entry, trace);
    const started = performance.now();
    const feeds: Record<string, OrtTensor> = {};
    for (const { name, leaf } of program.lowered.feeds) {
      const value = trace.leaves[leaf]!;
      feeds[name] = value.feed(physicalShape(value.shape, value.layout));
    }
    const { fetches } = program.lowered;
    const results: Record<string, OrtTensor> = {};
    let outputBytes = 0;
    fetches.forEach(({ name, layout }, i) => {
      const { dtype, shape } = trace.outputs[i]!;
      const physical = physicalShape(shape, layout);
      const array = this.arrays.take(dtype, sizeOf(physical));
      results[name] = ortTensor(dtype, array, physical);
      outputBytes += array.byteLength;
    });
    const fed = performance.now();
    try {
      program.session.run(feeds, results);
    } catch (error) {
      throw new ProgramError(culprit(error, trace.nodes, program.origin), error);
    }
    fetches.forEach(({ name, layout }, i) => trace.outputs[i]!.settle(results[name]!, layout));
    for (const node of trace.nodes) for (const output of node.outputs) output.release();
    for (const leaf of trace.leaves) leaf.views = undefined;
    report.runs++;
    const ran = performance.now() - fed;
    entry.spent += ran;
    report.time.feed += fed - started;
    report.time.run += ran;
    const { length: inputs } = program.lowered.feeds;
    const { nodes: onnxNodes } = program.lowered;
    report.last = { nodes: trace.nodes.length, onnxNodes, inputs, outputs: fetches.length, outputBytes };
  }

  clear(): void {
    this.entries.clear();
  }

  private find(trace: Trace): Entry {
    const uniforms = trace.leaves.filter(leaf => leaf.uniform);
    const values = uniforms.map(leaf => leaf.host![0]!);
    let entry = this.entries.get(trace.key);
    if (!entry) {
      // A scalar variable varies, or it would not be one.
      const varying = uniforms.map(leaf => leaf.assigned);
      entry = { program: undefined, constants: values, varying, frozen: undefined, weights: [], spent: 0 };
      this.entries.set(trace.key, entry, bytesOf(trace));
    }
    let stale = false;
    values.forEach((value, i) => {
      if (entry.varying[i] || Object.is(value, entry.constants[i])) return;
      entry.varying[i] = true;
      stale = true;
    });
    if (stale) drop(entry);
    return entry;
  }

  /** The program to run, compiled if need be. */
  private program(entry: Entry, trace: Trace): Program {
    const weights = trace.leaves.filter(isWeight).map(leaf => leaf.serial);
    if (weights.length !== entry.weights.length || weights.some((serial, i) => serial !== entry.weights[i])) {
      entry.frozen?.session.dispose();
      entry.frozen = undefined;
      entry.weights = weights;
      entry.spent = 0;
    }
    if (entry.frozen) return entry.frozen;
    const program = (entry.program ??= this.compile(entry, trace, false));
    if (weights.length === 0 || entry.spent === 0 || entry.spent < this.freeze * program.compileMs) return program;
    // The one that takes variables as inputs is let go first: both at once would be the peak of memory.
    drop(entry);
    return (entry.frozen = this.compile(entry, trace, true));
  }

  /** `frozen`: with variables as constants, so that ONNX Runtime prepares them once. */
  private compile({ varying }: Entry, trace: Trace, frozen: boolean): Program {
    const { report } = this;
    const scalars = trace.leaves.filter(leaf => leaf.uniform);
    const constants = new Set(scalars.filter((_, i) => !varying[i]));
    report.compiles++;
    const started = performance.now();
    const nodes = fuse(trace.nodes, trace.outputs);
    const index = new Map(trace.nodes.map((node, i) => [node, i]));
    const origin = nodes.map(({ node, from }) => index.get(node) ?? index.get(from) ?? -1);
    let lowered: Lowered;
    try {
      lowered = lower(
        nodes.map(({ node }) => node),
        trace.leaves,
        trace.outputs,
        leaf => (frozen && isWeight(leaf)) || constants.has(leaf),
        { ...this.target(), frozen },
      );
    } catch (error) {
      throw error instanceof NodeError ? new ProgramError(trace.nodes[origin[error.index]!], error.cause) : error;
    }
    const written = performance.now();
    let session: Session;
    try {
      session = new Session(lowered.model, frozen ? { ...this.options, graphOptimizationLevel: 'all' } : this.options);
    } catch (error) {
      throw new ProgramError(culprit(error, trace.nodes, origin), error);
    }
    const done = performance.now();
    report.time.lower += written - started;
    report.time.session += done - written;
    const { feeds, fetches, nodes: size } = lowered;
    return { session, lowered: { feeds, fetches, nodes: size }, origin, compileMs: done - started };
  }
}

/** What a session keeps for the values of a graph: half of them at once, as a rule. */
const bytesOf = ({ nodes }: Trace): number =>
  nodes.reduce((sum, { outputs }) => sum + outputs.reduce((total, { size }) => total + 4 * size, 0), 0) / 2;

function drop(entry: Entry): void {
  entry.program?.session.dispose();
  entry.frozen?.session.dispose();
  entry.program = entry.frozen = undefined;
}

function culprit(error: unknown, nodes: readonly Node[], origin: readonly number[]): Node | undefined {
  const index = nodeIndex(error instanceof Error ? error.message : String(error));
  return index === undefined ? undefined : nodes[origin[index] ?? -1];
}
