import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatNotebook, parseNotebook, stripNotebook } from '../../kernel/jupyter/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'dist/plugins/bin.js');
const run = (...args: string[]) => promisify(execFile)(process.execPath, [bin, ...args], { cwd: root });

/** The smallest run of each notebook, as values of its parameters. */
const smallest: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '00-quickstart.ipynb': { width: 0.0625, images: 60, epochs: { base: 1, finetune: 1 } },
};

describe('notebooks', () => {
  it('are all listed here, and carry no outputs', async () => {
    const files = (await readdir(join(root, 'notebooks'))).filter(file => file.endsWith('.ipynb'));
    assert.deepEqual(files.sort(), Object.keys(smallest).sort());
    for (const file of files) {
      const text = await readFile(join(root, 'notebooks', file), 'utf8');
      assert.equal(text, formatNotebook(stripNotebook(parseNotebook(text))), file);
    }
  });

  for (const [file, parameters] of Object.entries(smallest))
    it(`${file} runs, and makes a page that needs no network`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pruningbench-test-'));
      try {
        const [executed, page] = [join(folder, file), join(folder, 'page.html')];
        const given = Object.entries({ ...parameters, out: join(folder, 'runs') }).flatMap(([name, value]) => [
          '--parameter',
          `${name}=${JSON.stringify(value)}`,
        ]);
        await run('notebook', 'run', join('notebooks', file), '--out', executed, ...given);
        await run('notebook', 'html', executed, '--out', page);
        const html = await readFile(page, 'utf8');
        assert.match(html, /<svg/);
        assert.doesNotMatch(html, /(?:src|href)="(?!#|data:|https:\/\/)|<(?:script|link|iframe)|class="text error"/);
      } finally {
        await rm(folder, { recursive: true });
      }
    }).timeout(300_000);
});
