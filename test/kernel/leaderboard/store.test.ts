import assert from 'node:assert/strict';
import {
  appendVerification,
  current,
  findEntry,
  readEntries,
  readEntriesIfAny,
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
    assert.match(problem!.what, new RegExp(`^supersedes ${first.id}, as boards/.*${second.id}.json does`));
    assert.match(problem!.files[1]!, new RegExp(`${second.id}.json$`));
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

  it('where there is none, it is named, but for the first who submits', async () => {
    await assert.rejects(readEntries(folder.path('no')), { message: `leaderboards: no folder ${folder.path('no')}` });
    await assert.rejects(readEntries('package.json'), { message: 'leaderboards: no folder package.json' });
    assert.deepEqual(await readEntriesIfAny(folder.path('no')), []);
  });
  it('an entry is found by its id and by its file', async () => {
    const file = await writeEntry(folder.path(), entry);
    assert.deepEqual(await readEntries(folder.path()), [{ file, entry }]);
    assert.deepEqual(await findEntry(entry.id, folder.path()), { file, entry });
    assert.deepEqual(await findEntry(file, 'nowhere'), { file, entry });
    await assert.rejects(findEntry('0'.repeat(12), folder.path()), /no entry 000000000000 in /);
  });
  it('an entry is found by the beginning of its id; where several begin so, they are named', async () => {
    const others = ['B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q'].map(by =>
      entryOf({ by }),
    );
    for (const other of others) await writeEntry(folder.path('many'), other);
    // Seventeen ids cannot begin with sixteen digits.
    await writeEntry(folder.path('many'), entry);
    const ids = [entry, ...others].map(({ id }) => id);
    for (const wanted of ids.map(id => id.slice(0, 6)))
      assert.ok((await findEntry(wanted, folder.path('many'))).entry.id.startsWith(wanted));
    const first = ids.map(id => id[0]!).find((digit, i, all) => all.indexOf(digit) < i)!;
    const message = await findEntry(first, folder.path('many')).catch((error: Error) => error.message);
    const [head, ...files] = (message as string).split('\n  ');
    const named = ids.filter(id => id.startsWith(first));
    assert.equal(head, `entry ${first}: ${named.length} begin with it`);
    assert.deepEqual(files.map(file => file.slice(-17, -5)).sort(), named.sort());
  });
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
  it('verifications are appended and change nothing else', async () => {
    const { file } = await findEntry(entry.id, folder.path());
    await appendVerification(file, verification);
    await appendVerification(file, { ...verification, by: 'C' });
    const { entry: verified } = await findEntry(entry.id, folder.path());
    assert.deepEqual(verified, { ...entry, verifications: [verification, { ...verification, by: 'C' }] });
  });

  const configured = (change: object) =>
    entryOf({}, [{ ...record!, configuration: { ...record!.configuration, ...change } }]);
  const { protocol, dataset } = record!.configuration;
  const unreadable: [what: string, write: () => Promise<unknown>, message: RegExp][] = [
    [
      'a protocol whose name has a space',
      () => writeEntry(folder.path('strict'), configured({ protocol: { ...protocol, name: 'my recipe' } })),
      /records\.0\.configuration\.protocol\.name: "my recipe": a name is letters/,
    ],
    [
      'a data set whose name has a space',
      () => writeEntry(folder.path('strict'), configured({ dataset: { ...dataset, id: 'my data' } })),
      /records\.0\.configuration\.dataset\.id: "my data": a name is letters/,
    ],
    [
      'more than an entry can have',
      () => writeEntry(folder.path('strict'), entryOf({ recipe: 'x'.repeat(9 * 2 ** 20) })),
      /\d+ bytes, an entry has 8388608 at most/,
    ],
    [
      'a verification by a name of 81 characters',
      async () => appendVerification(await strict(), { ...verification, by: 'x'.repeat(81) }),
      /verifications\.0\.by: Too big/,
    ],
    [
      'a tolerance that JSON does not have',
      async () => appendVerification(await strict(), { ...verification, tolerance: Infinity }),
      /verifications\.0\.tolerance: .*received null/,
    ],
  ];
  const strict = () => writeEntry(folder.path('strict'), entry);
  for (const [what, write, message] of unreadable)
    it(`is not written ${what}, which could not be read again`, async () => {
      await strict();
      await assert.rejects(write(), message);
      assert.deepEqual(
        (await readEntries(folder.path('strict'))).map(({ entry }) => entry),
        [entry],
      );
    });
});
