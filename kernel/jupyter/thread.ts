import { Worker } from 'node:worker_threads';

/** Starts a thread with the script beside this file of that name; from source by way of tsx, whose hooks it does not inherit. */
export function startThread(name: string, data: object): Worker {
  return new Worker(script(name), { workerData: data, execArgv: [] });
}

function script(name: string): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL(`./${name}.js`, import.meta.url);
  const hooks = import.meta.resolve('tsx/esm/api');
  const worker = new URL(`./${name}.ts`, import.meta.url).href;
  const code = `import { register } from '${hooks}'; register(); await import('${worker}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
