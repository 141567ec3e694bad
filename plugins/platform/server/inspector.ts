import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beside, execArgvOf } from '../../../kernel/train/thread.ts';
import { childEnvironment } from '../worker/child-process.ts';
import type { Answer, Job, Question } from './inspect.ts';
import { Refused } from './refused.ts';

export interface Bounds {
  /** Memory that the child may have, in MiB. */
  readonly memory: number;
  /** Seconds that it may take for one answer. */
  readonly seconds: number;
  /** Seconds without a question after which it ends. */
  readonly idle: number;
  /** Questions that may wait. */
  readonly waiting: number;
}
export const usualBounds: Bounds = { memory: 4096, seconds: 120, idle: 300, waiting: 20 };

interface Pending extends Question {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A child process that reads what is large or not trusted, one thing after another. It is started when it is needed, and
 * ended where it takes too long; where it dies of what it reads, the next question starts another.
 */
export class Inspector {
  readonly #plugins: readonly string[];
  readonly #bounds: Bounds;
  readonly #waiting: Pending[] = [];
  #now: Pending | undefined;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;

  /** `plugins` are files and packages that `--plugin` named. */
  constructor(plugins: readonly string[] = [], bounds: Partial<Bounds> = {}) {
    this.#plugins = plugins;
    this.#bounds = { ...usualBounds, ...bounds };
  }

  /** What the child says. Throws with its message where it cannot be read. */
  ask(job: Job): Promise<unknown> {
    if (this.#waiting.length >= this.#bounds.waiting)
      throw new Refused(503, 'too many models and data sets are being read at once', { retryAfter: 10 });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: this.#next++, job, resolve, reject });
      this.#go();
    });
  }

  #go(): void {
    if (this.#now) return;
    clearTimeout(this.#timer);
    this.#now = this.#waiting.shift();
    if (!this.#now) {
      this.#timer = setTimeout(() => this.close(), 1000 * this.#bounds.idle).unref();
      return;
    }
    const { id, job } = this.#now;
    const { seconds } = this.#bounds;
    this.#timer = setTimeout(() => this.#fail(`it took longer than ${seconds} seconds to read`), 1000 * seconds);
    this.#child ??= this.#start();
    this.#child.send({ id, job } satisfies Question, error => {
      if (error) this.#fail('the process that reads it could not be reached');
    });
  }

  #start(): ChildProcess {
    const module = beside(import.meta.url, './inspect-child');
    const { memory } = this.#bounds;
    const node = [
      process.execPath,
      `--max-old-space-size=${Math.round(memory / 2)}`,
      ...execArgvOf(module),
      fileURLToPath(module),
      ...this.#plugins,
    ];
    // V8 bounds its own heap, the system what lies outside of it, such as weights
    const shell = ['/bin/sh', '-c', 'ulimit -d "$0"; exec "$@"', String(1024 * memory), ...node];
    const [program, ...args] = process.platform === 'win32' ? node : shell;
    const child = spawn(program!, args, { env: childEnvironment(), stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.unref();
    child.channel?.unref();
    child.on('message', (answer: Answer) => {
      if (this.#child !== child || this.#now?.id !== answer.id) return;
      const { resolve, reject } = this.#now;
      this.#now = undefined;
      if ('error' in answer) reject(new Error(answer.error));
      else resolve(answer.result);
      this.#go();
    });
    const gone = () => {
      if (this.#child === child) this.#fail(`it needs more than ${memory} MiB to read, or breaks what reads it`);
    };
    child.on('error', gone);
    child.on('exit', gone);
    return child;
  }

  #fail(reason: string): void {
    const now = this.#now;
    this.#now = undefined;
    this.#end();
    now?.reject(new Error(reason));
    this.#go();
  }

  #end(): void {
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }

  /** Ends the child; who waits for it is told so. */
  close(): void {
    this.#end();
    for (const { reject } of [this.#now, ...this.#waiting.splice(0)].filter(pending => pending !== undefined))
      reject(new Error('the server is ending'));
    this.#now = undefined;
  }
}
