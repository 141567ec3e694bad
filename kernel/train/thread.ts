import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Address of a module beside another one, which is TypeScript where that one is; as in `beside(import.meta.url, 'a')`. */
export const beside = (module: string, name: string): string =>
  new URL(`${name}${extname(fileURLToPath(module))}`, module).href;

/** Options of Node for a process that begins with a module of this project, which may be source. */
export const execArgvOf = (module: string): string[] =>
  module.endsWith('.ts') ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : [];

/** Starts a thread with a module of this project, from its source or from what was built of it. */
function startThread(module: string, workerData: unknown): Worker {
  if (!module.endsWith('.ts')) return new Worker(new URL(module), { workerData, execArgv: [] });
  // From source: the entry file of a thread does not pass through tsx's hooks in every Node version, an import does.
  // Its CommonJS half, which `require` resolves to, cannot register them.
  const tsx = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const code = `import { register } from ${JSON.stringify(pathToFileURL(tsx).href)};
    register();
    await import(${JSON.stringify(module)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData, execArgv: [] });
}

/** Threads of one module whose messages are waited for. Only a reader that waits keeps the process alive, not they. */
export class Crew<Message> {
  readonly #workers: readonly Worker[];
  #failure: Error | undefined;
  #finished = false;
  #wake = () => {};

  /** `onMessage` is called for each message as it comes. */
  constructor(count: number, module: string, workerData: unknown, onMessage: (message: Message) => void) {
    this.#workers = Array.from({ length: count }, () => {
      const worker = startThread(module, workerData);
      worker.on('message', (message: Message) => {
        onMessage(message);
        this.#wake();
      });
      worker.on('error', (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.#failure ??= new Error(`loader thread: ${message}`, { cause: error });
        this.#wake();
      });
      worker.on('exit', code => {
        if (!this.#finished) this.#failure ??= new Error(`loader thread ended with code ${code} before its last batch`);
        this.#wake();
      });
      worker.unref();
      return worker;
    });
  }

  get size(): number {
    return this.#workers.length;
  }

  /** Sends a message to one of the threads. */
  post(thread: number, message: unknown): void {
    this.#workers[thread]!.postMessage(message);
  }

  /** No more messages are to come: that threads end is no failure from here on. */
  finish(): void {
    this.#finished = true;
  }

  /** Waits until something has come since, or the signal is aborted. Throws where a thread has failed. */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure) throw this.#failure;
    const onAbort = () => this.#wake();
    signal?.addEventListener('abort', onAbort);
    for (const worker of this.#workers) worker.ref();
    await new Promise<void>(resolve => (this.#wake = resolve));
    for (const worker of this.#workers) worker.unref();
    signal?.removeEventListener('abort', onAbort);
  }

  async end(): Promise<void> {
    this.finish();
    await Promise.all(this.#workers.map(worker => worker.terminate()));
  }
}
