import pg from 'pg';
import type { Db } from 'pg-boss';
import type { Database, Sql } from './database.ts';

/** A PostgreSQL server, version 14 or newer. Connections that break are made anew. */
export async function openPostgres(url: string, { connections = 8 } = {}): Promise<Database> {
  const pool = new pg.Pool({ connectionString: url, max: connections, application_name: 'pruningbench' });
  // of idle connections; whoever needs one learns it from the next query
  pool.on('error', () => {});
  const sql = sqlOf(pool);
  try {
    await sql('select 1');
  } catch (cause) {
    await pool.end();
    throw new Error(`no PostgreSQL at ${withoutPassword(url)}: ${messageOf(cause)}`, { cause });
  }
  const db: Db = { executeSql: async (text, values) => ({ rows: await statements(pool, text, values) }) };
  return {
    kind: 'postgres',
    sql,
    async transaction(work) {
      const client = await pool.connect();
      const broken = (error: Error) => void (failure = error);
      let failure: Error | undefined;
      client.on('error', broken);
      try {
        await client.query('begin');
        const result = await work(sqlOf(client));
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch((error: Error) => (failure = error));
        throw error;
      } finally {
        client.off('error', broken);
        client.release(failure);
      }
    },
    listen: (channel, handle) => listen(url, channel, handle),
    queue: { db },
    close: () => pool.end(),
  };
}

const sqlOf =
  (client: pg.Pool | pg.PoolClient): Sql =>
  async <Row>(text: string, values: readonly unknown[] = []) =>
    (await client.query(text, [...values])).rows as Row[];

/** Several statements give several results. */
async function statements(pool: pg.Pool, text: string, values?: unknown[]): Promise<unknown[]> {
  const result = (await pool.query(text, values)) as pg.QueryResult | pg.QueryResult[];
  return Array.isArray(result) ? result.flatMap(({ rows }) => rows as unknown[]) : result.rows;
}

/** Listens on a connection of its own, which is made anew when it breaks. */
async function listen(url: string, channel: string, handle: (payload: string | undefined) => void) {
  let ended = false;
  let client: pg.Client | undefined;
  let again: NodeJS.Timeout | undefined;
  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: url, keepAlive: true, application_name: 'pruningbench' });
    next.on('notification', ({ payload }) => handle(payload ?? ''));
    next.on('error', () => {});
    next.on('end', () => {
      if (!ended && client === next) retry();
    });
    await next.connect();
    await next.query(`listen ${pg.escapeIdentifier(channel)}`);
    client = next;
    if (ended) await next.end();
  };
  const retry = () => {
    again = setTimeout(() => {
      connect().then(
        () => handle(undefined),
        () => retry(),
      );
    }, 1000);
  };
  await connect();
  return async () => {
    ended = true;
    clearTimeout(again);
    await client?.end();
  };
}

/** A database's address as it may be shown. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password) parsed.password = '***';
    return parsed.href;
  } catch {
    return 'the address given';
  }
}

const messageOf = (error: unknown): string => {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
};
