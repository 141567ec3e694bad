import type { Command } from 'commander';
import { z } from 'zod';
import type { Notebook } from '../jupyter/index.ts';
import { writeAtomically } from '../train/write-atomically.ts';
import { json } from '../text/json.ts';
import { valueOf } from '../text/schema.ts';
import { UsageError } from '../text/usage.ts';
import type { Context, Describe } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { interruptible } from './interrupt.ts';
import type { Io } from './io.ts';
import { engine, kernelCommand } from './kernel.ts';
import { read } from './read.ts';

const runOptions = z.object({
  out: z.string().optional().describe('file for the executed notebook (default: the notebook itself)'),
  engine,
  timeout: z.number().positive().optional().describe('seconds that a cell may take (default: no limit)'),
});
const htmlOptions = z.object({
  out: z.string().optional().describe('file for the page (default: the notebook with .html)'),
  title: z.string().optional().describe('title of the page (default: the first heading)'),
});

export const notebook: Describe = (command, context) => {
  describeRun(command.command('run').description('run a notebook in a kernel of its own'), context);
  describeHtml(command.command('html').description('write a notebook as a web page in one file'), context);
  describeStrip(command.command('strip').description('take outputs and counts out of notebooks, in place'), context);
  example(command, 'pruningbench notebook run notebooks/00-quickstart.ipynb --out executed.ipynb');
};

function describeRun(command: Command, { io }: Context): void {
  command
    .argument('<file>', 'notebook (.ipynb)')
    .option('--parameter <name=value>', 'value for a name of the cell tagged parameters; may be repeated', collect, [])
    .option('--allow-errors', 'go on after a cell that fails');
  addFlags(command, runOptions);
  example(
    command,
    'pruningbench notebook run notebooks/00-quickstart.ipynb --out executed.ipynb',
    'pruningbench notebook run notebooks/00-quickstart.ipynb --parameter epochs=2 --timeout 600',
  );
  command.action(async (file: string, given: Given) => {
    const { out = file, engine, timeout } = readFlags(runOptions, given);
    const parameters = Object.fromEntries((given['parameter'] as string[]).map(parameterOf));
    await readNotebook(file);
    const { runNotebook, terminalReport } = await import('../jupyter/index.ts');
    const report = given['json'] ? undefined : terminalReport(file, terminalOf(io));
    const run = await interruptible(io, `stopped; what ran is in ${out}`, signal =>
      runNotebook(file, {
        argv: kernelCommand(io, engine),
        parameters,
        output: out,
        signal,
        allowErrors: given['allowErrors'] === true,
        ...(timeout === undefined ? {} : { timeout: timeout * 1000 }),
        ...report,
      }),
    ).finally(() => report?.close());
    const { cells, startup, milliseconds } = run;
    if (given['json']) return io.out(json({ file, out, cells, startup, milliseconds }));
    io.out(`wrote ${out}\n`);
  });
}

function describeHtml(command: Command, { io }: Context): void {
  command.argument('<file>', 'notebook (.ipynb)').option('--hide-code', 'show results alone when the page opens');
  addFlags(command, htmlOptions);
  example(command, 'pruningbench notebook html executed.ipynb --out report.html');
  command.action(async (file: string, given: Given) => {
    const { out = `${file.replace(/\.ipynb$/, '')}.html`, title } = readFlags(htmlOptions, given);
    const content = await readNotebook(file);
    const { notebookToHtml } = await import('../jupyter/index.ts');
    const options = { code: given['hideCode'] !== true, ...(title === undefined ? {} : { title }) };
    await write(out, await notebookToHtml(content, options));
    io.out(given['json'] ? json({ file, out }) : `wrote ${out}\n`);
  });
}

function describeStrip(command: Command, { io }: Context): void {
  command
    .argument('<file...>', 'notebooks (.ipynb)')
    .option('--check', 'change nothing; fail where there is something');
  example(command, 'pruningbench notebook strip notebooks/*.ipynb');
  command.action(async (files: string[], given: Given) => {
    const { formatNotebook, stripNotebook } = await import('../jupyter/index.ts');
    const changed: string[] = [];
    for (const file of files) {
      const text = (await read(file)).toString();
      const stripped = formatNotebook(stripNotebook(await notebookOf(file, text)));
      if (stripped === text) continue;
      changed.push(file);
      if (!given['check']) await write(file, stripped);
    }
    if (given['check'] && changed.length > 0) throw new Error(`not stripped: ${changed.join(', ')}`);
    io.out(given['json'] ? json({ files, changed }) : changed.map(file => `stripped ${file}\n`).join(''));
  });
}

const collect = (value: string, values: string[]): string[] => [...values, value];

/** A value is JSON where it can be, else text. */
function parameterOf(text: string): [string, unknown] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--parameter ${text}: is written as name=value`);
  return [text.slice(0, equals), valueOf({}, text.slice(equals + 1))];
}

const readNotebook = async (file: string): Promise<Notebook> => notebookOf(file, (await read(file)).toString());

async function notebookOf(file: string, text: string): Promise<Notebook> {
  const { parseNotebook } = await import('../jupyter/index.ts');
  try {
    return parseNotebook(text);
  } catch (cause) {
    throw new Error(`${file}: no notebook: ${(cause as Error).message}`, { cause });
  }
}

const write = (file: string, text: string) => writeAtomically(file, new TextEncoder().encode(text));

/** Standard error, as far as a report needs a stream. */
const terminalOf = ({ err, columns }: Io) =>
  ({
    isTTY: columns !== undefined,
    columns,
    write: (text: string) => (err(text), true),
  }) as unknown as NodeJS.WriteStream;
