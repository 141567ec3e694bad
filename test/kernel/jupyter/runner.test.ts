import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createNotebook,
  formatNotebook,
  runNotebook,
  stripNotebook,
  terminalReport,
} from '../../../kernel/jupyter/index.ts';
import type { CellError, CodeCell, Notebook } from '../../../kernel/jupyter/index.ts';
import { kernelCommand } from './client.ts';

const argv = kernelCommand();
const outputs = (notebook: Notebook, index: number) => notebook.cells[index]!['outputs'] as Record<string, unknown>[];

const tagged = (notebook: Notebook, index: number, tag: string): Notebook => {
  notebook.cells[index]!.metadata['tags'] = [tag];
  return notebook;
};

const failure = async (promise: Promise<unknown>): Promise<CellError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.equal((error as Error | undefined)?.name, 'CellError', String(error));
  return error as CellError;
};

describe('notebook runner', () => {
  it('runs a file: parameters, outputs folded, progress told, the file untouched', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-test-'));
    try {
      const notebook = createNotebook([
        ['markdown', 'Text\n\n# The *Title*'],
        `let profile: Profile = 'smoke'; let epochs = 1;`,
        `for (let i = 0; i < 3; i++) { console.log(i); await new Promise(r => setTimeout(r, 60)) }`,
        `for await (const _ of progress(3, { label: 'epochs' }));`,
        `[profile, epochs, process.cwd()]`,
        `throw new Error('wanted')`,
        `table([{ a: 1 }])`,
      ]);
      tagged(notebook, 1, 'parameters');
      tagged(notebook, 5, 'raises-exception');
      const file = path.join(folder, 'in.ipynb');
      const output = path.join(folder, 'out.ipynb');
      await writeFile(file, formatNotebook(notebook));
      const seen: string[] = [];
      const run = await runNotebook(file, {
        argv,
        output,
        parameters: { profile: 'paper', epochs: 3 },
        onStart: total => seen.push(`${total} cells`),
        onCell: ({ number, heading }) => seen.push(`start ${number} of ${heading}`),
        onOutput: (_, { kind }) => seen.push(kind),
        onCellDone: ({ number, ok }) => seen.push(`${ok ? 'ok' : 'failed'} ${number}`),
      });
      assert.equal(await readFile(file, 'utf8'), formatNotebook(notebook));
      const written = JSON.parse(await readFile(output, 'utf8')) as Notebook;
      assert.deepEqual(written, JSON.parse(formatNotebook(run.notebook)));
      assert.equal(run.cells, 7);
      assert.deepEqual(written.cells[2]!.metadata['tags'], ['injected-parameters']);
      assert.deepEqual(written.cells[2]!['outputs'], []);
      assert.deepEqual(outputs(written, 3), [{ output_type: 'stream', name: 'stdout', text: ['0\n', '1\n', '2\n'] }]);
      const [bar, ...more] = outputs(written, 4) as { data: Record<string, string> }[];
      assert.deepEqual(more, []);
      assert.match(bar!.data['text/plain']!, /epochs 100% █+ 3\/3/);
      const [value] = outputs(written, 5) as { data: Record<string, string>; execution_count: number }[];
      assert.ok(
        value!.data['text/plain']!.includes(`'paper', 3, '`) &&
          value!.data['text/plain']!.includes(path.basename(folder)),
      );
      assert.equal(value!.execution_count, written.cells[5]!['execution_count']);
      assert.equal(outputs(written, 6)[0]!['ename'], 'Error');
      assert.deepEqual(seen.slice(0, 2), ['7 cells', 'start 1 of The Title']);
      assert.ok(seen.includes('updated') && seen.includes('failed 6') && seen.at(-1) === 'ok 7', seen.join());
      const stripped = stripNotebook(written);
      assert.equal(formatNotebook(stripped), formatNotebook(stripNotebook(notebook)));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('stops at the first cell that fails and says where', async () => {
    const notebook = createNotebook([['markdown', 'text'], '1', 'const a = 1;\nthrow new TypeError("broken")', '3']);
    const error = await failure(runNotebook(notebook, { argv }));
    assert.equal(error.message, 'cell 2, line 2: TypeError: broken\n    throw new TypeError("broken")');
    assert.deepEqual([error.cell, error.line, error.ename], [2, 2, 'TypeError']);
    assert.equal(outputs(error.notebook, 2)[0]!['output_type'], 'error');
    assert.deepEqual(outputs(error.notebook, 3), []);
  });

  it('checks the types of parameters, expects what is tagged to fail, and can go on', async () => {
    const notebook = tagged(createNotebook([`let seeds = [0];`, `1`]), 0, 'parameters');
    const wrong = await failure(runNotebook(notebook, { argv, parameters: { seeds: 'zero' } }));
    assert.match(wrong.message, /cell 2, line 2: TypeScriptError: .*'string' is not assignable to type 'number\[\]'/);
    const calm = await failure(runNotebook(tagged(createNotebook(['1']), 0, 'raises-exception'), { argv }));
    assert.match(calm.message, /nothing was thrown/);
    const run = await runNotebook(createNotebook(['throw 1', '2']), { argv, allowErrors: true });
    assert.equal(run.cells, 2);
  });

  it('ends a cell at its time limit, and a run that is aborted', async () => {
    const slow = createNotebook(['console.log("began"); for (;;);']);
    const error = await failure(runNotebook(slow, { argv, timeout: 300 }));
    assert.match(error.message, /cell 1: Timeout: it took longer than 300 ms/);
    assert.equal(outputs(error.notebook, 0)[0]!['name'], 'stdout');
    const controller = new AbortController();
    const run = runNotebook(createNotebook(['for await (const _ of progress(1e9));']), {
      argv,
      signal: controller.signal,
      onOutput: () => controller.abort(new Error('enough')),
    });
    await assert.rejects(run, /enough/);
  });

  it('says that a kernel died', async () => {
    const died = await failure(runNotebook(createNotebook(['process.kill(process.pid, "SIGKILL")']), { argv }));
    assert.match(died.message, /DeadKernel: it exited with signal SIGKILL/);
    await assert.rejects(
      runNotebook(createNotebook(['1']), { argv: [process.execPath, '-e', 'process.exit(7)'] }),
      /exited with code 7/,
    );
  });
});

describe('terminal report', () => {
  it('names a cell by its heading and its first line, and what is no code of the reader by its tag', () => {
    const notebook = createNotebook(['let epochs = 1;', '// all at once\ntable([])']);
    tagged(notebook, 0, 'injected-parameters');
    let written = '';
    const stream = { isTTY: false, write: (text: string) => (written += text) } as unknown as NodeJS.WriteStream;
    const report = terminalReport('a.ipynb', stream);
    report.onStart(2);
    const headings = [undefined, 'The end'];
    for (const [index, cell] of (notebook.cells as CodeCell[]).entries())
      report.onCellDone({
        number: index + 1,
        total: 2,
        index,
        cell,
        heading: headings[index],
        milliseconds: 100,
        ok: !index,
      });
    assert.deepEqual(written.split('\n').slice(0, 2), [
      '✓   1/2    0.1 s  injected parameters',
      '✗   2/2    0.1 s  The end: all at once',
    ]);
  });
});
