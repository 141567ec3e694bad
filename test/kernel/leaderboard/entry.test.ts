import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import {
  differenceSchema,
  differencesOf,
  entryId,
  entryText,
  mostBytes,
  parseEntry,
  pathOf,
  type Entry,
} from '../../../kernel/leaderboard/entry.ts';
import { readEntry } from '../../../kernel/leaderboard/store.ts';
import { temporary } from '../cli/run.ts';
import { entryOf } from './entries.ts';

describe('an entry', () => {
  const entry = entryOf();
  const parse = (change: object) => parseEntry(JSON.stringify({ ...entry, ...change }), 'x.json');

  it('is the same after it was written and read', () =>
    assert.deepEqual(parseEntry(entryText(entry), 'x.json'), entry));

  it('has an id that every change changes, but for verifications', () => {
    for (const change of [{ by: 'B' }, { recipe: null }, { submitted: '2026-01-03T00:00:00.000Z' }])
      assert.notEqual(entryId({ ...entry, ...change }), entry.id);
    const record = { ...entry.records[0]!, pruned: { ...entry.records[0]!.pruned, scores: { accuracy: 0.81 } } };
    assert.notEqual(entryId({ ...entry, records: [record] }), entry.id);
    assert.equal(entryId({ ...entry, verifications: [{}] as never }), entry.id);
  });

  it('lies in the folder of its model and data set, named by method, strategy, speed-up and id', () =>
    assert.equal(pathOf(entry), `net-data/a-global-2x-${entry.id}.json`));

  const [record] = entry.records;
  const inRecord = (change: object) => ({ records: [{ ...record, ...change }] });
  const configured = (change: object) => inRecord({ configuration: { ...record!.configuration, ...change } });
  const refused: [what: string, change: object, message: RegExp][] = [
    ['a field that is not known', { rank: 1 }, /x\.json: Unrecognized key: "rank"/],
    ['a derived number in a record', inRecord({ delta: -1 }), /records\.0: Unrecognized key: "delta"/],
    [
      'a number as text',
      inRecord({ base: { ...record!.base, macs: '4000' } }),
      /records\.0\.base\.macs: .*received string/,
    ],
    ['a number that is null', inRecord({ base: { ...record!.base, params: null } }), /base\.params: .*received null/],
    ['a list that is an object', { records: { 0: record } }, /records: .*expected array/],
    ['no record', { records: [] }, /records: Too small/],
    ['another version', { version: 2 }, /version: /],
    ['an id that is a path', { id: '../../../x' }, /id: expected 12 hexadecimal digits/],
    ['a model that is a path', configured({ model: { id: '../..', options: {} } }), /"\.\.\/\.\.": a name is letters/],
    ['a criterion that is a tag', configured({ criterion: { id: '<script>', options: {} } }), /"<script>": a name is/],
    ['a name that writes over the terminal', { by: 'A\u001b[2J' }, /by: has control characters/],
    ['a name that turns the direction', { by: 'A\u202eB' }, /by: has control characters/],
    ['an empty name', { by: '' }, /by: Too small/],
    ['a name of a megabyte', { by: 'x'.repeat(2 ** 20) }, /by: Too big/],
    ['an address that runs code', { links: { paper: 'javascript:alert(1)' } }, /links\.paper: Invalid URL/],
    ['an address that is not https', { links: { code: 'http://example.org' } }, /links\.code: Invalid URL/],
    ['a division there is not', { division: 'half-open' }, /division: /],
    ['a date that is none', { submitted: 'yesterday' }, /submitted: /],
  ];
  for (const [what, change, message] of refused)
    it(`refuses ${what}`, () => assert.throws(() => parse(change), message));

  const text = JSON.stringify(entry);
  for (const [what, content, message] of [
    ['NaN', text.replace('"score":"accuracy"', '"score":NaN'), /x\.json: not JSON/],
    ['a number past all bounds', text.replace('"params":1000', '"params":1e999'), /base\.params: /],
    ['a part of a file', text.slice(0, 500), /x\.json: not JSON/],
    ['a prototype', text.replace('{"version"', '{"__proto__":{"by":"B"},"version"'), /Unrecognized key: "__proto__"/],
    ['depth without end', '['.repeat(1e6), /x\.json: /],
    ['null', 'null', /x\.json: Invalid input/],
  ] as const)
    it(`refuses ${what}`, () => assert.throws(() => parseEntry(content, 'x.json'), message));

  it('a file larger than an entry can be is not read', async () => {
    const folder = temporary();
    writeFileSync(folder.path('x.json'), '');
    truncateSync(folder.path('x.json'), mostBytes + 1);
    await assert.rejects(readEntry(folder.path('x.json')), /x\.json: 8388609 bytes, an entry has 8388608 at most/);
    await assert.rejects(readEntry(folder.path()), /: is no file/);
    await assert.rejects(readEntry(folder.path('y.json')), /no file .*y\.json/);
    folder.remove();
  });

  it('keys in another order give the same id', () => {
    const turned = Object.fromEntries(Object.entries(entry).reverse()) as unknown as Entry;
    assert.equal(entryId(turned), entry.id);
  });

  it('can hold every difference, however long it is and whatever is in it', () => {
    const [long, coded] = differencesOf(
      { ['x'.repeat(400)]: 'a'.repeat(3000), code: 'a\u001b[2J' },
      { ['x'.repeat(400)]: `${'a'.repeat(3000)}b`, code: '' },
    );
    assert.deepEqual([long!.what.length, long!.here.length], [300, 2000]);
    assert.deepEqual(coded, { what: 'code', entry: 'a\ufffd[2J', here: 'none' });
    for (const difference of [long, coded]) differenceSchema.parse(difference);
  });
});
