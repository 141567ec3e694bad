import { randomUUID } from 'node:crypto';
import type { ICell, ICodeCell, INotebookContent, IOutput } from '@jupyterlab/nbformat';

export type Notebook = INotebookContent;
export type CodeCell = ICodeCell;
export type Output = IOutput;

const kernelspec = { name: 'pruningbench', display_name: 'TypeScript (PruningBench)', language: 'typescript' };

/** Text that a notebook holds as one string or as lines. */
export const textOf = (text: unknown): string => (Array.isArray(text) ? text.join('') : String(text ?? ''));

/** Lines as notebook files hold text. */
export const linesOf = (text: string): string[] => text.split(/(?<=\n)/);

export const isCode = (cell: ICell): cell is ICodeCell => cell.cell_type === 'code';

export const tagsOf = (cell: ICell): readonly string[] => (cell.metadata['tags'] as string[] | undefined) ?? [];

/** Reads a notebook file: version 4, every cell with an id. */
export function parseNotebook(text: string): Notebook {
  const notebook = JSON.parse(text) as Notebook;
  if (notebook.nbformat !== 4) throw new Error(`notebook format ${String(notebook.nbformat)}: needs 4`);
  return normalized(notebook);
}

/** A copy in format 4.5. */
export function normalized(notebook: Notebook): Notebook {
  const copy = structuredClone(notebook);
  copy.nbformat = 4;
  copy.nbformat_minor = 5;
  copy.metadata.kernelspec ??= { ...kernelspec };
  for (const cell of copy.cells) {
    cell['id'] ??= newId();
    cell.metadata ??= {};
    if (!isCode(cell)) continue;
    cell.outputs ??= [];
    cell.execution_count ??= null;
  }
  return copy;
}

/** A notebook as it stands in a file. */
export const formatNotebook = (notebook: Notebook): string => `${JSON.stringify(notebook, undefined, 1)}\n`;

/** A notebook of cells: strings are code, pairs are `[type, source]`. */
export function createNotebook(cells: readonly (string | readonly ['code' | 'markdown', string])[]): Notebook {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { ...kernelspec }, language_info: { name: 'typescript' } },
    cells: cells.map((cell, i) => {
      const [type, source] = typeof cell === 'string' ? (['code', cell] as const) : cell;
      const common = { id: `cell-${i + 1}`, metadata: {}, source: linesOf(source) };
      return type === 'code'
        ? { cell_type: type, ...common, execution_count: null, outputs: [] }
        : { cell_type: type, ...common };
    }),
  };
}

/** A notebook's sources alone, so that versions of it can be compared: no outputs, counts, times or injected cells. */
export function stripNotebook(notebook: Notebook): Notebook {
  const { cells, metadata } = normalized(notebook);
  const { name = 'typescript' } = (metadata.language_info as { name?: string } | undefined) ?? {};
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: metadata.kernelspec, language_info: { name } },
    cells: cells
      .filter(cell => !tagsOf(cell).includes('injected-parameters'))
      .map(({ cell_type, id, metadata: { tags, ...rest }, source, attachments }) => {
        // what front ends leave behind
        for (const noise of ['execution', 'collapsed', 'scrolled', 'ExecuteTime', 'trusted', 'vscode'])
          delete rest[noise];
        return {
          cell_type,
          id,
          metadata: { ...(Array.isArray(tags) && tags.length ? { tags } : {}), ...rest },
          source: linesOf(textOf(source)).filter(Boolean),
          ...(attachments ? { attachments } : {}),
          ...(cell_type === 'code' ? { execution_count: null, outputs: [] } : {}),
        } as ICell;
      }),
  };
}

/**
 * Adds a cell tagged `injected-parameters` after the one tagged `parameters`, or first where there is none. After a
 * parameters cell it assigns, so that TypeScript checks the values.
 */
export function injectParameters(notebook: Notebook, parameters: Readonly<Record<string, unknown>>): Notebook {
  const cells = notebook.cells.filter(cell => !tagsOf(cell).includes('injected-parameters'));
  const at = cells.findIndex(cell => tagsOf(cell).includes('parameters'));
  const lines = Object.entries(parameters).map(([name, value]) => {
    if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) throw new Error(`parameter ${name}: not a name`);
    return `${at < 0 ? 'let ' : ''}${name} = ${JSON.stringify(value) ?? 'undefined'};`;
  });
  const cell: ICell = {
    cell_type: 'code',
    id: newId(),
    metadata: { tags: ['injected-parameters'] },
    source: linesOf(['// parameters', ...lines].join('\n')),
    execution_count: null,
    outputs: [],
  };
  return { ...notebook, cells: lines.length ? cells.toSpliced(at + 1, 0, cell) : cells };
}

const newId = (): string => randomUUID().slice(0, 8);
