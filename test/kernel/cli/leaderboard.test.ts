import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Standing } from '../../../kernel/bench/leaderboard.ts';
import { writeRecord, type RunRecord } from '../../../kernel/bench/record.ts';
import { recordOf } from '../bench/records.ts';
import { line, temporary } from './run.ts';

describe('leaderboard', () => {
  let folder: ReturnType<typeof temporary>;
  let a: string;
  let b: string;
  const put = async (where: string, ...records: RunRecord[]): Promise<void> => {
    for (const record of records) await writeRecord(where, record);
  };
  beforeEach(async () => {
    folder = temporary();
    [a, b] = [folder.path('a'), folder.path('b')];
    await put(
      a,
      recordOf({ criterion: 'worse', score: 0.7 }),
      recordOf({ criterion: 'better', score: 0.8, latency: 4 }),
    );
    await put(
      b,
      recordOf({ criterion: 'other', score: 0.75 }),
      recordOf({ criterion: 'other', score: 0.6, speedup: 4 }),
    );
  });
  afterEach(() => folder.remove());

  const rows = async (...folders: string[]) => {
    const { code, out, err } = await line(`leaderboard ${folders.join(' ')} --json`);
    assert.deepEqual([code, err], [0, '']);
    return JSON.parse(out) as Standing[];
  };

  it('shows a table, best first', async () => {
    const { code, out, err } = await line(`leaderboard ${a}`);
    assert.deepEqual([code, err], [0, '']);
    const [caption, head, rule, ...rest] = out.trimEnd().split('\n');
    assert.equal(caption, 'net x0.5 on data, protocol test, strategy global');
    const lines = rest.slice(0, rest.indexOf(''));
    const headings = new Set(head!.split(/ {2,}/));
    const told = rest.slice(rest.indexOf('') + 1).map(text => text.split(/ {2,}/)[0]!);
    assert.deepEqual(
      told,
      [...headings].filter(name => !['rank', 'method'].includes(name)),
    );
    assert.match(head!, /^speed-up +rank +method +base +before +recalibrated +score +delta /);
    assert.match(rule!, /^─+( {2}─+)+$/);
    assert.deepEqual(
      lines.map(text => text.trim().split(/\s+/).slice(0, 8)),
      [
        ['2x', '1', 'better', '90.00', '10.00', '20.00', '80.00', '-10.00'],
        ['2x', '2', 'worse', '90.00', '10.00', '20.00', '70.00', '-20.00'],
      ],
    );
    assert.match(lines[0]!, / 50\.0 % .* 2\.50x +2\.50x +200\.0 ms$/);
    assert.match(lines[1]!, / 2\.50x +200\.0 ms$/);
  });

  it('as JSON has what the records come to', async () => {
    const [better, worse] = await rows(a);
    const { model, dataset, protocol, strategy, speedup, method, rank, runs, spread } = better!;
    assert.deepEqual([model, dataset, protocol, strategy, speedup], ['net x0.5', 'data', 'test', 'global', 2]);
    assert.deepEqual([method, rank, runs, spread], ['better', 1, 1, null]);
    assert.deepEqual([better!.latencyRatio, worse!.latencyRatio, worse!.rank], [2.5, null, 2]);
  });

  it('ranks the records of several folders together', async () => {
    const ranks = (await rows(a, b)).map(({ speedup, rank, method }) => [speedup, rank, method]);
    assert.deepEqual(ranks, [
      [2, 1, 'better'],
      [2, 2, 'other'],
      [2, 3, 'worse'],
      [4, 1, 'other'],
    ]);
  });

  it('counts a record once, in however many folders it is', async () => {
    await put(b, recordOf({ criterion: 'worse', score: 0.7 }));
    for (const { runs, spread } of await rows(a, b, a)) assert.deepEqual([runs, spread], [1, null]);
  });

  it('puts seeds together', async () => {
    await put(a, recordOf({ criterion: 'worse', score: 0.74, seed: 1 }));
    const { runs, score } = (await rows(a)).find(({ method }) => method === 'worse')!;
    assert.deepEqual([runs, score.toFixed(6)], [2, '72.000000']);
    assert.match((await line(`leaderboard ${a}`)).out, /\nspeed-up .* spread +runs +delta/);
  });

  it('writes a page with charts that needs no network', async () => {
    await put(a, recordOf({ criterion: 'a<b', score: 0.5 }));
    const html = folder.path('pages', 'leaderboard.html');
    const { code, out, err } = await line(`leaderboard ${a} --html ${html}`);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /\nspeed-up [\s\S]* better [\s\S]*\n$/);
    assert.ok(out.endsWith(`\nwrote ${html}\n`));
    const page = readFileSync(html, 'utf8');
    assert.match(page, /^<!doctype html>[\s\S]*<title>Leaderboard<\/title>[\s\S]*<\/html>\n$/);
    assert.match(page, /<td[^>]*>better<\/td>/);
    assert.match(page, /<caption[^>]*>net x0.5 on data, protocol test, strategy global<\/caption>/);
    assert.doesNotMatch(page, />Code</);
    assert.equal(page.match(/<svg/g)!.length, 5);
    for (const shown of ['net x0.5 on data', 'before and after fine-tuning', 'ranks', 'channels kept per group at 2x'])
      assert.ok(page.includes(`>${shown}</text>`), shown);
    assert.ok(!page.includes('a<b') && page.includes('a&lt;b'));

    assert.doesNotMatch(page, /<(script|link|img|image|iframe|object|embed|base|form)\b/i);
    assert.doesNotMatch(page, /@import|url\((?!#)|\b(src|srcset|data|action|poster)=/i);
    for (const [, target] of page.matchAll(/href="([^"]*)"/g)) assert.match(target!, /^#/);
    // Names of namespaces are never fetched.
    const addresses = page.replace(/ xmlns(:\w+)?="[^"]*"/g, '').match(/(\w+:)?\/\/\w+/g);
    assert.deepEqual(addresses ?? [], []);
  });

  it('writes it beside the JSON too, which says nothing of it', async () => {
    const html = folder.path('leaderboard.html');
    const { out } = await line(`leaderboard ${a} --html ${html} --json`);
    assert.deepEqual(JSON.parse(out), await rows(a));
    assert.match(readFileSync(html, 'utf8'), /<svg/);
  });

  describe('refuses', () => {
    const refused = async (typed: string, expected: number, message: RegExp): Promise<void> => {
      const html = folder.path('page.html');
      const { code, out, err } = await line(`leaderboard ${typed} --html ${html}`);
      assert.match(err, message);
      assert.deepEqual([code, out, err.split('\n').length], [expected, '', 2]);
      assert.ok(!existsSync(html));
    };
    const damaged = (content: unknown): void =>
      writeFileSync(
        folder.path('a', 'records', 'x.json'),
        typeof content === 'string' ? content : JSON.stringify(content),
      );
    const record = () => recordOf({ criterion: 'c', score: 0.5 });

    it('a page of records without a folder', async () => {
      const { code, err } = await line('leaderboard --html x.html');
      assert.deepEqual([code, err.slice(0, 44)], [2, 'error: --html x.html: needs folders of recor']);
    });
    it('an unknown flag', () => refused(`${a} --htm x`, 2, /unknown option '--htm' \(Did you mean --html\?\)/));
    it('a folder that is not there', () => refused(`${a} nowhere`, 1, /^error: no records in nowhere\n/));
    it('a folder of something else', () => refused('kernel', 1, /^error: no records in kernel\n/));
    it('a folder without a record', async () => {
      mkdirSync(folder.path('empty', 'records'), { recursive: true });
      await refused(`${a} ${folder.path('empty')}`, 1, /^error: no records in .*empty\n/);
    });
    it('a file of something else', () => refused('package.json', 1, /^error: record package\.json: version: Invalid/));
    it('a record that is no JSON', async () => {
      damaged('{"version": 1');
      await refused(a, 1, /^error: record x\.json: not JSON\n/);
    });
    it('a record that lacks something', async () => {
      const { pruned: _, ...rest } = record();
      damaged(rest);
      await refused(a, 1, /^error: record x\.json: pruned: Invalid input: expected object/);
    });
    it('a record with a number as text', async () => {
      damaged({ ...record(), base: { ...record().base, macs: '4000' } });
      await refused(a, 1, /^error: record x\.json: base\.macs: Invalid input: expected number, received string/);
    });
    it('a record of another version', async () => {
      damaged({ ...record(), version: 2 });
      await refused(a, 1, /^error: record x\.json: version: Invalid input: expected 1/);
    });
  });
});
