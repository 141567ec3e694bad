import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { address, decode, encode, newHeader, type ConnectionInfo, type Content, type Message } from './wire.ts';

export interface ClientOptions {
  /** Command of the kernel, with `{connection_file}` in it. */
  readonly argv: readonly string[];
  /** Folder the kernel runs in. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds the kernel may take to answer (default 60,000). */
  readonly startTimeout?: number;
}

interface Waiting {
  readonly published: ((message: Message) => void) | undefined;
  readonly done: (reply: Message) => void;
  reply?: Message;
  idle: boolean;
}

const wait = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds).unref());

/** A kernel that another process runs, spoken to over ZeroMQ. */
export class KernelClient {
  /** Settles with the code or signal when the kernel's process ends. */
  readonly exited: Promise<string>;
  readonly #info: ConnectionInfo;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #session = randomUUID();
  readonly #shell = new Dealer({ linger: 0 });
  readonly #control = new Dealer({ linger: 0 });
  readonly #iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  readonly #waiting = new Map<string, Waiting>();

  private constructor(info: ConnectionInfo, { argv, folder, env }: ClientOptions) {
    this.#info = info;
    this.#folder = mkdtempSync(path.join(os.tmpdir(), 'pruningbench-'));
    const file = path.join(this.#folder, 'connection.json');
    writeFileSync(file, JSON.stringify(info), { mode: 0o600 });
    const [command, ...args] = argv.map(part => part.replace('{connection_file}', file));
    this.#process = spawn(command!, args, {
      cwd: folder,
      env: { ...process.env, ...env, JPY_PARENT_PID: String(process.pid) },
      // what a native library prints past the kernel would spoil our own output
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.exited = once(this.#process, 'exit').then(
      ([code, signal]: (number | string | null)[]) => (signal === null ? `code ${code}` : `signal ${signal}`),
      (error: Error) => error.message,
    );
    this.#shell.connect(address(info, info.shell_port));
    this.#control.connect(address(info, info.control_port));
    this.#iopub.connect(address(info, info.iopub_port));
    this.#iopub.subscribe();
    const settle = (message: Message) => this.#settle(message, waiting => (waiting.reply = message));
    void this.#receive(this.#shell, settle);
    void this.#receive(this.#control, settle);
    void this.#receive(this.#iopub, message => this.#published(message));
  }

  /** Starts a kernel and waits until it answers on all channels. */
  static async start(options: ClientOptions): Promise<KernelClient> {
    for (let attempt = 1; ; attempt++) {
      const client = new KernelClient(await connectionInfo(), options);
      try {
        await client.#ready(options.startTimeout ?? 60_000);
        return client;
      } catch (error) {
        await client.stop();
        // another process may have taken a port meanwhile
        if (attempt === 3 || !/exited/.test(String(error))) throw error;
      }
    }
  }

  /** A subscriber that joins late misses what is published: ask until the kernel was seen to be idle. */
  async #ready(timeout: number): Promise<void> {
    const end = performance.now() + timeout;
    const gone = this.exited.then(code => {
      throw new Error(`kernel exited with ${code} before it answered`);
    });
    const answer = this.request('kernel_info_request', {});
    for (let pending = answer; ; pending = this.request('kernel_info_request', {}, { published: () => {} })) {
      const ready = await Promise.race([pending.then(() => pending !== answer), wait(300).then(() => false), gone]);
      if (ready) return;
      if (performance.now() > end) throw new Error(`kernel did not answer within ${timeout} ms`);
      await Promise.race([answer, wait(end - performance.now()), gone]);
    }
  }

  async #receive(socket: AsyncIterable<Uint8Array[]>, handle: (message: Message) => void): Promise<void> {
    try {
      for await (const frames of socket) handle(decode(frames, this.#info.key));
    } catch {
      // closed
    }
  }

  #published(message: Message): void {
    const { msg_type: type } = message.header;
    if (type !== 'status') this.#waiting.get(message.parent.msg_id ?? '')?.published?.(message);
    else if (message.content['execution_state'] === 'idle') this.#settle(message, waiting => (waiting.idle = true));
  }

  #settle({ parent }: Message, change: (waiting: Waiting) => void): void {
    const id = parent.msg_id ?? '';
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    change(waiting);
    if (!waiting.reply || !waiting.idle) return;
    // what a cell left behind may print after it
    if (!waiting.published) this.#waiting.delete(id);
    waiting.done(waiting.reply);
  }

  /** Sends a request; settles with the reply, and after everything that was published, if `published` takes it. */
  request(
    type: string,
    content: Content,
    { channel = 'shell', published }: { channel?: 'shell' | 'control'; published?: (message: Message) => void } = {},
  ): Promise<Message> {
    const header = newHeader(type, this.#session);
    const message = { identities: [], header, parent: {}, metadata: {}, content };
    return new Promise(done => {
      this.#waiting.set(header.msg_id, { published, done, idle: !published });
      const socket = channel === 'shell' ? this.#shell : this.#control;
      socket.send(encode(message, this.#info.key)).catch(() => {});
    });
  }

  /** Interrupts the running cell. */
  interrupt(): Promise<Message> {
    return this.request('interrupt_request', {}, { channel: 'control' });
  }

  /** Shuts the kernel down, with force after three seconds. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      void this.request('shutdown_request', { restart: false }, { channel: 'control' });
      await Promise.race([this.exited, wait(3000)]);
      this.kill();
      await this.exited;
    }
    for (const socket of [this.#shell, this.#control, this.#iopub]) socket.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

async function connectionInfo(): Promise<ConnectionInfo> {
  const servers = Array.from({ length: 5 }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const [shell, iopub, stdin, control, hb] = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return {
    transport: 'tcp',
    ip: '127.0.0.1',
    key: randomUUID(),
    signature_scheme: 'hmac-sha256',
    kernel_name: 'pruningbench',
    ...{ shell_port: shell!, iopub_port: iopub!, stdin_port: stdin!, control_port: control!, hb_port: hb! },
  };
}
