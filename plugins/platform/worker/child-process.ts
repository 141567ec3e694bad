import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beside, execArgvOf } from '../../../kernel/train/thread.ts';
import type { Compute, FromChild, ToChild } from './messages.ts';

/** Starts the process of `child.ts`, or of a module in its place; it waits for a word. */
export function startChild(module = beside(import.meta.url, './child')): ChildProcess {
  return fork(fileURLToPath(module), [], {
    execArgv: execArgvOf(module),
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Which backend a child computes with. Throws where the one that is wanted does not work. */
export async function probe(compute: Compute, module?: string): Promise<string> {
  const child = startChild(module);
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
