import { join } from 'node:path';
import { fromPglite } from 'pg-boss';
import type { Database, Sql } from './database.ts';
import { lockFolder } from '../../../kernel/folder-lock.ts';

/** The embedded PostgreSQL in a folder, for one process at a time. */
export async function openPglite(folder: string): Promise<Database> {
  const unlock = await lockFolder(folder);
  try {
    const { PGlite } = await import('@electric-sql/pglite');
    const pglite = await PGlite.create(join(folder, 'pglite'));
    const sql: Sql = async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pglite.query<Row>(text, [...values])).rows;
    // a server does so by itself: without it, tables that change all the time grow
    const tidy = () => void pglite.exec('vacuum analyze').catch(() => {});
    const tidying = setInterval(tidy, 10 * 60_000).unref();
    return {
      kind: 'pglite',
      sql,
      transaction: work =>
        pglite.transaction(inner =>
          work(
            async <Row>(text: string, values: readonly unknown[] = []) =>
              (await inner.query<Row>(text, [...values])).rows,
          ),
        ),
      listen: (channel, handle) => pglite.listen(channel, handle),
      queue: { db: fromPglite(pglite), backend: 'pglite' },
      async close() {
        clearInterval(tidying);
        await pglite.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}
