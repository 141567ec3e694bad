import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashOf, writeRecord, type RunRecord } from '../../kernel/bench/record.ts';
import { formatNotebook, parseNotebook, stripNotebook } from '../../kernel/jupyter/index.ts';
import { catalogue } from '../../plugins/catalogue.ts';
import { experimentNotebook } from '../../plugins/experiments/notebook.ts';
import { recordOf } from '../kernel/bench/records.ts';
import { smallest } from './smallest.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'dist/plugins/bin.js');
const run = (...args: string[]) => promisify(execFile)(process.execPath, [bin, ...args], { cwd: root });

/** The parameter that says where a notebook writes. */
const writing: Readonly<Record<string, string>> = {
  '00-quickstart.ipynb': 'out',
  '04-your-model.ipynb': 'folder',
  '05-onnx.ipynb': 'folder',
  '08-leaderboard.ipynb': 'folder',
};

const given = (parameters: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(parameters).flatMap(([name, value]) => ['--parameter', `${name}=${JSON.stringify(value)}`]);

/** Two strategies at two speed-ups, each with three criteria and a regularizer, as of a model that the paper has. */
const ownRecords = (): RunRecord[] =>
  ['local', 'protected-global'].flatMap((strategy, s) =>
    [2, 4].flatMap(speedup =>
      ['magnitude-l1', 'magnitude-l2', 'random', 'magnitude-l2 + group-norm'].map((method, i) => {
        const [criterion, regularizer] = method.split(' + ');
        const score = 0.8 - 0.01 * (i + s) - 0.02 * speedup;
        const record = recordOf({ criterion: criterion!, score, speedup, strategy, latency: 4 + i });
        const configuration = {
          ...record.configuration,
          model: { id: 'resnet18', options: {} },
          dataset: { ...record.configuration.dataset, id: 'cifar100' },
          regularizer: regularizer === undefined ? null : { id: regularizer, options: {} },
        };
        return { ...record, configuration, id: hashOf(configuration) };
      }),
    ),
  );

describe('notebooks', () => {
  it('are all listed here, and carry no outputs', async () => {
    const files = (await readdir(join(root, 'notebooks'))).filter(file => file.endsWith('.ipynb'));
    assert.deepEqual(files.sort(), Object.keys(smallest).sort());
    for (const file of files) {
      const text = await readFile(join(root, 'notebooks', file), 'utf8');
      assert.equal(text, formatNotebook(stripNotebook(parseNotebook(text))), file);
    }
  });

  it('of experiments are those that `npm run notebooks` writes', async () => {
    for (const experiment of catalogue.experiments)
      assert.equal(
        await readFile(join(root, 'notebooks', `${experiment.id}.ipynb`), 'utf8'),
        formatNotebook(stripNotebook(experimentNotebook(experiment))),
        experiment.id,
      );
  });

  for (const file of Object.keys(smallest).filter(name => name.startsWith('analysis-')))
    it(`${file} takes own records`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pruningbench-test-'));
      try {
        for (const record of ownRecords()) await writeRecord(folder, record);
        const executed = join(folder, file);
        await run('notebook', 'run', join('notebooks', file), '--out', executed, ...given({ folder }));
        assert.match(await readFile(executed, 'utf8'), /\b16 results of our own/);
      } finally {
        await rm(folder, { recursive: true });
      }
    }).timeout(300_000);

  for (const [file, parameters] of Object.entries(smallest))
    it(`${file} runs, and makes a page that needs no network`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pruningbench-test-'));
      try {
        const [executed, page] = [join(folder, file), join(folder, 'page.html')];
        const name = writing[file];
        const place = name === undefined ? {} : { [name]: join(folder, 'runs') };
        await run('notebook', 'run', join('notebooks', file), '--out', executed, ...given({ ...parameters, ...place }));
        await run('notebook', 'html', executed, '--out', page);
        const html = await readFile(page, 'utf8');
        assert.match(html, /<svg/);
        assert.doesNotMatch(
          html,
          /(?:src|href)="(?!#|data:|https:\/\/|[\w-]+\.html")|<(?:script|link|iframe)|class="text error"/,
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    }).timeout(300_000);
});
