import assert from 'node:assert/strict';
import {
  appendVerification,
  current,
  findEntry,
  readEntries,
  supersedingProblems,
  writeEntry,
} from '../../../kernel/leaderboard/store.ts';
import type { Verification } from '../../../kernel/leaderboard/entry.ts';
import { rerunOf } from '../../../kernel/leaderboard/outcome.ts';
import { temporary } from '../cli/run.ts';
import { entryOf, stored } from './entries.ts';

const superseding = (id: string, by = 'A') => entryOf({ by, supersedes: { id, reason: 'it was wrong' } });

describe('superseded entries', () => {
  const first = entryOf();
  const second = superseding(first.id);
  const third = superseding(second.id);
  const other = entryOf({ by: 'B' });

  it('of a chain the last one counts, in whatever order the files are', () => {
    for (const list of [
      [first, second, third, other],
      [other, third, second, first],
    ])
      assert.deepEqual(
        current(list.map(stored))
          .map(({ entry }) => entry.id)
          .sort(),
        [third.id, other.id].sort(),
      );
  });
  it('stay there: an entry cannot supersede one that is not', () =>
    assert.throws(
      () => current([stored(third), stored(first)]),
      new RegExp(`supersedes ${second.id}, which is not there`),
    ));
  it('two cannot supersede the same one', () => {
    const [problem] = supersedingProblems([first, second, superseding(first.id, 'B')].map(stored));
    assert.match(problem!, new RegExp(`supersedes ${first.id}, as boards/.*${second.id}.json does`));
  });
  it('a cycle is told', () => {
    // Ids are hashes, so that only a forged file can do it.
    const [a, b] = ['a'.repeat(12), 'b'.repeat(12)];
    const cycle = [
      entryOf({ id: a, supersedes: { id: b, reason: '-' } }),
      entryOf({ id: b, supersedes: { id: a, reason: '-' } }),
    ].map(stored);
    assert.throws(() => current(cycle), new RegExp(`supersedes itself, by way of ${a}, ${b}`));
    assert.throws(() => current([stored(entryOf({ id: a, supersedes: { id: a, reason: '-' } }))]), /supersedes itself/);
  });
});

describe('the folder of leaderboards', () => {
  const folder = temporary();
  after(() => folder.remove());
  const entry = entryOf();

  it('where there is none, there are no entries', async () =>
    assert.deepEqual(await readEntries(folder.path('no')), []));
  it('an entry is found by its id and by its file', async () => {
    const file = await writeEntry(folder.path(), entry);
    assert.deepEqual(await readEntries(folder.path()), [{ file, entry }]);
    assert.deepEqual(await findEntry(entry.id, folder.path()), { file, entry });
    assert.deepEqual(await findEntry(file, 'nowhere'), { file, entry });
    await assert.rejects(findEntry('0'.repeat(12), folder.path()), /no entry 000000000000 in /);
  });
  it('verifications are appended and change nothing else', async () => {
    const { file } = await findEntry(entry.id, folder.path());
    const [record] = entry.records;
    const verification: Verification = {
      created: '2026-01-03T00:00:00.000Z',
      by: 'B',
      outcome: 'reproduced',
      tolerance: 1,
      runs: [rerunOf(record!)],
      differences: [],
      provenance: record!.provenance,
    };
    await appendVerification(file, verification);
    await appendVerification(file, { ...verification, by: 'C' });
    const { entry: verified } = await findEntry(entry.id, folder.path());
    assert.deepEqual(verified, { ...entry, verifications: [verification, { ...verification, by: 'C' }] });
  });
});
