import { inspect } from 'node:util';
import type { Channels } from './channels.ts';
import type { CompiledCell, Problem } from './compiler.ts';
import type { CompilerThread } from './compiler-thread.ts';
import type { Control } from './control.ts';
import { formatters, setFrontend, type Frontend } from './frontend.ts';
import { toMimeBundle, type MimeBundle } from './mime.ts';
import type { Runtime } from './runtime.ts';
import { excerpt, type Stacks } from './stack.ts';
import type { Content, Message } from './wire.ts';

/** What a cell fails with when its reader stops it. */
class KeyboardInterrupt extends Error {
  override name = 'KeyboardInterrupt';
  constructor() {
    super('interrupted');
    this.stack = 'KeyboardInterrupt: interrupted';
  }
}

interface Failure {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** Executes cells, one after another, and publishes what comes of them. */
export class Session {
  /** Source of the cells that have a number. */
  readonly history: { readonly line: number; readonly source: string }[] = [];
  readonly #channels: Channels;
  readonly #compiler: CompilerThread;
  readonly #runtime: Runtime;
  readonly #stacks: Stacks;
  readonly #control: Control;
  readonly #inputs: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void }[] = [];
  readonly #pending = new Set<Promise<void>>();
  #count = 0;
  #id = 0;
  #abort = new AbortController();
  #stop: ((error: Error) => void) | undefined;
  #request: Message | undefined;
  #failure: unknown;

  constructor(channels: Channels, compiler: CompilerThread, runtime: Runtime, stacks: Stacks, control: Control) {
    this.#channels = channels;
    this.#compiler = compiler;
    this.#runtime = runtime;
    this.#stacks = stacks;
    this.#control = control;
    setFrontend(this.#frontend());
  }

  get count(): number {
    return this.#count;
  }

  /** Aborts the signal of the running cell and ends its run. */
  interrupt(): void {
    const error = new KeyboardInterrupt();
    this.#abort.abort(error);
    for (const { reject } of this.#inputs.splice(0)) reject(error);
    this.#stop?.(error);
  }

  /** Takes the line that a cell has asked for. */
  answer(line: string): void {
    this.#inputs.shift()?.resolve(line);
  }

  /** Whether an error nobody handled is the one that the last cell failed with. */
  reported(error: unknown): boolean {
    return error !== undefined && error === this.#failure;
  }

  async execute(request: Message): Promise<Content> {
    const {
      code,
      silent = false,
      store_history: store = !silent,
      user_expressions: expressions = {},
    } = request.content;
    const source = String(code);
    const numbered = !!store && !silent;
    if (numbered) this.history.push({ line: ++this.#count, source });
    const count = Math.max(1, this.#count);
    this.#request = request;
    this.#abort = new AbortController();
    this.#control.begin();
    this.#channels.streams.begin();
    if (!silent) this.#channels.publish('execute_input', { code: source, execution_count: count });
    try {
      const value = await this.#evaluate(source, `In[${count}]`);
      if (value !== undefined && !silent) await this.#publishResult(value, count);
      const values = await this.#expressions(expressions as Record<string, string>);
      return { status: 'ok', execution_count: count, payload: [], user_expressions: values };
    } catch (error) {
      const failure = this.#describe(error);
      this.#failure = error;
      if (!silent) this.#channels.publish('error', { ...failure });
      return { status: 'error', execution_count: count, ...failure };
    } finally {
      await Promise.allSettled(this.#pending);
      // rejections that nobody handled are known when the event loop turns, and are part of the cell
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  async #publishResult(value: unknown, count: number): Promise<void> {
    const data = await this.#untilStopped(Promise.resolve(toMimeBundle(value, formatters())));
    await Promise.allSettled(this.#pending);
    if (!Object.keys(data).length) return;
    this.#channels.publish('execute_result', { execution_count: count, data, metadata: {} });
  }

  async #expressions(expressions: Record<string, string>): Promise<Content> {
    const values: Content = {};
    for (const [name, source] of Object.entries(expressions)) {
      try {
        const data = await toMimeBundle(await this.#evaluate(source, name), formatters());
        values[name] = { status: 'ok', data, metadata: {} };
      } catch (error) {
        values[name] = { status: 'error', ...this.#describe(error) };
      }
    }
    return values;
  }

  async #evaluate(source: string, label: string): Promise<unknown> {
    const id = ++this.#id;
    const cell = await this.#untilStopped(this.#compiler.compile(source));
    if (cell.problems.length) throw new Rejected(cell.problems, source, label);
    if (this.#control.interrupted) throw new KeyboardInterrupt();
    const assigned = new Set<string>();
    try {
      const value = await this.#run(cell, source, id, label, assigned);
      this.#compiler.commit();
      return value;
    } catch (error) {
      this.#compiler.commit(assigned);
      throw error;
    }
  }

  async #run(cell: CompiledCell, source: string, id: number, label: string, assigned: Set<string>): Promise<unknown> {
    this.#control.running = true;
    try {
      const { value } = await this.#untilStopped(this.#runtime.run(cell, source, id, label, assigned));
      return value;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw new KeyboardInterrupt();
      throw error;
    } finally {
      this.#control.running = false;
    }
  }

  /** A promise that fails at once when the cell is interrupted. */
  async #untilStopped<T>(promise: Promise<T>): Promise<T> {
    const stopped = new Promise<never>((_resolve, reject) => (this.#stop = reject));
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      this.#stop = undefined;
    }
  }

  #describe(error: unknown): Failure {
    if (error instanceof Rejected) return error.failure();
    if (error instanceof Error) {
      const traceback =
        error instanceof KeyboardInterrupt ? ['\x1b[31minterrupted\x1b[0m'] : this.#stacks.traceback(error);
      return { ename: error.name, evalue: error.message, traceback };
    }
    return { ename: 'Error', evalue: inspect(error), traceback: this.#stacks.traceback(error) };
  }

  #frontend(): Frontend {
    return {
      kind: 'kernel',
      pending: this.#pending,
      send: (data: MimeBundle, id, update) =>
        this.#channels.publish(update ? 'update_display_data' : 'display_data', {
          data,
          metadata: {},
          transient: { display_id: id },
        }),
      clear: wait => this.#channels.publish('clear_output', { wait }),
      input: (prompt, password) => this.#input(prompt, password),
      signal: () => {
        this.#control.listening();
        return this.#abort.signal;
      },
    };
  }

  #input(prompt: string, password: boolean): Promise<string> {
    const request = this.#request;
    if (!request?.content['allow_stdin']) return Promise.reject(new Error('this front end takes no input'));
    return new Promise((resolve, reject) => {
      this.#inputs.push({ resolve, reject });
      this.#channels.ask(request, { prompt, password });
    });
  }
}

/** A cell that TypeScript does not accept. */
class Rejected extends Error {
  override name = 'TypeScriptError';
  readonly #problems: readonly Problem[];
  readonly #source: string;
  readonly #label: string;

  constructor(problems: readonly Problem[], source: string, label: string) {
    const [{ message, line, column }] = problems as [Problem];
    super(`${label}:${line}:${column} ${message.split('\n')[0]}`);
    this.#problems = problems;
    this.#source = source;
    this.#label = label;
  }

  failure(): Failure {
    const traceback = this.#problems.flatMap(problem => [
      `\x1b[31mTS${problem.code}:\x1b[0m ${problem.message}`,
      `    at ${this.#label}:${problem.line}:${problem.column}`,
      ...excerpt(this.#label, this.#source, problem),
      '',
    ]);
    return { ename: this.name, evalue: this.message, traceback: traceback.slice(0, -1) };
  }
}
