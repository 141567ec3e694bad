import { inspect } from 'node:util';
import { displaySymbol, escapeHtml, type Displayable, type MimeBundle } from './mime.ts';

export type Row = Readonly<Record<string, unknown>>;

/** What is needed of an arquero table. */
export interface ColumnTable {
  numRows(): number;
  columnNames(): string[];
  objects(options?: { limit?: number }): object[];
}

export type TableSource = readonly object[] | ColumnTable;

export interface TableOptions {
  readonly caption?: string;
  /** Columns in the order to show them; by default all. */
  readonly columns?: readonly string[];
  /** Headings of columns that differ from their names. */
  readonly headings?: Readonly<Record<string, string>>;
  /** Text of values, by column. */
  readonly format?: Readonly<Record<string, (value: never, row: never) => string>>;
  /** Rows to show at most (default 200). */
  readonly limit?: number;
}

/** Whether a value is an arquero table or looks like one. */
export const isTable = (value: unknown): value is ColumnTable => {
  const { numRows, columnNames, objects } = value as Partial<ColumnTable>;
  return [numRows, columnNames, objects].every(method => typeof method === 'function');
};

/** Rows to be displayed: HTML in a notebook, aligned text in a terminal. */
export class Table implements Displayable {
  readonly caption: string | undefined;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** Rows that are not shown. */
  readonly more: number;
  readonly #headings: readonly string[];
  readonly #cells: readonly (readonly string[])[];
  readonly #numeric: readonly boolean[];

  constructor(source: TableSource, { caption, columns, headings = {}, format = {}, limit = 200 }: TableOptions = {}) {
    const all = isTable(source) ? source.objects({ limit }) : source.slice(0, limit);
    this.rows = all as readonly Row[];
    this.more = (isTable(source) ? source.numRows() : source.length) - this.rows.length;
    this.columns =
      columns ?? (isTable(source) ? source.columnNames() : [...new Set(this.rows.flatMap(row => Object.keys(row)))]);
    this.caption = caption;
    this.#headings = this.columns.map(name => headings[name] ?? name);
    const formats = this.columns.map(
      name =>
        (format[name] as ((value: unknown, row: Row) => string) | undefined) ??
        numberFormat(this.rows.map(row => row[name])),
    );
    this.#cells = this.rows.map(row => this.columns.map((name, i) => formats[i]!(row[name], row)));
    this.#numeric = this.columns.map(name => {
      const known = this.rows.map(row => row[name]).filter(value => value !== null && value !== undefined);
      return known.length > 0 && known.every(isNumeric);
    });
  }

  get #note(): string {
    return this.more > 0 ? `${this.more.toLocaleString('en-US')} more row${this.more === 1 ? '' : 's'}` : '';
  }

  toHtml(): string {
    // with a unit behind it, a number would be broken in two in a narrow column
    const align = (i: number) => ` style="text-align:${this.#numeric[i] ? 'right;white-space:nowrap' : 'left'}"`;
    const line = (tag: string, cells: readonly string[]) =>
      `<tr>${cells.map((cell, i) => `<${tag}${align(i)}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
    const caption =
      this.caption === undefined ? '' : `<caption style="text-align:left">${escapeHtml(this.caption)}</caption>`;
    const foot = this.#note && `<tfoot><tr><td colspan="${this.columns.length}">${this.#note}</td></tr></tfoot>`;
    const body = this.#cells.map(cells => line('td', cells)).join('\n');
    return `<table>${caption}<thead>${line('th', this.#headings)}</thead>\n<tbody>${body}</tbody>${foot}</table>`;
  }

  toMarkdown(): string {
    const line = (cells: readonly string[]) =>
      `| ${cells.map(cell => cell.replace(/[|\\]/g, '\\$&').replace(/\s*\n\s*/g, ' ')).join(' | ')} |`;
    const rule = this.#numeric.map(numeric => (numeric ? '---:' : '---'));
    const rows = [line(this.#headings), `| ${rule.join(' | ')} |`, ...this.#cells.map(line)];
    return [
      ...(this.caption === undefined ? [] : [`**${this.caption}**`, '']),
      ...rows,
      this.#note && `\n${this.#note}`,
    ]
      .join('\n')
      .trimEnd();
  }

  /** Aligned columns. */
  toString(): string {
    const lines = [this.#headings, ...this.#cells].map(cells => cells.map(cell => cell.replace(/\s*\n\s*/g, ' ')));
    const widths = this.#headings.map((_, i) => Math.max(...lines.map(cells => width(cells[i]!))));
    const pad = (cell: string, i: number) => {
      const space = ' '.repeat(widths[i]! - width(cell));
      return this.#numeric[i] ? space + cell : cell + space;
    };
    const [head, ...body] = lines.map(cells => cells.map(pad).join('  ').trimEnd());
    const rule = widths.map(size => '─'.repeat(size)).join('  ');
    return [this.caption, head, rule, ...body, this.#note].filter(Boolean).join('\n');
  }

  toMimeBundle(): MimeBundle {
    return { 'text/html': this.toHtml(), 'text/markdown': this.toMarkdown(), 'text/plain': this.toString() };
  }

  [displaySymbol](): MimeBundle {
    return this.toMimeBundle();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** A table of rows or of an arquero table. */
export const table = (source: TableSource, options?: TableOptions): Table => new Table(source, options);

/** Numbers, and texts of numbers with a unit. */
const isNumeric = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'bigint' ||
  (typeof value === 'string' && /^[+-]?\d[\d.,]*(?:e[+-]?\d+)? ?(?:%|x|m?s)$/.test(value));

const width = (text: string): number => [...text].length;

/** Text of the values of a column: numbers with four significant digits, the same decimals in all rows. */
function numberFormat(values: readonly unknown[]): (value: unknown) => string {
  const numbers = values.filter(value => typeof value === 'number' && Number.isFinite(value)) as number[];
  const largest = Math.max(0, ...numbers.map(Math.abs));
  const whole = numbers.every(Number.isInteger);
  const decimals = Math.min(6, Math.max(1, 4 - Math.ceil(Math.log10(largest || 1))));
  const smallest = 10 ** -decimals;
  return value => {
    if (value === null || value === undefined) return '';
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) return String(value);
      if (whole) return Math.abs(value) < 10_000 ? String(value) : value.toLocaleString('en-US');
      if (value !== 0 && (Math.abs(value) < smallest || Math.abs(value) >= 1e9)) return value.toPrecision(4);
      return value.toLocaleString('en-US', {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
        useGrouping: largest >= 10_000,
      });
    }
    if (typeof value === 'bigint') return value.toLocaleString('en-US');
    if (value instanceof Date) return value.toISOString().replace(/T00:00:00\.000Z$/, '');
    return typeof value === 'object' ? inspect(value, { breakLength: Infinity, depth: 1 }) : String(value);
  };
}
