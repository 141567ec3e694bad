import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Database } from '../../plugins/platform/database/database.ts';
import { openDatabase } from '../../plugins/platform/database/open.ts';
import { PostgresServer } from './postgres.ts';

export const databaseKinds = ['pglite', 'postgres'] as const;

/** Opens empty databases of a kind for the tests of a suite, to be called within `describe`. */
export function databasesOf(kind: Database['kind']): () => Promise<Database> {
  const opened: Database[] = [];
  const folders: string[] = [];
  let server: PostgresServer | undefined;
  before(async function () {
    this.timeout(120_000);
    if (kind === 'postgres') server = await PostgresServer.start();
  });
  after(async () => {
    for (const database of opened) await database.close();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
    await server?.remove();
  });
  return async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-platform-'));
    folders.push(folder);
    const database = await openDatabase(server ? { url: await server.database() } : { folder });
    opened.push(database);
    return database;
  };
}
