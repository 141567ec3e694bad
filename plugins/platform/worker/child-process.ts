import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beside, execArgvOf } from '../../../kernel/train/thread.ts';
import type { Compute, FromChild, ToChild } from './messages.ts';

/** Which process trains. */
export interface Child {
  /** Files and packages that `--plugin` named. */
  readonly plugins?: readonly string[];
  /** Address of a module that stands in for `child.ts`, in tests. */
  readonly child?: string | undefined;
}

/** Starts the process; it waits for a word. */
export function startChild({ plugins = [], child: module = beside(import.meta.url, './child') }: Child): ChildProcess {
  return fork(fileURLToPath(module), plugins, {
    execArgv: execArgvOf(module),
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Which backend a child computes with. Throws where the one that is wanted does not work, and where a plugin does not load. */
export async function probe(compute: Compute, which: Child): Promise<string> {
  const child = startChild(which);
  const order: ToChild = { kind: 'probe', compute };
  child.send(order);
  return new Promise((resolve, reject) => {
    child.once('message', (message: FromChild) => {
      if (message.kind === 'backend') resolve(message.backend);
      else reject(new Error(message.kind === 'failed' ? message.reason : `a child says ${message.kind}`));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`a child ended with ${signal ?? code}`)));
  });
}

/** Where the database is, and what opens it, the store or the server, are not for children. */
export function childEnvironment(): NodeJS.ProcessEnv {
  const hidden = /^(AWS_|PG|PRUNINGBENCH_(DATABASE|TOKEN)|DATABASE_URL)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.test(name)));
}
