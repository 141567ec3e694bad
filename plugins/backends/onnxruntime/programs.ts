import { lower, NodeError, nodeIndex, type Lowered } from './lower.ts';
import { LruMap } from './lru.ts';
import { fuse } from './fuse.ts';
import { physicalShape } from './layout.ts';
import { Session, type OrtTensor, type SessionOptions } from './session.ts';
import type { Report } from './report.ts';
import type { Trace } from './trace.ts';
import type { Node, Target, Value } from './value.ts';

interface Program {
  readonly session: Session;
  readonly lowered: Omit<Lowered, 'model'>;
  /** Recorded nodes by the index their ONNX nodes carry, counted in the traced graph; -1 for made ones. */
  readonly origin: readonly number[];
}

interface Entry {
  program: Program | undefined;
  /** The uniform leaves' values the program was compiled for, and which of them turned out to vary. */
  readonly constants: number[];
  readonly varying: boolean[];
}

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
    capacity: number,
    private readonly report: Report,
  ) {
    this.entries = new LruMap<Entry>(capacity, entry => {
      entry.program?.session.dispose();
      this.report.evictions++;
    });
  }

  get size(): number {
    return this.entries.size;
  }

  /** Computes a trace's outputs and settles them. */
  run(trace: Trace): void {
    const { report } = this;
    const program = this.find(trace);
    const started = performance.now();
    const feeds: Record<string, OrtTensor> = {};
    for (const { name, leaf } of program.lowered.feeds) {
      const value = trace.leaves[leaf]!;
      feeds[name] = value.feed(physicalShape(value.shape, value.layout));
    }
    const names = program.lowered.fetches.map(fetch => fetch.name);
    const fed = performance.now();
    let results: Record<string, OrtTensor>;
    try {
      results = program.session.run(feeds, names);
    } catch (error) {
      throw new ProgramError(culprit(error, trace.nodes, program.origin), error);
    }
    let outputBytes = 0;
    program.lowered.fetches.forEach(({ name, layout }, i) => {
      const tensor = results[name]!;
      trace.outputs[i]!.settle(tensor, layout);
      outputBytes += tensor.data.byteLength;
    });
    for (const node of trace.nodes) for (const output of node.outputs) output.release();
    for (const leaf of trace.leaves) leaf.views = undefined;
    report.runs++;
    report.time.feed += fed - started;
    report.time.run += performance.now() - fed;
    const { length: inputs } = program.lowered.feeds;
    const { nodes: onnxNodes } = program.lowered;
    report.last = { nodes: trace.nodes.length, onnxNodes, inputs, outputs: names.length, outputBytes };
  }

  clear(): void {
    this.entries.clear();
  }

  private find(trace: Trace): Program {
    const uniforms = trace.leaves.filter(leaf => leaf.uniform);
    const values = uniforms.map(leaf => leaf.host![0]!);
    let entry = this.entries.get(trace.key);
    if (!entry) {
      entry = { program: undefined, constants: values, varying: values.map(() => false) };
      this.entries.set(trace.key, entry);
    }
    let stale = false;
    values.forEach((value, i) => {
      if (entry.varying[i] || Object.is(value, entry.constants[i])) return;
      entry.varying[i] = true;
      stale = true;
    });
    if (stale) {
      entry.program?.session.dispose();
      entry.program = undefined;
    }
    const { varying } = entry;
    const inputs = new Set(uniforms.filter((_, i) => varying[i]));
    return (entry.program ??= this.compile(trace, leaf => inputs.has(leaf)));
  }

  private compile(trace: Trace, varying: (leaf: Value) => boolean): Program {
    const { report } = this;
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
        varying,
        this.target(),
      );
    } catch (error) {
      throw error instanceof NodeError ? new ProgramError(trace.nodes[origin[error.index]!], error.cause) : error;
    }
    const written = performance.now();
    let session: Session;
    try {
      session = new Session(lowered.model, this.options);
    } catch (error) {
      throw new ProgramError(culprit(error, trace.nodes, origin), error);
    }
    report.time.lower += written - started;
    report.time.session += performance.now() - written;
    const { feeds, fetches, nodes: size } = lowered;
    return { session, lowered: { feeds, fetches, nodes: size }, origin };
  }
}

function culprit(error: unknown, nodes: readonly Node[], origin: readonly number[]): Node | undefined {
  const index = nodeIndex(error instanceof Error ? error.message : String(error));
  return index === undefined ? undefined : nodes[origin[index] ?? -1];
}
