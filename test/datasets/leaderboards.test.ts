import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { catalogue } from '../../plugins/catalogue.ts';
import { problems } from '../../kernel/leaderboard/check.ts';
import { entryText } from '../../kernel/leaderboard/entry.ts';
import { leaderboardsFolder, readEntries } from '../../kernel/leaderboard/store.ts';
import { readFile } from 'node:fs/promises';

describe('the entries of the leaderboards', () => {
  it('are valid, every one: schema, names, ids, recipes, sizes counted anew', async () => {
    const entries = await readEntries();
    assert.ok(entries.length > 0);
    assert.deepEqual(problems(entries, catalogue), []);
  }).timeout(300_000);

  it('are written as entries are, number for number', async () => {
    for (const { file, entry } of await readEntries())
      assert.equal(await readFile(file, 'utf8'), entryText(entry), file);
  });

  it('are found from elsewhere too, in the package', async () => {
    const [here, elsewhere] = [leaderboardsFolder(), leaderboardsFolder('/')];
    assert.deepEqual(readdirSync(elsewhere), readdirSync(here));
  });
});
