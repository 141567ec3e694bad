import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import type { CompiledCell, Place } from './compiler.ts';

interface Cell {
  readonly label: string;
  readonly source: string;
  readonly map: CompiledCell['map'];
}

const here = path.dirname(fileURLToPath(import.meta.url));
const scheme = 'pruningbench-cell-';
const location = new RegExp(`${scheme}(\\d+):(\\d+):(\\d+)`);
const hidden = /\bnode:(internal|vm|async_hooks|timers)\b|^new Promise \(<anonymous>\)|^<anonymous>$|processImmediate/;

/** Name under which V8 knows the script of a cell. */
export const scriptName = (id: number): string => scheme + id;

/** Stacks in terms of cells: `In[3]:2:9` for what stands in the cell, and no frames of the kernel. */
export class Stacks {
  readonly #cells = new Map<number, Cell>();

  add(id: number, label: string, source: string, map: CompiledCell['map']): void {
    this.#cells.set(id, { label, source, map });
  }

  /** Gives every error of the process, whoever prints it, a stack in terms of cells. */
  install(): void {
    Error.prepareStackTrace = (error, sites) => {
      const frames = sites.map(site => this.#frame(String(site))).filter(frame => frame !== undefined);
      return [title(error), ...frames.map(frame => `    at ${frame}`)].join('\n');
    };
  }

  #frame(frame: string): string | undefined {
    if (hidden.test(frame) || frame.includes(here)) return undefined;
    const found = location.exec(frame);
    if (!found) return frame;
    const place = this.#place(found);
    return place && frame.replace(found[0], place).replace(/^(?:Object\.<anonymous>|eval) \((.*)\)$/, '$1');
  }

  #place([, id, line, column]: RegExpExecArray): string | undefined {
    const cell = this.#cells.get(Number(id));
    if (!cell) return undefined;
    if (!cell.map) return `${cell.label}:${line}:${column}`;
    const map = new TraceMap({ version: 3, names: [], sources: [cell.label], mappings: cell.map });
    const place = originalPositionFor(map, { line: Number(line), column: Number(column) - 1 });
    return place.line === null ? undefined : `${cell.label}:${place.line}:${place.column + 1}`;
  }

  /** Lines for people: the error with its causes and its stack, and the line of the cell that threw. */
  traceback(error: unknown): string[] {
    if (!(error instanceof Error)) return [`\x1b[31mthrown:\x1b[0m ${inspect(error)}`];
    const [first = '', ...rest] = inspect(error).split('\n');
    return [`\x1b[31m${first}\x1b[0m`, ...rest, ...this.#excerpt(error)];
  }

  #excerpt(error: Error): string[] {
    const found = /\b(In\[\d+\]):(\d+):(\d+)/.exec(error.stack ?? '');
    if (!found) return [];
    const cell = [...this.#cells.values()].findLast(({ label }) => label === found[1]);
    return cell ? excerpt(cell.label, cell.source, { line: Number(found[2]), column: Number(found[3]) }) : [];
  }
}

/** A line of a cell with a mark under a column. */
export function excerpt(label: string, source: string, { line, column }: Place): string[] {
  const text = source.split('\n')[line - 1];
  if (text === undefined) return [];
  const prefix = `${label}:${line}  `;
  return ['', `\x1b[2m${prefix}\x1b[0m${text}`, `${' '.repeat(prefix.length + column - 1)}\x1b[31m^\x1b[0m`];
}

function title(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}
