import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Dealer, Request, Subscriber } from 'zeromq';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- messages from outside
type Content = Record<string, any>;

export interface Received {
  readonly type: string;
  readonly channel: string;
  readonly parent: string | undefined;
  readonly header: Content;
  readonly content: Content;
}

/** What came of a request: its reply and everything published for it. */
export interface Exchange {
  readonly reply: Content;
  readonly published: readonly Received[];
}

const key = 'test-key';
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A Jupyter client of its own: it shares no code with what it tests. */
export class Client {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pruningbench-test-'));
  readonly #session = randomUUID();
  readonly #shell = new Dealer({ linger: 0 });
  readonly #control = new Dealer({ linger: 0 });
  readonly #stdin = new Dealer({ linger: 0, routingId: this.#session });
  readonly #iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  readonly #heartbeat = new Request({ linger: 0 });
  readonly #log: Received[] = [];
  readonly #watchers = new Set<() => void>();
  #process!: ChildProcess;
  errors = '';

  private constructor() {
    this.#shell = new Dealer({ linger: 0, routingId: this.#session });
  }

  /** Starts a command; `{connection_file}` in it is replaced. */
  static async start(argv: readonly string[], folder = root): Promise<Client> {
    const client = new Client();
    await client.#start(argv, folder);
    return client;
  }

  async #start(argv: readonly string[], folder: string): Promise<void> {
    const [shell, iopub, stdin, control, hb] = await freePorts(5);
    const file = path.join(this.#folder, 'connection.json');
    const info = {
      ...{ transport: 'tcp', ip: '127.0.0.1', key, signature_scheme: 'hmac-sha256', kernel_name: 'test' },
      ...{ shell_port: shell, iopub_port: iopub, stdin_port: stdin, control_port: control, hb_port: hb },
    };
    writeFileSync(file, JSON.stringify(info), { mode: 0o600 });
    const [command, ...args] = argv.map(part => part.replace('{connection_file}', file));
    // a kernel whose parent is gone ends by itself
    const env = { ...process.env, JPY_PARENT_PID: String(process.pid) };
    this.#process = spawn(command!, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout!, this.#process.stderr!])
      stream.on('data', (data: Buffer) => (this.errors += data.toString()));
    this.#shell.connect(`tcp://127.0.0.1:${shell}`);
    this.#control.connect(`tcp://127.0.0.1:${control}`);
    this.#stdin.connect(`tcp://127.0.0.1:${stdin}`);
    this.#iopub.connect(`tcp://127.0.0.1:${iopub}`);
    this.#heartbeat.connect(`tcp://127.0.0.1:${hb}`);
    this.#iopub.subscribe();
    for (const [channel, socket] of Object.entries({
      shell: this.#shell,
      control: this.#control,
      stdin: this.#stdin,
      iopub: this.#iopub,
    }))
      void this.#receive(channel, socket);
    // a subscriber that joins late misses messages: ask until something was published
    for (let seen = false; !seen;) {
      const id = this.#post('shell', 'kernel_info_request', {});
      await this.#until(() => this.#log.some(m => m.channel === 'shell' && m.parent === id) || this.exitCode !== null);
      if (this.exitCode !== null) throw new Error(`kernel exited with ${this.exitCode}: ${this.errors}`);
      const wait = new Promise<false>(resolve => setTimeout(resolve, 250, false).unref());
      const idle = this.#until(() => this.#log.some(m => m.channel === 'iopub' && m.parent === id)).then(() => true);
      seen = await Promise.race([idle, wait]);
    }
  }

