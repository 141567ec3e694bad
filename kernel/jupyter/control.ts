import type { Worker } from 'node:worker_threads';
import { startThread } from './thread.ts';
import type { ConnectionInfo, Content, Header } from './wire.ts';

/** Places in the memory that the kernel shares with its control thread. */
export const counters = {
  /** Raised by the main thread when it answers. */
  answers: 0,
  /** Interrupts asked for in this cell. */
  interrupts: 1,
  /** 1 while a cell's code runs. */
  running: 2,
  /** 1 if the running cell looks at its interrupt signal. */
  listening: 3,
} as const;

export interface ControlData {
  readonly info: ConnectionInfo;
  readonly session: string;
  readonly shared: SharedArrayBuffer;
}

/** What the kernel says of itself, from when on requests are answered; or that it ends. */
export type ToControl = { readonly kernelInfo: Content } | 'close';

export type FromControl =
  | { readonly type: 'ready' }
  | { readonly type: 'interrupt' | 'shutdown' }
  | { readonly type: 'status'; readonly state: 'busy' | 'idle'; readonly parent: Header };

/** The control and heartbeat channels on a thread of their own, so that interrupts work while a cell blocks. */
export class Control {
  /** Settles when its sockets are bound. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #shared: Int32Array;

  constructor(data: Omit<ControlData, 'shared'>, handle: (message: Exclude<FromControl, { type: 'ready' }>) => void) {
    const shared = new SharedArrayBuffer(4 * Object.keys(counters).length);
    this.#shared = new Int32Array(shared);
    this.#worker = startThread('control-worker', { ...data, shared } satisfies ControlData);
    let bound: () => void;
    this.ready = new Promise((resolve, reject) => {
      bound = resolve;
      this.#worker.once('error', reject);
    });
    this.#worker.on('message', (message: FromControl) => {
      if (message.type === 'ready') bound();
      else handle(message);
    });
  }

  /** Lets it answer requests. */
  open(kernelInfo: Content): void {
    this.#tell({ kernelInfo });
  }

  #tell(message: ToControl): void {
    this.#worker.postMessage(message);
  }

  /** Tells the control thread that the event loop turns. */
  answer(): void {
    Atomics.add(this.#shared, counters.answers, 1);
  }

  /** Notes that a cell begins. */
  begin(): void {
    Atomics.store(this.#shared, counters.interrupts, 0);
    Atomics.store(this.#shared, counters.listening, 0);
  }

  set running(running: boolean) {
    Atomics.store(this.#shared, counters.running, running ? 1 : 0);
  }

  /** Notes that the cell looks at its signal. */
  listening(): void {
    Atomics.store(this.#shared, counters.listening, 1);
  }

  /** Whether the cell that began last was interrupted. */
  get interrupted(): boolean {
    return Atomics.load(this.#shared, counters.interrupts) > 0;
  }

  /** Closes its sockets and ends the thread. */
  async close(): Promise<void> {
    const gone = new Promise(resolve => this.#worker.once('exit', resolve));
    this.#tell('close');
    await gone;
  }
}
