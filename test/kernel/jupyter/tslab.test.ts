import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, contents, printed } from './client.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Compiles the folder as a package is built, where a notebook beside it finds it. */
function buildPackage(folder: string): void {
  const name = path.join(folder, 'node_modules', 'built-package');
  mkdirSync(name, { recursive: true });
  const options = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions: {
      ...{
        noEmit: false,
        declaration: true,
        noCheck: true,
        rootDir: path.join(root, 'kernel'),
        outDir: name,
      },
    },
    include: [],
    files: [path.join(root, 'kernel', 'jupyter', 'index.ts')],
  };
  writeFileSync(path.join(name, 'tsconfig.json'), JSON.stringify(options));
  writeFileSync(
    path.join(name, 'package.json'),
    JSON.stringify({
      name: 'built-package',
      type: 'module',
      main: './jupyter/index.js',
      types: './jupyter/index.d.ts',
    }),
  );
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', name]);
}

const tslab = path.join(root, 'node_modules/tslab/bin/tslab');
const stock = [process.execPath, tslab, 'kernel', '--config-path', '{connection_file}'];

describe('stock tslab kernel', () => {
  let kernel: Client;
  let folder: string;
  before(async () => {
    const cache = path.join(root, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(path.join(cache, 'pruningbench-test-'));
    buildPackage(folder);
    kernel = await Client.start(stock, folder);
  });
  after(async () => {
    await kernel?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('imports the package and takes its displays', async () => {
    const imported = await kernel.execute(`import * as pb from 'built-package'`);
    assert.equal(printed(imported, 'stderr'), '');
    const exchange = await kernel.execute(`
      const handle = pb.display(pb.table([{ a: 1.5, b: 'x' }]));
      handle.update({ toMimeBundle: () => ({ 'text/html': '<i>changed</i>' }) });
      await pb.display(pb.chart({ mark: 'bar', encoding: {} }, [{ a: 1 }]));`);
    assert.equal(printed(exchange, 'stderr'), '');
    const [table, chart] = contents(exchange, 'display_data');
    assert.match(table!['data']['text/html'] as string, /<td style="text-align:right;white-space:nowrap">1\.500<\/td>/);
    assert.match(table!['data']['text/plain'] as string, /1\.500 {2}x/);
    assert.match(chart!['data']['image/svg+xml'] as string, /^<svg/);
    const [update] = contents(exchange, 'update_display_data');
    assert.equal(update!['data']['text/html'], '<i>changed</i>');
    assert.equal(update!['transient']['display_id'], table!['transient']['display_id']);
  });

  it('shows progress in one display and prints values as text', async () => {
    // its compiler overlooks `for await` where a cell awaits nothing else
    const exchange = await kernel.execute(
      `let n = 0; await 0; for await (const i of pb.progress(100)) n += i; console.log(n)`,
    );
    assert.equal(printed(exchange), '4950\n');
    assert.equal(contents(exchange, 'display_data').length, 1);
    assert.match(contents(exchange, 'update_display_data').at(-1)!['data']['text/plain'] as string, /100\/100/);
    assert.match(printed(await kernel.execute(`pb.table([{ a: 1 }])`)), /a\n─\n1/);
  });
});

describe('stock tslab kernel with the package installed', () => {
  let kernel: Client;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'pruningbench-test-'));
    mkdirSync(path.join(folder, 'node_modules'));
    symlinkSync(root, path.join(folder, 'node_modules', 'pruningbench'), 'junction');
    kernel = await Client.start(stock, folder);
  });
  after(async () => {
    await kernel?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const execute = async (code: string) => {
    const exchange = await kernel.execute(code);
    assert.equal(exchange.reply['status'], 'ok', printed(exchange, 'stderr'));
    assert.equal(printed(exchange, 'stderr'), '');
    return exchange;
  };

  it('trains, prunes and shows what came of it, after one line of import', async () => {
    await execute(`import * as pb from 'pruningbench'`);
    const [page] = contents(await execute(`pb.display(pb.help('prune'))`), 'display_data');
    assert.match(page!['data']['text/markdown'] as string, /function prune/);
    assert.match(printed(await execute('pb.help()')), /leaderboardTable/);
    const trained = await execute(`
      const data = await pb.load('shapes', { train: 20, test: 20 });
      const graph = pb.build('resnet18', { width: 0.0625, classes: data.classes.length });
      const base = await pb.fit(graph, data, { epochs: 1, batch: 10 });
      await pb.display(pb.trainingChart(base.history));`);
    assert.match(contents(trained, 'update_display_data').at(-1)!['data']['text/plain'] as string, /100% .* 2\/2/);
    assert.match(contents(trained, 'display_data').at(-1)!['data']['image/svg+xml'] as string, /^<svg/);
    const pruned = await execute(`
      const pruned = await pb.prune(base.graph, { criterion: 'lamp', speedup: 2, steps: 5 });
      pb.display(pb.layerTable(pruned));`);
    assert.match(contents(pruned, 'display_data')[0]!['data']['text/html'] as string, /<table>/);
    const wrong = await kernel.execute(`pb.build(3)`);
    assert.match(printed(wrong, 'stderr'), /not assignable to parameter of type 'string/);
  });
});
