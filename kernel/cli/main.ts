import { createRequire } from 'node:module';
import { Command } from 'commander';
import { suggestion, type Catalogue } from '../catalogue.ts';
import { UsageError } from '../text/usage.ts';
import type { Context } from './command.ts';
import { commands as own, type Commands } from './commands.ts';
import { example, helpLayout } from './help.ts';
import { processIo, type Io } from './io.ts';

/**
 * Runs the command line `argv` (without node and script) and returns the exit code: 0, 1 for an error, 2 for a usage
 * error, 130 for an interrupt. The catalogue may be given as a function, which is called where a command needs it.
 * @param more commands beside those of the kernel
 */
export async function main(
  argv: readonly string[],
  catalogue: Catalogue | (() => Promise<Catalogue>),
  io: Partial<Io> = {},
  more: Commands = {},
): Promise<number> {
  const outside: Io = { ...processIo, ...io };
  // `help x` is `x --help`.
  const typed = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv];
  const context: Context = {
    io: outside,
    catalogue: () => withPlugins(catalogue, pluginsIn(typed)),
    plugins: pluginsIn(typed),
    version: (createRequire(import.meta.url)('pruningbench/package.json') as { version: string }).version,
    argv: typed,
  };
  try {
    await (await program(typed, context, { ...own, ...more })).parseAsync(typed, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, typed, outside);
  }
}

async function withPlugins(
  catalogue: Catalogue | (() => Promise<Catalogue>),
  specifiers: readonly string[],
): Promise<Catalogue> {
  const known = typeof catalogue === 'function' ? await catalogue() : catalogue;
  if (specifiers.length === 0) return known;
  const { extended } = await import('../extensions.ts');
  return extended(known, specifiers);
}

/** What `--plugin` names: commands are described by plugins, so that it is read before them. */
function pluginsIn(argv: readonly string[]): string[] {
  return argv.flatMap((word, i) => {
    if (word.startsWith('--plugin=')) return [word.slice('--plugin='.length)];
    return word === '--plugin' && argv[i + 1] !== undefined ? [argv[i + 1]!] : [];
  });
}

/** The program; only the command that is called is described in full. */
async function program(argv: readonly string[], context: Context, commands: Commands): Promise<Command> {
  const { io, version } = context;
  const root = new Command('pruningbench')
    .description('Structural pruning of neural networks: models, methods, training, benchmark, notebooks.')
    .version(version, '-V, --version', 'show the version')
    .helpCommand(false)
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({ writeOut: io.out, writeErr: () => {}, getOutHelpWidth: () => io.columns ?? 80 });
  example(root, 'pruningbench models', 'pruningbench prune --help');
  const called = argv.find(word => !word.startsWith('-'));
  if (called !== undefined && !Object.hasOwn(commands, called))
    throw new UsageError(`unknown command ${called}${suggestion(called, Object.keys(commands))}`);
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = root.command(name).description(summary);
    if (name === called) await (await load())(command, context);
    addCommonFlags(command);
  }
  if (argv.length === 0) root.help();
  return root;
}

function addCommonFlags(command: Command): void {
  if (command.commands.length > 0) return command.commands.forEach(addCommonFlags);
  command
    .option('--json', 'write machine-readable JSON, and nothing else, to standard output')
    .option('--plugin <file>', 'file or package with methods, models or data sets of your own; may be repeated')
    .option('--debug', 'show where an error comes from');
}

function report(error: unknown, argv: readonly string[], { err, env }: Io): number {
  const { name, message, stack, exitCode } = (error instanceof Error ? error : new Error(String(error))) as Failure;
  if (exitCode === 0) return 0;
  const text = message.replace(/^error: /, '').trimEnd();
  if (name === 'Interrupted') {
    err(`${text}\n`);
    return 130;
  }
  err(`error: ${usageErrors.has(name) ? text.replace(/\s*\n\s*/g, ' ') : text}\n`);
  if (stack && (argv.includes('--debug') || env['DEBUG'])) err(`${stack}\n`);
  return usageErrors.has(name) ? 2 : 1;
}

/** Errors by name: where modules are loaded both by `import` and by `require`, there are two classes of each. */
const usageErrors = new Set(['UsageError', 'CommanderError', 'InvalidArgumentError']);

/** `exitCode` is commander's: 0 where it has shown help or version. */
interface Failure extends Error {
  readonly exitCode?: number;
}
