import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Engine, Prelude } from '../jupyter/index.ts';
import { nodeOptions } from '../jupyter/install.ts';
import { json } from '../text/json.ts';
import { table } from '../text/table.ts';
import type { Context, Describe } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import type { Io } from './io.ts';

export const engine = z.enum(['typescript', 'tslab']).default('typescript').describe('compiler of the cells');
const startOptions = z.object({ engine });
const installOptions = z.object({
  engine,
  name: z.string().default('pruningbench').describe('name of the kernelspec'),
  displayName: z.string().optional().describe('name that notebooks show'),
  prefix: z.string().optional().describe('install under <prefix>/share/jupyter instead of for this user'),
});

export const kernel: Describe = (command, context) => {
  describeInstall(command.command('install').description('make the kernel known to Jupyter'), context);
  describeStart(command.command('start').description('run the kernel, as Jupyter does'), context);
  describeList(command.command('list').description('list the kernels that Jupyter finds for this user'), context);
  example(command, 'pruningbench kernel install');
};

function describeInstall(command: Command, { io }: Context): void {
  addFlags(command, installOptions);
  command.option('--sys-prefix', 'install into the active virtualenv or conda environment');
  example(
    command,
    'pruningbench kernel install',
    'pruningbench kernel install --engine tslab --name pruningbench-tslab',
  );
  command.action(async (given: Given) => {
    const { name, engine, displayName, prefix } = readFlags(installOptions, given);
    const { install } = await import('../jupyter/index.ts');
    const folder = install({
      argv: kernelCommand(io, engine),
      name,
      engine,
      ...(displayName === undefined ? {} : { displayName }),
      ...(prefix === undefined ? {} : { prefix }),
      sysPrefix: given['sysPrefix'] === true,
    });
    io.out(given['json'] ? json({ name, folder, engine }) : `installed kernel ${name} in ${folder}\n`);
  });
}

/** Command that starts the kernel for a connection file. */
export function kernelCommand({ command: [node, ...rest] }: Io, engine: Engine): string[] {
  return [node!, ...nodeOptions, ...rest, 'kernel', 'start', '{connection_file}', '--engine', engine];
}

/** What cells see without importing it. */
const prelude = ({ module }: Io): Prelude[] => [
  { specifier: module, names: 'all' },
  { specifier: module, namespace: 'pb' },
  { specifier: 'arquero', namespace: 'aq' },
];

/** TensorFlow.js greets whoever uses it first with the advice to install something else. */
function withoutGreeting(_: string, module: object): void {
  const { tf } = module as { tf?: { findBackend(name: string): unknown } };
  if (tf) (tf.findBackend('cpu') as { firstUse: boolean }).firstUse = false;
}

function describeStart(command: Command, { io, version }: Context): void {
  command.argument('<connection-file>', 'file with ports and key that Jupyter wrote');
  addFlags(command, startOptions);
  example(command, 'pruningbench kernel start connection.json');
  command.action(async (connectionFile: string, given: Given) => {
    if (!existsSync(connectionFile)) throw new Error(`no file ${connectionFile}`);
    const { engine } = readFlags(startOptions, given);
    const { startKernel } = await import('../jupyter/index.ts');
    await startKernel({
      connectionFile: resolve(connectionFile),
      engine,
      prelude: prelude(io),
      prepare: withoutGreeting,
      version,
    });
  });
}

function describeList(command: Command, { io }: Context): void {
  command.option('--prefix <folder>', 'those under <prefix>/share/jupyter');
  example(command, 'pruningbench kernel list');
  command.action(async (given: Given) => {
    const { dataFolder } = await import('../jupyter/index.ts');
    const prefix = given['prefix'] as string | undefined;
    const folder = join(dataFolder(prefix === undefined ? {} : { prefix }), 'kernels');
    const kernels = kernelsIn(folder);
    if (given['json']) return io.out(json(kernels));
    if (kernels.length === 0) return io.out(`no kernels in ${folder}\n`);
    const rows = kernels.map(({ name, displayName, language, folder }) => [name, displayName, language, folder]);
    io.out(table(['kernel', 'shown as', 'language', 'folder'], rows));
  });
}

interface InstalledKernel {
  readonly name: string;
  readonly displayName: string;
  readonly language: string;
  readonly folder: string;
}

function kernelsIn(folder: string): InstalledKernel[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names.flatMap(name => {
    const file = join(folder, name, 'kernel.json');
    if (!existsSync(file)) return [];
    const spec = parse(file);
    const text = (key: string) => (typeof spec[key] === 'string' ? spec[key] : '');
    return [{ name, displayName: text('display_name'), language: text('language'), folder: join(folder, name) }];
  });
}

function parse(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${file}: not JSON`, { cause });
  }
}
