import { textOf, type CodeCell, type Notebook } from './notebook.ts';

/** Where a run stands. */
export interface CellProgress {
  /** Number of the code cell, from 1. */
  readonly number: number;
  /** Code cells of the notebook. */
  readonly total: number;
  /** Place among all cells of the notebook, from 0. */
  readonly index: number;
  readonly cell: CodeCell;
  /** The heading it stands under. */
  readonly heading: string | undefined;
}

/** A cell that failed, or did not fail although it is tagged `raises-exception`. */
export class CellError extends Error {
  override readonly name = 'CellError';
  /** Number of the code cell, from 1. */
  readonly cell: number;
  readonly ename: string;
  readonly evalue: string;
  /** Line of the cell, from 1, where it is known. */
  readonly line: number | undefined;
  readonly traceback: readonly string[];
  /** The notebook as far as it ran. */
  readonly notebook: Notebook;

  constructor(at: CellProgress, notebook: Notebook, failure: Pick<CellError, 'ename' | 'evalue' | 'traceback'>) {
    const { ename, evalue, traceback } = failure;
    const stack = stripAnsi(traceback.join('\n'));
    const count = at.cell.execution_count;
    const line = new RegExp(`\\bIn\\[${count ?? '\\d+'}\\]:(\\d+)`).exec(stack)?.[1];
    const source = line === undefined ? undefined : textOf(at.cell.source).split('\n')[Number(line) - 1]?.trim();
    const place = `cell ${at.number}${line === undefined ? '' : `, line ${line}`}`;
    super(`${place}: ${ename}: ${evalue}${source ? `\n    ${source}` : ''}`);
    this.cell = at.number;
    this.ename = ename;
    this.evalue = evalue;
    this.line = line === undefined ? undefined : Number(line);
    this.traceback = traceback;
    this.notebook = notebook;
  }
}

const stripAnsi = (text: string): string => text.replace(/\x1b\[[0-9;]*m/g, '');
