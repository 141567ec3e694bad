import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Entry, Verification } from '../../../kernel/leaderboard/entry.ts';
import type { Standing } from '../../../kernel/bench/leaderboard.ts';
import { relative } from 'node:path';
import { line, run, temporary } from './run.ts';

const plugin = '--plugin test/kernel/cli/fixtures/variety.ts';

/** A criterion of one's own goes through check, run, record, submission and verification. */
describe('leaderboard entries on the command line', function () {
  this.timeout(120_000);
  const folder = temporary();
  after(() => folder.remove());
  const boards = `--leaderboards ${folder.path('boards')}`;
  let file: string;
  let id: string;
  const well = async (typed: string): Promise<string> => {
    const { code, out, err } = await line(typed);
    assert.deepEqual([code, code ? err : ''], [0, '']);
    return out;
  };
  const entry = () => JSON.parse(readFileSync(file, 'utf8')) as Entry;

  before(async () => {
    const short = folder.path('short.json');
    const training = { epochs: 1, batch: 32 };
    writeFileSync(
      short,
      JSON.stringify({ name: 'short', base: training, finetune: training, steps: 20, latency: { repeats: 0 } }),
    );
    await well(`check-plugin test/kernel/cli/fixtures/variety.ts --backend cpu`);
    await well(
      `bench ${plugin} --methods variety --model tiny --dataset shapes:train=64,test=32 --protocol ${short} --seeds 0,1 --backend cpu --out ${folder.path('run')}`,
    );
    const [made] = JSON.parse(
      await well(
        `leaderboard submit ${folder.path('run')} ${plugin} --by A.Name --division open --recipe short --code https://example.org/v ${boards} --json`,
      ),
    ) as { id: string; file: string; seeds: number }[];
    assert.equal(made!.seeds, 2);
    ({ id, file } = made!);
  });

  it('are written with the plugin, by name and checksum', () => {
    const { plugins, by, links, records } = entry();
    assert.equal(plugins.length, 1);
    const [source] = plugins;
    assert.deepEqual([source!.kind, source!.name, source!.provides], ['file', 'variety.ts', ['criterion variety']]);
    assert.deepEqual([by, links, records.length], ['A.Name', { code: 'https://example.org/v' }, 2]);
    assert.ok(file.endsWith(`boards/tiny-shapes/variety-protected-global-2x-${id}.json`));
  });
  it('are valid without the plugin, since the entry names it', async () =>
    assert.equal(await well(`leaderboard check ${boards}`), '1 entry is valid\n'));
  it('are shown, and legends say what columns mean', async () => {
    const out = await well(`leaderboard ${boards}`);
    assert.match(out, /variety .* reported .* A\.Name/);
    assert.match(out, /\nspread +sample deviation/);
    const [row] = JSON.parse(await well(`leaderboard show ${boards} --json`)) as Standing[];
    assert.deepEqual([row!.entry, row!.division, row!.runs], [id, 'open', 2]);
  });
  it('are verified by running them again, which is noted', async () => {
    const out = await well(
      `leaderboard verify ${id.slice(0, 6)} ${plugin} --by B.Name --out ${folder.path('run')} --backend cpu ${boards}`,
    );
    assert.match(out, /^reproduced: the same seeds gave the same numbers\nseed 0: score .*\nseed 1: /);
    assert.match(out, /noted in .*\n$/);
    assert.deepEqual(
      entry().verifications.map(({ by, outcome }) => [by, outcome]),
      [['B.Name', 'reproduced']],
    );
    assert.ok(existsSync(folder.path('run', 'records')) && !existsSync(folder.path('run', `verify-${id}`)));
    assert.match(await well(`leaderboard ${boards}`), /variety .* reproduced /);
    const dry = await well(`leaderboard verify ${file} ${plugin} --seeds 1 --dry --backend cpu ${boards} --json`);
    assert.deepEqual(
      (JSON.parse(dry) as Verification).runs.map(({ seed }) => seed),
      [1],
    );
    assert.equal(entry().verifications.length, 1);
  });
  it('make a page', async () => {
    assert.match(
      await well(`leaderboard page --out ${folder.path('site')} ${boards}`),
      /^wrote .*site\/index\.html\n$/,
    );
    assert.match(readFileSync(folder.path('site', 'index.html'), 'utf8'), /<td>variety<\/td>/);
  });

  const refused = async (argv: string[], message: RegExp, code = 1) => {
    const result = await run([...argv, ...boards.split(' ')]);
    assert.match(result.err, message);
    assert.equal(result.code, code);
  };
  it('need the plugin to be verified', () =>
    refused(
      ['leaderboard', 'verify', id, '--backend', 'cpu'],
      /criterion variety comes from file variety\.ts, sha256 [0-9a-f]{12}, which has to be given/,
    ));
  it('are not submitted twice', () =>
    refused(
      [
        'leaderboard',
        'submit',
        folder.path('run'),
        ...plugin.split(' '),
        '--by',
        'B',
        '--division',
        'open',
        '--recipe',
        'x',
      ],
      /to run it again is to verify that entry/,
    ));
  it('need somebody who submits', () => refused(['leaderboard', 'submit', folder.path('run')], /--by is required/, 2));
  it('a plugin of several files is none of an entry', () =>
    refused(
      ['leaderboard', 'submit', folder.path('run'), '--plugin', 'test/kernel/cli/fixtures/own.ts', '--by', 'B'],
      /own\.ts: imports \.\.\/.*; an entry's plugin is one file, or a package/,
    ));
  it('that were changed are found by check', async () => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"recipe": "short"', '"recipe": "long"'));
    await refused(['leaderboard', 'check'], /1 problem in 1 entry/);
    writeFileSync(file, '{');
    await refused(['leaderboard', 'check', file], /1 problem in 1 entry/);
    writeFileSync(file, text);
  });
  it('a file that is given by another path is the same one', async () =>
    assert.equal(await well(`leaderboard check ${relative('.', file)} ${boards}`), '1 entry is valid\n'));
  for (const command of ['check', 'page', 'show', `verify ${'0'.repeat(12)}`])
    it(`${command} tells a folder that is not there`, async () => {
      const { code, out, err } = await line(`leaderboard ${command} --leaderboards ${folder.path('no')}`);
      assert.deepEqual([code, out, err], [1, '', `error: leaderboards: no folder ${folder.path('no')}\n`]);
    });
});
