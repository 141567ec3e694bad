import type { Worker } from 'node:worker_threads';
import type { Compiler, Engine, Prelude } from './compiler.ts';
import { startThread } from './thread.ts';

export interface CompilerData {
  readonly engine: Engine;
  readonly folder: string;
  readonly prelude: readonly Prelude[];
}

/** What is asked of the thread once its prelude is read. */
export type Method = 'compile' | 'commit' | 'complete' | 'inspect' | 'isComplete';

/** Names of loaded modules by specifier, or a question. */
export type ToCompiler =
  | { readonly names: Readonly<Record<string, readonly string[]>> }
  | { readonly id: number; readonly method: Method; readonly args: readonly unknown[] };

/** What a compiler says of itself. */
export type About = Pick<Compiler, 'name' | 'version' | 'preludeInScope'>;

export type FromCompiler =
  | { readonly about: About }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Answer<M extends Method> = Promise<ReturnType<Compiler[M]>>;

/** A compiler on a thread of its own: modules are loaded while it warms up, and interrupts are heard while it works. */
export class CompilerThread {
  /** Settles when it is loaded; questions that are asked before it has read its prelude wait for that. */
  readonly about: Promise<About>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #failure: Error | undefined;

  constructor(data: CompilerData) {
    this.#worker = startThread('compiler-worker', data);
    this.about = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromCompiler) => {
        if ('about' in message) resolve(message.about);
        else this.#settle(message);
      });
      this.#worker.on('error', (error: Error) => {
        this.#failure = error;
        reject(error);
        for (const waiting of this.#waiting.values()) waiting.reject(error);
      });
    });
  }

  #settle(message: Exclude<FromCompiler, { about: About }>): void {
    const { resolve, reject } = this.#waiting.get(message.id)!;
    this.#waiting.delete(message.id);
    if ('error' in message) reject(message.error);
    else resolve(message.value as never);
  }

  #tell(message: ToCompiler): void {
    this.#worker.postMessage(message);
  }

  #ask<M extends Method>(method: M, ...args: Parameters<Compiler[M]>): Answer<M> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const id = this.#count++;
      this.#waiting.set(id, { resolve, reject });
      this.#tell({ id, method, args });
    });
  }

  /** Tells the names of the prelude's modules, for which a compiler without their types waits. */
  tellNames(names: Readonly<Record<string, readonly string[]>>): void {
    this.#tell({ names });
  }

  /** Is not waited for: what is asked later finds it done. */
  commit(assigned?: ReadonlySet<string>): void {
    void this.#ask('commit', assigned);
  }

  compile = (source: string): Answer<'compile'> => this.#ask('compile', source);
  complete = (source: string, offset: number): Answer<'complete'> => this.#ask('complete', source, offset);
  inspect = (source: string, offset: number): Answer<'inspect'> => this.#ask('inspect', source, offset);
  isComplete = (source: string): Answer<'isComplete'> => this.#ask('isComplete', source);
}
