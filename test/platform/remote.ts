import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { execArgvOf } from '../../kernel/train/thread.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Functions<Calls> = { readonly [name in keyof Calls]: (...args: any[]) => unknown };
type Answer<Call> = Call extends (...args: never[]) => infer Result ? Promise<Awaited<Result>> : never;

/** A process of which a test or a benchmark calls functions. */
export class Remote<Calls extends Functions<Calls>> {
  readonly process: ChildProcess;
  /** Lines that it has told of itself. */
  readonly said: string[] = [];
  readonly ready: Promise<void>;
  readonly #answers = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #asked = 0;

  constructor(module: URL, options: unknown, { env = {}, execArgv = [] as readonly string[] } = {}) {
    this.process = fork(fileURLToPath(module), [JSON.stringify(options)], {
      execArgv: [...execArgvOf(module.href), ...execArgv],
      env: { ...process.env, ...env },
      serialization: 'advanced',
    });
    this.ready = new Promise((resolve, reject) => {
      this.process.on('message', (message: Message) => {
        if ('ready' in message) resolve();
        else if ('said' in message) this.said.push(message.said);
        else this.#answered(message);
      });
      this.process.once('exit', (code, signal) => {
        const error = new Error(`${module.pathname} ended with ${signal ?? code}: ${this.said.join('\n')}`);
        for (const { reject } of this.#answers.values()) reject(error);
        reject(error);
      });
    });
    this.ready.catch(() => {});
  }

  #answered({ id, answer, error }: { id: number; answer?: unknown; error?: string }): void {
    const { resolve, reject } = this.#answers.get(id)!;
    this.#answers.delete(id);
    if (error === undefined) resolve(answer as never);
    else reject(new Error(error));
  }

  get pid(): number {
    return this.process.pid!;
  }

  get alive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  call<Name extends keyof Calls & string>(call: Name, ...args: Parameters<Calls[Name]>): Answer<Calls[Name]> {
    const id = this.#asked++;
    const answer = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.process.send({ id, call, args });
    return answer as Answer<Calls[Name]>;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async kill(): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }
}

type Message =
  | { readonly ready: true }
  | { readonly said: string }
  | { readonly id: number; readonly answer?: unknown; readonly error?: string };

/** In such a process: tells a line. */
export const say = (line: string): void => void process.send!({ said: line });

/** In such a process: takes calls, at once; `make` is told what it was started with. */
export function answerCalls<Options, Calls extends Functions<Calls>>(make: (options: Options) => Promise<Calls>): void {
  // a test that dies takes it along
  process.on('disconnect', () => process.exit(1));
  const calls = make(JSON.parse(process.argv[2]!) as Options);
  process.on('message', ({ id, call, args }: { id: number; call: keyof Calls; args: unknown[] }) => {
    void calls
      .then(calls => calls[call](...args))
      .then(
        answer => process.send!({ id, answer }),
        (error: Error) => process.send!({ id, error: error.message }),
      );
  });
  calls.then(
    () => process.send!({ ready: true }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
