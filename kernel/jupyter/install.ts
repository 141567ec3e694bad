import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Engine } from './compiler.ts';

/** Options of Node that a kernel's process wants: ending a cell's execution must not abort the process. */
export const nodeOptions: readonly string[] = [
  '--no-force-async-hooks-checks',
  '--disable-warning=ExperimentalWarning',
];

export interface InstallOptions {
  /** Command that starts the kernel; `{connection_file}` stands for the connection file. Paths are absolute. */
  readonly argv: readonly string[];
  /** Name of the kernelspec (default `pruningbench`). */
  readonly name?: string;
  readonly displayName?: string;
  readonly engine?: Engine;
  /** Folder under which `share/jupyter` is. */
  readonly prefix?: string;
  /** Installs into the active virtual environment. */
  readonly sysPrefix?: boolean;
}

/** Jupyter's data folder: of a prefix, or of the user. */
export function dataFolder({ prefix, sysPrefix }: Pick<InstallOptions, 'prefix' | 'sysPrefix'> = {}): string {
  const { env, platform } = process;
  const base = prefix ?? (sysPrefix ? (env['VIRTUAL_ENV'] ?? env['CONDA_PREFIX']) : undefined);
  if (base) return path.join(path.resolve(base), 'share', 'jupyter');
  if (sysPrefix) throw new Error('--sys-prefix: no virtualenv or conda environment is active');
  if (env['JUPYTER_DATA_DIR']) return env['JUPYTER_DATA_DIR'];
  const home = os.homedir();
  if (platform === 'darwin') return path.join(home, 'Library', 'Jupyter');
  if (platform === 'win32') return path.join(env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'jupyter');
  return path.join(env['XDG_DATA_HOME'] ?? path.join(home, '.local', 'share'), 'jupyter');
}

/** Writes the kernelspec and returns its folder. */
export function install(options: InstallOptions): string {
  const { argv, name = 'pruningbench', engine = 'typescript' } = options;
  if (!argv.some(part => part.includes('{connection_file}'))) throw new Error('argv: no {connection_file} in it');
  if (!/^[\w.-]+$/.test(name)) throw new Error(`kernel name ${name}: letters, digits, dot, dash and underscore only`);
  const folder = path.join(dataFolder(options), 'kernels', name);
  const spec = {
    argv,
    display_name: options.displayName ?? `TypeScript (PruningBench${engine === 'tslab' ? ', tslab' : ''})`,
    language: 'typescript',
    interrupt_mode: 'message',
    metadata: { debugger: false },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'kernel.json'), `${JSON.stringify(spec, undefined, 1)}\n`);
  writeFileSync(path.join(folder, 'logo-svg.svg'), logo);
  return folder;
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<rect width="64" height="64" rx="10" fill="#2f6f4f"/>
<g stroke="#fff" stroke-width="3" stroke-linecap="round"><path d="M16 18 32 32M16 46 32 32M32 32h18" fill="none"/>
<path d="M16 32h16" stroke-dasharray="1 6"/></g>
<g fill="#fff"><circle cx="16" cy="18" r="5"/><circle cx="16" cy="46" r="5"/><circle cx="34" cy="32" r="6"/><circle cx="50" cy="32" r="5"/></g>
<circle cx="16" cy="32" r="4" fill="#2f6f4f" stroke="#fff" stroke-width="2"/>
</svg>
`;
