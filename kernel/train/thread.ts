import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Address of a module beside another one, which is TypeScript where that one is; as in `beside(import.meta.url, 'a')`. */
export const beside = (module: string, name: string): string =>
  new URL(`${name}${extname(fileURLToPath(module))}`, module).href;

/** Starts a thread with a module of this project, from its source or from what was built of it. */
export function startThread(module: string, workerData: unknown): Worker {
  if (!module.endsWith('.ts')) return new Worker(new URL(module), { workerData, execArgv: [] });
  // From source: the entry file of a thread does not pass through tsx's hooks in every Node version, an import does.
  // Its CommonJS half, which `require` resolves to, cannot register them.
  const tsx = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const code = `import { register } from ${JSON.stringify(pathToFileURL(tsx).href)};
    register();
    await import(${JSON.stringify(module)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData, execArgv: [] });
}
