import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createNotebook,
  formatNotebook,
  injectParameters,
  parseNotebook,
  type Notebook,
} from '../../../kernel/jupyter/index.ts';
import { textOf } from '../../../kernel/jupyter/notebook.ts';
import { smallest } from '../../notebooks/smallest.ts';
import { pythonWith, runPython } from '../../python.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const script = (name: string) => new URL(`./clients/${name}`, import.meta.url);

interface Report {
  readonly run: number;
  readonly failed: Readonly<Record<string, string>>;
  readonly skipped: Readonly<Record<string, string>>;
}
type Outputs = { output_type: string; name?: string; data?: Record<string, unknown> }[];
const outputs = ({ cells }: Notebook, index: number) => (cells[index]!['outputs'] ?? []) as Outputs;
const shown = (output: Outputs[number] | undefined, type = 'text/plain') => textOf(output?.data?.[type]);

describe('clients of Jupyter', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let python: string;

  before(function () {
    const found = pythonWith('jupyter_kernel_test, nbclient, nbmake');
    if (!found) return this.skip();
    python = found;
    folder = mkdtempSync(path.join(tmpdir(), 'pruningbench-test-'));
    const bin = path.join(root, 'dist/plugins/bin.js');
    for (const engine of ['typescript', 'tslab']) {
      const name = engine === 'typescript' ? 'pruningbench' : 'pruningbench-tslab';
      execFileSync(process.execPath, [
        bin,
        'kernel',
        'install',
        '--prefix',
        folder,
        '--name',
        name,
        '--engine',
        engine,
      ]);
    }
    env = { JUPYTER_PATH: path.join(folder, 'share', 'jupyter'), JUPYTER_RUNTIME_DIR: path.join(folder, 'runtime') };
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const execute = (notebook: Notebook, options: Readonly<Record<string, unknown>> = {}, where = folder) =>
    runPython<Notebook>(python, script('execute.py'), { notebook, folder: where, options }, env);

  /** Tests that an engine fails. */
  const differences = {
    pruningbench: /^$/,
    // tslab takes an open template and what can never be completed for complete
    'pruningbench-tslab': /^test_is_complete /,
  };
  for (const kernel of ['pruningbench', 'pruningbench-tslab'] as const)
    it(`jupyter_kernel_test passes on ${kernel}`, () => {
      const report = runPython<Report>(python, script('kernel_test.py'), { kernel }, env);
      const failed = Object.entries(report.failed).filter(([test]) => !differences[kernel].test(test));
      assert.deepEqual(failed, []);
      assert.deepEqual(Object.keys(report.skipped), ['test_pager']);
      assert.ok(report.run >= 12);
    }).timeout(120_000);

  it('nbclient takes displays, updates, results and what was printed late', () => {
    const executed = execute(
      createNotebook([
        `const bar = new ProgressBar(3, { label: 'steps' }); bar.tick(3); bar.close();`,
        `void Promise.reject(new Error('dropped')); table([{ a: 1 }])`,
        `chart({ mark: 'bar', encoding: {} }, [{ a: 1 }])`,
        `throw new RangeError('too far')`,
        `'went on'`,
      ]),
      { allow_errors: true },
    );
    const [bar, ...more] = outputs(executed, 0);
    assert.deepEqual(more, []);
    assert.match(shown(bar), /steps 100% █+ 3\/3/);
    assert.deepEqual(
      outputs(executed, 1).map(({ output_type: type, name }) => name ?? type),
      ['execute_result', 'stderr'],
    );
    assert.match(shown(outputs(executed, 2)[0], 'image/svg+xml'), /^<svg/);
    assert.equal(outputs(executed, 3)[0]!.output_type, 'error');
    assert.equal(shown(outputs(executed, 4)[0]), `'went on'`);
  }).timeout(60_000);

  it('nbclient interrupts a cell at its time limit, and the session lives', () => {
    const executed = execute(
      // the limit holds for the first cells, too, which wait until the compiler is warm
      createNotebook([
        ...Array<string>(8).fill('0'),
        `let step = 0; for await (const i of progress(1e9)) step = i;`,
        `step > 0`,
      ]),
      { timeout: 3, interrupt_on_timeout: true, allow_errors: true },
    );
    assert.equal(shown(outputs(executed, 9)[0]), 'true');
  }).timeout(60_000);

  it('jupyter_client restarts it in the middle of a cell, and the session is a new one', () => {
    const report = runPython(python, script('restart.py'), { kernel: 'pruningbench' }, env);
    assert.deepEqual(report, { before: 'error', after: '2' });
  }).timeout(60_000);

  for (const [name, charts] of [
    ['00-quickstart.ipynb', 4],
    ['analysis-rankings.ipynb', 2],
    ['vit-small-imagenet.ipynb', 5],
  ] as const)
    it(`nbclient runs ${name}`, () => {
      const file = path.join(root, 'notebooks', name);
      const given = { ...smallest[name], ...(name.startsWith('analysis') ? {} : { out: path.join(folder, 'runs') }) };
      const notebook = injectParameters(parseNotebook(readFileSync(file, 'utf8')), given);
      const executed = execute(notebook, { timeout: 600 }, path.dirname(file));
      const all = executed.cells.flatMap((_, index) => outputs(executed, index));
      assert.deepEqual(
        all.filter(({ name }) => name === 'stderr'),
        [],
      );
      assert.ok(all.filter(({ data }) => data && 'image/svg+xml' in data).length >= charts);
      assert.ok(all.filter(({ data }) => data && 'text/html' in data).length >= 3);
    }).timeout(900_000);

  it('nbmake passes a notebook that runs, and fails one that throws', () => {
    const write = (name: string, cells: readonly string[]) => {
      const file = path.join(folder, name);
      writeFileSync(file, formatNotebook(createNotebook(cells)));
      return file;
    };
    const nbmake = (file: string) =>
      spawnSync(python, ['-m', 'pytest', '-p', 'no:cacheprovider', '--nbmake', file], {
        cwd: folder,
        env: { ...process.env, ...env },
        encoding: 'utf8',
      });
    const good = nbmake(
      write('good.ipynb', [`const graph = build('resnet18', { width: 0.0625 });`, 'groupTable(graph)']),
    );
    assert.equal(good.status, 0, good.stdout);
    const bad = nbmake(write('bad.ipynb', ['const fine = 1;', `const count: number = 'many';`]));
    assert.equal(bad.status, 1, bad.stdout);
    assert.match(bad.stdout, /Type 'string' is not assignable to type 'number'/);
  }).timeout(120_000);
});
