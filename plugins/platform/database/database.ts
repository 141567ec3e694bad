import type { ConstructorOptions } from 'pg-boss';

/** Runs one statement and returns its rows. Values that are objects are given as JSON text, with a cast in the statement. */
export type Sql = <Row = Record<string, unknown>>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

/** A PostgreSQL: the embedded one of a folder, or a server. */
export interface Database {
  readonly kind: 'pglite' | 'postgres';
  readonly sql: Sql;
  /** All or nothing: what `work` does through its `sql` is kept if it returns, and undone if it throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Calls `handle` for every `pg_notify` on the channel, and with undefined where some may have been missed. Returns what
   * ends it.
   */
  listen(channel: string, handle: (payload: string | undefined) => void): Promise<() => Promise<void>>;
  /** What the queue is opened with. */
  readonly queue: ConstructorOptions;
  close(): Promise<void>;
}
