import type { HtmlOptions } from './html.ts';
import type { KernelOptions } from './kernel.ts';
import type { Notebook } from './notebook.ts';
import type { NotebookRun, RunNotebookOptions } from './runner.ts';

export type { Completions, CompiledCell, Compiler, Engine, Prelude } from './compiler.ts';
export { clearOutput, display, DisplayHandle, input, interruptSignal, PendingDisplay } from './display.ts';
export { registerFormatter } from './frontend.ts';
export { displaySymbol, type Displayable, type Formatter, type MimeBundle } from './mime.ts';
export { Chart, chart, type ChartSpec } from './chart.ts';
export { Table, table, type TableOptions, type TableSource } from './table.ts';
export { Progress, progress, ProgressBar, type Postfix, type ProgressOptions } from './progress.ts';
export { dataFolder, install, nodeOptions, type InstallOptions } from './install.ts';
export type { KernelOptions } from './kernel.ts';
export type { HtmlOptions } from './html.ts';
export {
  createNotebook,
  formatNotebook,
  injectParameters,
  parseNotebook,
  stripNotebook,
  type CodeCell,
  type Notebook,
  type Output,
} from './notebook.ts';
export { CellError, type CellProgress } from './cell-error.ts';
export type { NotebookRun, RunNotebookOptions } from './runner.ts';
export type { OutputChange } from './outputs.ts';
export { terminalReport } from './report.ts';

// what is heavy is loaded when it is called

/** Runs a Jupyter kernel in this process until it is shut down; then the process exits. */
export async function startKernel(options: KernelOptions): Promise<never> {
  return (await import('./kernel.ts')).startKernel(options);
}

/**
 * Runs a notebook, a file or the content of one, in a kernel of its own. The notebook passed in stays as it is.
 * Throws a `CellError` at the first cell that fails, unless the cell is tagged `raises-exception`.
 */
export async function runNotebook(source: string | Notebook, options: RunNotebookOptions): Promise<NotebookRun> {
  return (await import('./runner.ts')).runNotebook(source, options);
}

/** An executed notebook as one HTML page that needs no other file and no network. */
export async function notebookToHtml(notebook: Notebook, options?: HtmlOptions): Promise<string> {
  return (await import('./html.ts')).notebookToHtml(notebook, options);
}
