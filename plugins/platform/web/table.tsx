import type { ComponentChildren } from 'preact';

export interface Column<R> {
  readonly title: string;
  readonly cell: (row: R) => ComponentChildren;
  /** Figures are set to the right. */
  readonly figure?: boolean;
  /** Names the row. */
  readonly head?: boolean;
  readonly class?: string;
}

interface TableProps<R> {
  /** Read out. */
  readonly caption: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly keyOf?: (row: R, at: number) => string | number;
  readonly rowClass?: (row: R) => string | undefined;
  /** On phones, each row is a card. */
  readonly stack?: boolean;
}

/** A table in a region of its own, which scrolls where it is wide. */
export function Table<R>({ caption, columns, rows, keyOf = (_, at) => at, rowClass, stack }: TableProps<R>) {
  // as cards they would lose their meaning
  const role = (name: 'table' | 'rowgroup' | 'row' | 'columnheader' | 'rowheader' | 'cell') =>
    stack ? { role: name } : {};
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class={stack ? 'stack' : undefined} {...role('table')}>
        <caption class="unseen">{caption}</caption>
        <thead {...role('rowgroup')}>
          <tr {...role('row')}>
            {columns.map(column => (
              <th scope="col" {...role('columnheader')} class={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...role('rowgroup')}>
          {rows.map((row, at) => (
            <tr {...role('row')} key={keyOf(row, at)} class={rowClass?.(row)}>
              {columns.map(column =>
                column.head ? (
                  <th scope="row" {...role('rowheader')} class={classOf(column)}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td {...role('cell')} class={classOf(column)} data-title={stack ? column.title : undefined}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const classOf = <R,>({ figure, class: own }: Column<R>): string | undefined =>
  [figure && 'figure', own].filter(Boolean).join(' ') || undefined;
