import type { Database } from './database.ts';
import { migrations } from './migrations.ts';

/** Brings the tables to what this version of the package works with. Throws where a newer one has changed them. */
export async function migrate({ transaction }: Database): Promise<void> {
  await transaction(async sql => {
    // several processes may start at once
    await sql(`select pg_advisory_xact_lock(hashtext('pruningbench.migrate'))`);
    await sql('create schema if not exists pruningbench');
    await sql('create table if not exists pruningbench.version (version int not null)');
    const [row] = await sql<{ version: number }>('select version from pruningbench.version');
    const version = row?.version ?? 0;
    if (version > migrations.length)
      throw new Error(
        `the database is of version ${version}, this pruningbench knows ${migrations.length}: use a newer one`,
      );
    for (const migration of migrations.slice(version))
      for (const statement of migration.split(/;\n/)) if (statement.trim()) await sql(statement);
    await sql(row ? 'update pruningbench.version set version = $1' : 'insert into pruningbench.version values ($1)', [
      migrations.length,
    ]);
  });
}
