import inspector from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Reply, Router } from 'zeromq';
import { counters, type ControlData, type FromControl, type ToControl } from './control.ts';
import { address, decode, encode, newHeader, type Content, type Message } from './wire.ts';

const { info, session, shared } = workerData as ControlData;
const counter = new Int32Array(shared);
const main = parentPort!;
const control = new Router();
const heartbeat = new Reply({ linger: 0 });
const tell = (message: FromControl): void => main.postMessage(message);

/** Milliseconds that running code has to stop by itself: longer where it watches the signal. */
const patience = { deaf: 300, listening: 8000 };

/** Whether the main thread turned its event loop after `seen` within some milliseconds. */
async function answered(seen: number, milliseconds: number, again: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (Atomics.load(counter, counters.answers) === seen) {
    // who interrupts twice does not want to wait
    if (performance.now() > end || Atomics.load(counter, counters.interrupts) !== again) return false;
    await sleep(20);
  }
  return true;
}

let stopped = Promise.resolve();

/** Aborts the signal, and stops code that does not come back, after what was interrupted before. */
function interrupt(): void {
  const seen = Atomics.load(counter, counters.answers);
  const again = Atomics.add(counter, counters.interrupts, 1) + 1;
  tell({ type: 'interrupt' });
  stopped = stopped.then(() => stop(seen, again));
}

/** Waits, then tries SIGINT, then ends the execution of whatever runs. */
async function stop(seen: number, again: number): Promise<void> {
  // never cut the compiler short: it would be broken for good
  const running = () => Atomics.load(counter, counters.running) === 1;
  const listening = Atomics.load(counter, counters.listening) === 1 && again === 1;
  if ((await answered(seen, listening ? patience.listening : patience.deaf, again)) || !running()) return;
  // the part of a cell before its first await runs under vm's breakOnSigint
  process.kill(process.pid, 'SIGINT');
  const now = Atomics.load(counter, counters.interrupts);
  if ((await answered(seen, patience.deaf, now)) || !running()) return;
  const session = new inspector.Session();
  session.connectToMainThread();
  const done = new Promise<void>(resolve => session.post('Runtime.terminateExecution', () => resolve()));
  // the answer may be cut short with the code
  await Promise.race([done, answered(seen, patience.deaf, now)]);
  session.disconnect();
}

async function shutdown(): Promise<void> {
  const seen = Atomics.load(counter, counters.answers);
  tell({ type: 'shutdown' });
  const interrupts = Atomics.load(counter, counters.interrupts);
  if (!(await answered(seen, 1000, interrupts))) process.kill(process.pid, 'SIGKILL');
}

async function handle(message: Message, kernelInfo: Content): Promise<void> {
  const { msg_type: type } = message.header;
  const reply = (content: Content) =>
    control.send(
      encode(
        {
          identities: message.identities,
          header: newHeader(type.replace('_request', '_reply'), session),
          parent: message.header,
          metadata: {},
          content,
        },
        info.key,
      ),
    );
  tell({ type: 'status', state: 'busy', parent: message.header });
  if (type === 'kernel_info_request') await reply(kernelInfo);
  else if (type === 'interrupt_request') {
    interrupt();
    await reply({ status: 'ok' });
  } else if (type === 'shutdown_request') {
    await reply({ status: 'ok', restart: !!message.content['restart'] });
    tell({ type: 'status', state: 'idle', parent: message.header });
    return shutdown();
  } else if (type === 'debug_request')
    await reply({ status: 'error', ename: 'NotSupported', evalue: 'no debugger', traceback: [] });
  tell({ type: 'status', state: 'idle', parent: message.header });
}

async function echo(): Promise<void> {
  for await (const frames of heartbeat) await heartbeat.send(frames);
}

async function listen(kernelInfo: Promise<Content>): Promise<void> {
  await Promise.all([control.bind(address(info, info.control_port)), heartbeat.bind(address(info, info.hb_port))]);
  tell({ type: 'ready' });
  void echo().catch(() => {});
  const description = await kernelInfo;
  for await (const frames of control) {
    try {
      await handle(decode(frames, info.key), description);
    } catch {
      // not for us
    }
  }
}

// a kernel whose Jupyter is gone goes too
if (process.env['JPY_PARENT_PID']) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void shutdown();
  }, 1000).unref();
}

const described = new Promise<Content>(resolve => {
  main.on('message', (message: ToControl) => {
    if (message !== 'close') return resolve(message.kernelInfo);
    control.close();
    heartbeat.close();
    main.close();
  });
});

void listen(described).catch((error: unknown) => {
  throw error;
});
