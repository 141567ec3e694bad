import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CellError, type CellProgress } from './cell-error.ts';
import { KernelClient } from './client.ts';
import {
  formatNotebook,
  injectParameters,
  isCode,
  normalized,
  parseNotebook,
  tagsOf,
  textOf,
  type CodeCell,
  type Notebook,
} from './notebook.ts';
import { makeFolder } from '../train/write-atomically.ts';
import { Outputs, type OutputChange } from './outputs.ts';
import type { Message } from './wire.ts';

export interface RunNotebookOptions {
  /** Command of the kernel, with `{connection_file}` in it. */
  readonly argv: readonly string[];
  /** Folder the kernel runs in; by default that of the notebook's file. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Values for names of the cell tagged `parameters`. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Milliseconds that a cell may take; by default there is no limit. */
  readonly timeout?: number;
  /** Goes on after a cell that fails. */
  readonly allowErrors?: boolean;
  /** File to write the executed notebook to, also when the run fails. */
  readonly output?: string;
  readonly signal?: AbortSignal;
  onStart?(total: number): void;
  onCell?(progress: CellProgress): void;
  onOutput?(progress: CellProgress, change: OutputChange): void;
  onCellDone?(progress: CellProgress & { readonly milliseconds: number; readonly ok: boolean }): void;
}

export interface NotebookRun {
  readonly notebook: Notebook;
  /** Milliseconds until the kernel was ready, and in all. */
  readonly startup: number;
  readonly milliseconds: number;
  /** Code cells that ran. */
  readonly cells: number;
}

/**
 * Runs a notebook, a file or the content of one, in a kernel of its own. The notebook passed in stays as it is.
 * Throws a `CellError` at the first cell that fails, unless the cell is tagged `raises-exception`.
 */
export async function runNotebook(source: string | Notebook, options: RunNotebookOptions): Promise<NotebookRun> {
  const { parameters = {}, output, signal } = options;
  signal?.throwIfAborted();
  const read = typeof source === 'string' ? parseNotebook(await readFile(source, 'utf8')) : normalized(source);
  const notebook = injectParameters(read, parameters);
  const folder = options.folder ?? (typeof source === 'string' ? path.dirname(path.resolve(source)) : process.cwd());
  if (output !== undefined) await makeFolder(path.dirname(path.resolve(output)));
  const started = performance.now();
  const { argv, env } = options;
  const client = await KernelClient.start({ argv, folder, ...(env ? { env } : {}) });
  try {
    // the compiler answers once it is warm, and then the first cell's time is its own
    await Promise.race([client.request('is_complete_request', { code: '' }), client.exited]);
    const startup = performance.now() - started;
    const cells = await runCells(client, notebook, options);
    return { notebook, startup, milliseconds: performance.now() - started, cells };
  } finally {
    await client.stop();
    if (output !== undefined) await writeFile(output, formatNotebook(notebook));
  }
}

async function runCells(client: KernelClient, notebook: Notebook, options: RunNotebookOptions): Promise<number> {
  const outputs = new Outputs();
  const filled = [...notebook.cells.entries()].filter(
    (entry): entry is [number, CodeCell] => isCode(entry[1]) && textOf(entry[1].source).trim() !== '',
  );
  for (const cell of notebook.cells) if (isCode(cell)) Object.assign(cell, { outputs: [], execution_count: null });
  options.onStart?.(filled.length);
  for (const [i, [index, cell]] of filled.entries()) {
    const at: CellProgress = { number: i + 1, total: filled.length, index, cell, heading: headingOf(notebook, index) };
    options.onCell?.(at);
    const began = performance.now();
    const { content } = await runCell(client, at, outputs, notebook, options);
    const failed = content['status'] !== 'ok';
    options.onCellDone?.({ ...at, milliseconds: performance.now() - began, ok: !failed });
    const expected = tagsOf(cell).includes('raises-exception');
    if (failed && !expected && !options.allowErrors)
      throw new CellError(at, notebook, {
        ename: String(content['ename'] ?? content['status']),
        evalue: String(content['evalue'] ?? ''),
        traceback: (content['traceback'] ?? []) as string[],
      });
    if (!failed && expected && !options.allowErrors) {
      const evalue = 'tagged raises-exception, but nothing was thrown';
      throw new CellError(at, notebook, { ename: 'NoException', evalue, traceback: [] });
    }
  }
  return filled.length;
}

/** The last heading above a cell. */
function headingOf({ cells }: Notebook, index: number): string | undefined {
  const above = cells.slice(0, index).filter(cell => cell.cell_type === 'markdown');
  const headings = above.flatMap(cell => textOf(cell.source).match(/^#+ .*/gm) ?? []);
  return headings.at(-1)?.replace(/^#+ /, '').replace(/[*_`]/g, '').trim();
}

async function runCell(
  client: KernelClient,
  at: CellProgress,
  outputs: Outputs,
  notebook: Notebook,
  { timeout, signal, onOutput }: RunNotebookOptions,
): Promise<Message> {
  const { cell } = at;
  const injected = tagsOf(cell).includes('injected-parameters');
  outputs.reset(cell);
  const times: Record<string, string> = { 'shell.execute_reply.started': new Date().toISOString() };
  const request = client.request(
    'execute_request',
    {
      code: textOf(cell.source),
      ...{ silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: false },
    },
    {
      published(message) {
        if (message.header.msg_type === 'execute_input')
          cell.execution_count = message.content['execution_count'] as number;
        // The last assignment has a value, which the cell's reader wrote.
        if (injected && message.header.msg_type === 'execute_result') return;
        const change = outputs.add(cell, message);
        if (change) onOutput?.(at, change);
      },
    },
  );
  const gone = client.exited.then(code => {
    throw new CellError(at, notebook, { ename: 'DeadKernel', evalue: `it exited with ${code}`, traceback: [] });
  });
  const reply = await stoppable(Promise.race([request, gone]), client, timeout, signal);
  times['shell.execute_reply'] = new Date().toISOString();
  cell.metadata['execution'] = times;
  if (reply !== 'timeout') return reply;
  throw new CellError(at, notebook, { ename: 'Timeout', evalue: `it took longer than ${timeout} ms`, traceback: [] });
}

/** Interrupts a cell at the time limit or when the run is aborted, and kills the kernel where that does not help. */
async function stoppable(
  reply: Promise<Message>,
  client: KernelClient,
  timeout: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Message | 'timeout'> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const stopped = new Promise<'timeout' | 'aborted'>(resolve => {
    if (timeout !== undefined) timer = setTimeout(resolve, timeout, 'timeout' as const);
    abort = () => resolve('aborted');
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
  try {
    const first = await Promise.race([reply, stopped]);
    if (typeof first !== 'string') return first;
    void client.interrupt();
    const patience = new Promise<void>(resolve => (timer = setTimeout(resolve, 10_000)));
    if (!(await Promise.race([reply.catch(() => ({})), patience]))) client.kill();
    signal?.throwIfAborted();
    return 'timeout';
  } finally {
    clearTimeout(timer);
    if (abort) signal?.removeEventListener('abort', abort);
  }
}