  async #receive(channel: string, socket: AsyncIterable<Uint8Array[]>): Promise<void> {
    for await (const frames of socket) {
      const text = frames.map(frame => Buffer.from(frame).toString('utf8'));
      const at = text.indexOf('<IDS|MSG>');
      const [signature, ...parts] = text.slice(at + 1) as [string, string, string, string, string];
      if (sign(parts.slice(0, 4)) !== signature) throw new Error('signature');
      const [header, parent, , content] = parts.map(part => JSON.parse(part) as Content);
      const type = header!['msg_type'] as string;
      this.#log.push({ type, channel, parent: parent!['msg_id'] as string, header: header!, content: content! });
      for (const watch of this.#watchers) watch();
    }
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const watch = () => {
        if (!condition()) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  #post(channel: 'shell' | 'control' | 'stdin', type: string, content: Content): string {
    const id = randomUUID();
    const header = {
      ...{ msg_id: id, msg_type: type, session: this.#session, username: 'test' },
      ...{ date: new Date().toISOString(), version: '5.4' },
    };
    const parts = [header, {}, {}, content].map(part => JSON.stringify(part));
    const sockets = { shell: this.#shell, control: this.#control, stdin: this.#stdin };
    void sockets[channel].send(['<IDS|MSG>', sign(parts), ...parts]);
    return id;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  /** Sends a request and waits for its reply and for the kernel to be idle after it. */
  async request(type: string, content: Content = {}, channel: 'shell' | 'control' = 'shell'): Promise<Exchange> {
    return this.settle(this.#post(channel, type, content), channel);
  }

  async settle(id: string, channel = 'shell'): Promise<Exchange> {
    const mine = (m: Received) => m.parent === id;
    const idle = (m: Received) => mine(m) && m.type === 'status' && m.content['execution_state'] === 'idle';
    const replied = (m: Received) => mine(m) && m.channel === channel;
    await this.#until(() => this.#log.some(idle) && this.#log.some(replied));
    const published = this.#log.filter(m => mine(m) && m.channel === 'iopub');
    return { reply: this.#log.find(replied)!.content, published };
  }

  /** Sends a cell without waiting. */
  send(code: string, options: Content = {}): string {
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, ...options };
    return this.#post('shell', 'execute_request', content);
  }

  async execute(code: string, options: Content = {}): Promise<Exchange> {
    return this.settle(this.send(code, options));
  }

  /** Waits for a message that a request caused. */
  async message(id: string, test: (message: Received) => boolean): Promise<Received> {
    const find = () => this.#log.find(m => m.parent === id && test(m));
    await this.#until(() => !!find());
    return find()!;
  }

  /** Interrupts as a front end does, without waiting for the cell. */
  interrupt(): void {
    this.#post('control', 'interrupt_request', {});
  }

  answer(line: string): void {
    this.#post('stdin', 'input_reply', { value: line });
  }

  async beat(): Promise<string> {
    await this.#heartbeat.send('beat');
    const [reply] = await this.#heartbeat.receive();
    return String(reply);
  }

  /** Shuts the kernel down and returns its exit code. */
  async stop(): Promise<number | null> {
    if (this.exitCode === null) {
      const exited = once(this.#process, 'exit');
      this.#post('control', 'shutdown_request', { restart: false });
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    }
    for (const socket of [this.#shell, this.#control, this.#stdin, this.#iopub, this.#heartbeat]) socket.close();
    rmSync(this.#folder, { recursive: true, force: true });
    return this.exitCode;
  }
}

const sign = (parts: readonly string[]): string => {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
};

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server: Server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}

/** Text that a request printed. */
export const printed = ({ published }: Exchange, name = 'stdout'): string =>
  published
    .filter(m => m.type === 'stream' && m.content['name'] === name)
    .map(m => m.content['text'] as string)
    .join('');

/** Contents of the messages of a type. */
export const contents = ({ published }: Exchange, type: string): Content[] =>
  published.filter(m => m.type === type).map(m => m.content);

/** Text of a cell's result. */
export const result = (exchange: Exchange): string | undefined =>
  contents(exchange, 'execute_result')[0]?.['data']['text/plain'] as string | undefined;

/** Command of the kernel of the fixtures, from source. */
export const kernelCommand = (engine = 'typescript'): string[] => [
  process.execPath,
  '--no-force-async-hooks-checks',
  ...[
    '--import',
    pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
    path.join(root, 'test/kernel/jupyter/fixtures/kernel.ts'),
  ],
  ...['{connection_file}', engine],
];
