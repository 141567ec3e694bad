import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openPglite } from './pglite.ts';
import { openPostgres } from './postgres.ts';

/** The PostgreSQL server of an address, or else the embedded one of a folder; its tables are brought up to date. */
export async function openDatabase(at: { readonly url: string } | { readonly folder: string }): Promise<Database> {
  const database = 'url' in at ? await openPostgres(at.url) : await openPglite(at.folder);
  try {
    await migrate(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
