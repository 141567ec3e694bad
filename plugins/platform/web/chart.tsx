import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Table, type Column } from './table.tsx';
import type { Drawing } from './vega.ts';

export interface ChartProps<R> {
  /** Vega-Lite, drawn from the data set `rows`; without rows it has its own data. */
  readonly spec: object;
  readonly rows?: readonly R[];
  readonly title: string;
  /** What there is to see, in a sentence or two. */
  readonly text: string;
  /** The same as a table. */
  readonly columns?: readonly Column<R>[];
  readonly children?: ComponentChildren;
}

/** A chart with its title, what it shows in words, and its data as a table. */
export function Chart<R>({ spec, rows, title, text, columns, children }: ChartProps<R>) {
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | undefined>(undefined);
  const latest = useRef(rows);
  latest.current = rows;
  const [failure, setFailure] = useState<string>();
  const id = useId();
  const key = JSON.stringify(spec);
  useEffect(() => {
    let gone = false;
    setFailure(undefined);
    import('./vega.ts')
      .then(({ draw }) => (gone ? undefined : draw(place.current!, spec, latest.current)))
      .then(drawn => {
        if (gone) drawn?.finalize();
        else drawing.current = drawn;
      })
      .catch((error: Error) => setFailure(error.message));
    return () => {
      gone = true;
      drawing.current?.finalize();
      drawing.current = undefined;
    };
  }, [key]);
  useEffect(() => {
    if (rows) drawing.current?.show(rows);
  }, [rows]);
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption id={id}>{title}</figcaption>
      {children}
      {failure === undefined ? (
        <div class="plot" ref={place} role="img" aria-label={text} />
      ) : (
        <p class="notice">The chart cannot be drawn: {failure}</p>
      )}
      <p class="says">{text}</p>
      {columns && rows && rows.length > 0 && (
        <details>
          <summary>Data of this chart</summary>
          <Table caption={title} columns={columns} rows={rows} />
        </details>
      )}
    </figure>
  );
}
