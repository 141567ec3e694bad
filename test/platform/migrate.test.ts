import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { migrate } from '../../plugins/platform/database/migrate.ts';
import { migrations } from '../../plugins/platform/database/migrations.ts';
import { databaseKinds, databasesOf } from './databases.ts';

/** SHA-256 of what people's databases were made with: these stay as they are, what changes is a new one. */
const released = ['aaa8e410866ac56a27c2c10a808c427710a97035b0c197995ffee0041cd01665'];

describe('the tables', () => {
  it('come from migrations that stay as they were released', () => {
    const sums = migrations.map(migration => createHash('sha256').update(migration).digest('hex'));
    assert.deepEqual(sums, released);
  });

  for (const kind of databaseKinds)
    describe(`in ${kind}`, () => {
      const open = databasesOf(kind);

      it('are made once by however many start together', async () => {
        const database = await open();
        await database.sql('drop schema pruningbench cascade');
        await Promise.all([migrate(database), migrate(database)]);
        const rows = await database.sql<{ version: number }>('select version from pruningbench.version');
        assert.deepEqual(rows, [{ version: migrations.length }]);
      });

      it('are left alone where a newer version has changed them', async () => {
        const database = await open();
        const newer = migrations.length + 1;
        await database.sql('update pruningbench.version set version = $1', [newer]);
        await assert.rejects(migrate(database), {
          message: `the database is of version ${newer}, this pruningbench knows ${migrations.length}: use a newer one`,
        });
        assert.deepEqual(await database.sql('select version from pruningbench.version'), [{ version: newer }]);
      });
    });
});
