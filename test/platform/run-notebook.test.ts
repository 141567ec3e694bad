import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatNotebook, parseNotebook } from '../../kernel/jupyter/index.ts';
import { build, save } from '../../plugins/api.ts';
import { runNotebook } from '../../plugins/platform/server/notebook.ts';
import { temporary } from '../kernel/cli/run.ts';
import { recordOf } from '../kernel/bench/records.ts';
import { tinyPlan } from './worker/fixture.ts';

const bin = fileURLToPath(new URL('../../dist/plugins/bin.js', import.meta.url));

describe('the notebook of a run', function () {
  this.timeout(120_000);
  const folder = temporary();
  after(() => folder.remove());
  const common = { id: '0123456789ab', title: 'a title' };

  /** Runs it as whoever downloads it does; returns what its last cell shows. */
  const lastOf = async (notebook: ReturnType<typeof runNotebook>, name: string) => {
    const [file, out] = [folder.path(`${name}.ipynb`), folder.path(`${name}-executed.ipynb`)];
    await writeFile(file, formatNotebook(notebook));
    await promisify(execFile)(process.execPath, [bin, 'notebook', 'run', file, '--out', out]);
    return JSON.stringify(parseNotebook(await readFile(out, 'utf8')).cells.at(-1));
  };

  it('makes it anew, and holds it against what came out on the server', async () => {
    const record = recordOf({ criterion: 'random', score: 0.123 });
    const last = await lastOf(runNotebook({ ...common, plan: tinyPlan(), record }), 'pruned');
    assert.match(last, /the server.*0\.123.*here/);
  });

  it('takes the files of methods that do not come with the package', async () => {
    const notebook = runNotebook({ ...common, plan: tinyPlan({ methods: ['variety'] }), record: null });
    const first = notebook.cells[1]!;
    const file = fileURLToPath(new URL('../kernel/cli/fixtures/variety.ts', import.meta.url));
    first.source = [first.source]
      .flat()
      .join('')
      .replace('plugins: string[] = []', `plugins = [${JSON.stringify(file)}]`);
    assert.match(await lastOf(notebook, 'own'), /training loss/);
  });

  it('makes it anew with the file of a model that was uploaded', async () => {
    const name = 'mine.onnx';
    await save(build('resnet18', { classes: 10, width: 0.125, image: 32 }), folder.path(name));
    const sha256 = createHash('sha256')
      .update(await readFile(folder.path(name)))
      .digest('hex');
    const plan = tinyPlan({ model: 'upload:0123456789ab', modelOptions: {}, protocol: { name: 'given', base: null } });
    const upload = { name, sha256, task: 'classification' };
    const last = await lastOf(runNotebook({ ...common, plan, record: null, upload }), 'uploaded');
    assert.match(last, /training loss/);
  });
});
