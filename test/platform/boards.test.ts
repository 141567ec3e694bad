import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { writeEntry } from '../../kernel/leaderboard/store.ts';
import type { Database } from '../../plugins/platform/database/database.ts';
import { Boards } from '../../plugins/platform/server/boards.ts';
import { temporary } from '../kernel/cli/run.ts';
import { entryOf } from '../kernel/leaderboard/entries.ts';

describe('boards of the entries', () => {
  const folder = temporary();
  after(() => folder.remove());

  it('are there again once a file that cannot be read is gone', async () => {
    await writeEntry(folder.path(), entryOf());
    const broken = folder.path('net-data', 'broken.json');
    writeFileSync(broken, '{');
    const boards = new Boards({ sql: () => Promise.resolve([]) } as unknown as Database, folder.path());
    await assert.rejects(boards.rows({ source: 'entries' }), /broken\.json: not JSON/);
    rmSync(broken);
    assert.deepEqual(
      (await boards.rows({ source: 'entries' })).map(({ method }) => method),
      ['a'],
    );
  });
});
