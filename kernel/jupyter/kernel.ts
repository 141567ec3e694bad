import { readFileSync } from 'node:fs';
import { answer } from './questions.ts';
import { Channels } from './channels.ts';
import { moduleNames, type Engine, type Prelude } from './compiler.ts';
import { CompilerThread, type About } from './compiler-thread.ts';
import { Control } from './control.ts';
import { Inbox } from './inbox.ts';
import { Modules } from './modules.ts';
import { Runtime } from './runtime.ts';
import { Session } from './session.ts';
import { Stacks } from './stack.ts';
import { protocolVersion, type ConnectionInfo, type Content, type Message } from './wire.ts';

export interface KernelOptions {
  /** Connection file that Jupyter wrote. */
  readonly connectionFile: string;
  readonly engine?: Engine;
  /** Names that cells see without importing them. */
  readonly prelude?: readonly Prelude[];
  /** Takes each module when it is first loaded for a cell. */
  prepare?(specifier: string, module: object): void;
  /** Version that the kernel states of itself. */
  readonly version?: string;
}

/** Runs a Jupyter kernel in this process until it is shut down; then the process exits. */
export async function startKernel(options: KernelOptions): Promise<never> {
  const { connectionFile, engine = 'typescript', prelude = [], version = '0.1.0' } = options;
  const info = JSON.parse(readFileSync(connectionFile, 'utf8')) as ConnectionInfo;
  const folder = process.cwd();
  const compiler = new CompilerThread({ engine, folder, prelude });
  const channels = new Channels(info);
  const stacks = new Stacks();
  const modules = new Modules(
    folder,
    prelude.map(entry => entry.specifier),
    options.prepare,
  );
  const runtime = new Runtime(folder, modules, stacks);

  const inbox = new Inbox();
  const on = { interrupt: () => {}, shutdown: () => {} };
  const ended = new Promise<void>(resolve => (on.shutdown = resolve));
  const control = new Control({ info, session: channels.session }, message => {
    if (message.type === 'status') channels.publish('status', { execution_state: message.state }, message.parent);
    else {
      control.answer();
      on[message.type]();
    }
  });
  await Promise.all([channels.bind(), control.ready]);
  channels.publish('status', { execution_state: 'starting' });

  // requests wait until what keeps this thread from hearing an interrupt is done
  compiler.tellNames(await loadPrelude(modules, prelude));
  const about = await compiler.about;
  if (about.preludeInScope) await fillScope(runtime, modules, prelude);
  const session = new Session(channels, compiler, runtime, stacks, control);
  on.interrupt = () => session.interrupt();
  const exit = guardProcess(session, stacks);
  channels.streams.capture(() => channels.parent);
  const kernelInfo = describe(about, version);
  control.open(kernelInfo);
  void channels.receive('shell', message => inbox.add(message)).catch(() => {});
  void channels
    .receive('stdin', ({ header, content }) => {
      if (header.msg_type === 'input_reply') session.answer(String(content['value']));
    })
    .catch(() => {});

  await Promise.race([ended, serve(inbox, channels, compiler, session, kernelInfo)]);
  await channels.close();
  await Promise.race([control.close(), new Promise(resolve => setTimeout(resolve, 500))]);
  return exit(0);
}

/** Loads the prelude's modules and returns their public names; one that fails throws where a cell uses it. */
async function loadPrelude(modules: Modules, prelude: readonly Prelude[]): Promise<Record<string, string[]>> {
  const specifiers = prelude.map(entry => entry.specifier);
  await modules.preload(specifiers);
  return Object.fromEntries(specifiers.map(name => [name, moduleNames(modules.loaded(name) ?? {})]));
}

async function fillScope(runtime: Runtime, modules: Modules, prelude: readonly Prelude[]): Promise<void> {
  for (const entry of prelude) {
    const loaded = (await modules.load(entry.specifier)) as Record<string, unknown>;
    if ('namespace' in entry) runtime.scope[entry.namespace] = loaded;
    else
      for (const name of entry.names === 'all' ? Object.keys(loaded) : entry.names) runtime.scope[name] = loaded[name];
  }
}

/** Answers requests until one shuts the kernel down. */
async function serve(
  inbox: Inbox,
  channels: Channels,
  compiler: CompilerThread,
  session: Session,
  kernelInfo: Content,
) {
  for (;;) {
    const { message, aborted } = await inbox.next();
    const { header, content } = message;
    const type = header.msg_type;
    if (type === 'execute_request') channels.parent = header;
    channels.publish('status', { execution_state: 'busy' }, header);
    const reply = await respond(type, message);
    if (reply) channels.reply(message, reply);
    channels.publish('status', { execution_state: 'idle' }, header);
    if (type === 'shutdown_request') return;

    async function respond(type: string, message: Message): Promise<Content | undefined> {
      if (type === 'kernel_info_request') return kernelInfo;
      if (type === 'shutdown_request') return { status: 'ok', restart: !!content['restart'] };
      if (type === 'comm_open') channels.publish('comm_close', { comm_id: content['comm_id'], data: {} }, header);
      if (type !== 'execute_request') return guarded(() => answer(type, content, compiler, session));
      if (aborted) return { status: 'aborted' };
      const reply = await session.execute(message);
      if (reply['status'] === 'error' && content['stop_on_error'] !== false) await inbox.abort();
      return reply;
    }
  }
}

async function guarded(ask: () => Promise<Content | undefined>): Promise<Content | undefined> {
  try {
    return await ask();
  } catch (error) {
    const { name, message } = error as Error;
    return { status: 'error', ename: name, evalue: message, traceback: [] };
  }
}

const describe = (compiler: About, version: string): Content => ({
  status: 'ok',
  protocol_version: protocolVersion,
  implementation: 'pruningbench',
  implementation_version: version,
  banner: `PruningBench ${version}, TypeScript ${compiler.version} (${compiler.name}), Node.js ${process.version}`,
  help_links: [],
  language_info: {
    name: 'typescript',
    version: compiler.version,
    mimetype: 'text/typescript',
    file_extension: '.ts',
    pygments_lexer: 'typescript',
    codemirror_mode: { name: 'javascript', mode: 'typescript', typescript: true },
    nbconvert_exporter: 'script',
  },
});

/** Keeps cells from ending the process, and reports what nobody caught in the cell; returns the real exit. */
function guardProcess(session: Session, stacks: Stacks): (code: number) => never {
  const exit = process.exit.bind(process);
  process.exit = code => {
    throw new Error(`process.exit(${code ?? ''}) in a cell: the kernel goes on; shut it down or restart it`);
  };
  stacks.install();
  const report = (error: unknown) => {
    if (!session.reported(error)) process.stderr.write(`Nobody caught this:\n${stacks.traceback(error).join('\n')}\n`);
  };
  process.on('uncaughtException', report);
  process.on('unhandledRejection', report);
  process.on('SIGINT', () => session.interrupt());
  return exit;
}
