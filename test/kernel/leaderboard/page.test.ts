import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Standing } from '../../../kernel/bench/leaderboard.ts';
import { entryStandings } from '../../../kernel/leaderboard/board.ts';
import { markup, Markup } from '../../../kernel/leaderboard/markup.ts';
import { leaderboardPage } from '../../../kernel/leaderboard/page.ts';
import { rerunOf } from '../../../kernel/leaderboard/outcome.ts';
import { recordOf } from '../bench/records.ts';
import { entryOf, stored } from './entries.ts';

const hostile = '<script>alert(1)</script>"\'&';
const seeds = (criterion: string, scores: readonly number[], speedup = 2, latency?: number) =>
  scores.map((score, seed) =>
    recordOf({ criterion, score, speedup, seed, ...(latency === undefined ? {} : { latency }) }),
  );
const pick = (rows: readonly Standing[], ...keys: (keyof Standing)[]) => rows.map(row => keys.map(key => row[key]));

describe('standings of entries', () => {
  it('have a line for each, with mean and spread over its seeds, ranked within the division', () => {
    const a = entryOf({ by: 'A' }, seeds('a', [0.7, 0.8, 0.9]));
    const b = entryOf({ by: 'B', division: 'closed' }, seeds('b', [0.75]));
    const c = entryOf({ by: 'C' }, seeds('c', [0.85]));
    const rows = entryStandings([a, b, c].map(stored)).map(row => ({ ...row, score: Math.round(row.score) }));
    assert.deepEqual(pick(rows, 'division', 'rank', 'by', 'score', 'runs', 'entry', 'status'), [
      ['closed', 1, 'B', 75, 1, b.id, 'reported'],
      ['open', 1, 'C', 85, 1, c.id, 'reported'],
      ['open', 2, 'A', 80, 3, a.id, 'reported'],
    ]);
    assert.ok(Math.abs(rows[2]!.spread! - 10) < 1e-9);
  });
  it('leave out what is superseded, and say what verifications did', () => {
    const old = entryOf({}, seeds('a', [0.9]));
    const [record] = seeds('a', [0.8]);
    const verification = {
      created: '2026-01-03T00:00:00.000Z',
      by: 'B',
      outcome: 'reproduced' as const,
      tolerance: 1,
      runs: [rerunOf(record!)],
      differences: [],
      provenance: record!.provenance,
    };
    const supersedes = { id: old.id, reason: 'it was wrong' };
    const corrected = entryOf({ supersedes, verifications: [verification] }, [record!]);
    assert.deepEqual(pick(entryStandings([old, corrected].map(stored)), 'entry', 'score', 'status'), [
      [corrected.id, 80, 'reproduced'],
    ]);
  });
  it('are apart for two that do the same, and together for two backends', () => {
    const a = entryOf({ by: 'A' }, seeds('a', [0.7]));
    const [record] = seeds('a', [0.8]);
    const other = {
      ...record!,
      id: 'other',
      configuration: { ...record!.configuration, backend: 'tensorflow', seed: 1 },
    };
    const rows = entryStandings([a, entryOf({ by: 'B' }, [other])].map(stored));
    assert.deepEqual(pick(rows, 'by', 'method', 'rank', 'runs'), [
      ['B', 'a', 1, 1],
      ['A', 'a', 2, 1],
    ]);
  });
});

describe('the page of leaderboards', () => {
  const entries = [
    entryOf({ by: 'A', links: { paper: 'https://example.org/p' } }, seeds('a', [0.7, 0.9], 2, 4)),
    entryOf({ by: 'A', recipe: hostile }, seeds('a', [0.6], 4)),
    entryOf({ by: hostile }, seeds('b', [0.85], 4)),
  ].map(stored);
  let page: string;
  before(async () => void (page = await leaderboardPage(entries)));

  it('has a row for every entry, ranks across speed-ups, and what can be filtered by', () => {
    for (const { entry } of entries)
      assert.match(page, new RegExp(`<tr id="e-${entry.id}" tabindex="-1" data-model="net x0.5"`));
    const [ranks] = /<table>[^]*?<\/table>/.exec(page)!;
    const cells = ranks.replace(/(\s*<[^>]*>\s*)+/g, ' ');
    assert.match(cells, /method 2x 4x by/);
    assert.match(cells, /a 1 80\.00 ± 14\.14 2 60\.00 A/);
    assert.ok(page.includes('<p>All entries: strategy global, protocol own-recipe, division open.</p>'));
    for (const name of ['model', 'dataset', 'protocol', 'strategy', 'division', 'status'])
      assert.match(
        page,
        new RegExp(`<select name="${name}">\\s*<option value="">all</option>\\s*<option value="[^"]+">`),
      );
  });
  it('has columns for what entries differ in, and says the rest once', async () => {
    const local = entryOf({ by: 'A' }, [recordOf({ criterion: 'c', score: 0.5, strategy: 'local' })]);
    const other = await leaderboardPage([...entries, stored(local)]);
    for (const columns of [/2x<\/th>.*strategy<\/th>.*by<\/th>/s, /latency<\/th>.*strategy<\/th>.*status<\/th>/s]) {
      assert.match(other, columns);
      assert.doesNotMatch(page, columns);
    }
    assert.ok(other.includes('<p>All entries: protocol own-recipe, division open.</p>'));
  });
  it('has a chart against multiply-adds, and one against latency where it was measured; points lead to rows', async () => {
    assert.equal(page.match(/<svg/g)!.length, 2);
    const first = page.indexOf('<svg');
    const svg = page.slice(first, page.indexOf('</svg>', first));
    for (const { entry } of entries) assert.ok(svg.includes(`xlink:href="#e-${entry.id}"`));
    const [, without] = entries;
    assert.equal((await leaderboardPage([without!])).match(/<svg/g)!.length, 1);
  });
  it('lets nobody put code into it', () => {
    assert.equal(page.match(/<script/g)!.length, 1);
    assert.ok(!page.includes('alert(1)</script>'));
    assert.ok(page.includes('&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;'));
    // Names in charts are escaped by vega.
    assert.doesNotMatch(page, / on\w+=/);
  });
  it('runs its own script alone, and fetches nothing', () => {
    const [, script] = /<script>([^]*?)<\/script>/.exec(page)!;
    const hash = createHash('sha256').update(script!).digest('base64');
    const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page)!;
    assert.ok(policy!.replaceAll('&#39;', "'").includes(`script-src 'sha256-${hash}'`));
    assert.match(policy!, /^default-src &#39;none&#39;/);
    assert.doesNotThrow(() => new Function(script!));
    assert.doesNotMatch(
      page,
      /<(link|img|image|iframe|object|embed|base)\b|@import|url\((?!#)|\b(src|srcset|action|poster)=/i,
    );
    const addresses = page.replace(/ xmlns(:\w+)?="[^"]*"/g, '').match(/\w+:\/\/\w[^"]*/g);
    assert.deepEqual(addresses, ['https://example.org/p']);
  });
  it('without entries says so', async () => assert.match(await leaderboardPage([]), /There are no entries/));
});

describe('markup', () => {
  it('escapes whatever is no markup', () => {
    const { text } = markup`<p title="${'"<'}">${['<', new Markup('<b>'), null, 3]}</p>`;
    assert.equal(text, '<p title="&#34;&#60;">&#60;<b>3</p>');
  });
});
