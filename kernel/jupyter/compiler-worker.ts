import module from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Compiler } from './compiler.ts';
import type { CompilerData, FromCompiler, ToCompiler } from './compiler-thread.ts';

// Node.js 22 can keep compiled code from start to start, for each thread.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
const { engine, folder, prelude } = workerData as CompilerData;
const main = parentPort!;
const tell = (message: FromCompiler): void => main.postMessage(message);

async function loadCompiler(): Promise<Compiler> {
  if (engine === 'tslab') return new (await import('./tslab.ts')).TslabCompiler();
  if (engine === 'typescript') return new (await import('./typescript.ts')).TypeScriptCompiler(folder);
  throw new Error(`engine ${String(engine)}: known are typescript and tslab`);
}

function answer(compiler: Compiler, { id, method, args }: Extract<ToCompiler, { id: number }>): void {
  try {
    tell({ id, value: (compiler[method] as (...args: readonly unknown[]) => unknown)(...args) });
  } catch (error) {
    tell({ id, error });
  }
}

let named: (names: Readonly<Record<string, readonly string[]>>) => void;
const names = new Promise<Readonly<Record<string, readonly string[]>>>(resolve => (named = resolve));
let opened: (compiler: Compiler) => void;
const ready = new Promise<Compiler>(resolve => (opened = resolve));
main.on('message', (message: ToCompiler) => {
  if ('names' in message) named(message.names);
  else void ready.then(compiler => answer(compiler, message));
});

const compiler = await loadCompiler();
const { name, version, preludeInScope } = compiler;
tell({ about: { name, version, preludeInScope } });
await compiler.prelude(prelude, async specifier => (await names)[specifier] ?? []);
opened!(compiler);
