import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { isCode, parseNotebook, tagsOf, textOf, type Notebook } from '../../kernel/jupyter/notebook.ts';
import * as pb from '../../plugins/index.ts';
import { Client, contents, printed } from '../kernel/jupyter/client.ts';
import { smallest } from './smallest.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = async (file: string): Promise<Notebook> =>
  parseNotebook(await readFile(path.join(root, 'notebooks', file), 'utf8'));

/** The line that a tutorial gives for other kernels. */
const importOf = ({ cells: [title] }: Notebook): string | undefined =>
  /```ts\n(import [^`]*from 'pruningbench';)\n```/.exec(textOf(title!.source))?.[1];
const codeOf = ({ cells }: Notebook) => cells.filter(isCode).map(cell => ({ cell, source: textOf(cell.source) }));

/** Identifiers of cells: values and types that are used, those that are called, those declared, and shorthands. */
function namesIn(sources: readonly string[]) {
  const [used, called, own] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const shorthand: string[] = [];
  for (const source of sources) {
    const file = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true);
    const here = new Set<string>();
    const short: string[] = [];
    const walk = (node: ts.Node): void => {
      if (ts.isShorthandPropertyAssignment(node)) short.push(node.name.text);
      if (ts.isIdentifier(node)) {
        const { name, propertyName } = node.parent as { name?: ts.Node; propertyName?: ts.Node };
        const isKey = ts.isPropertyAccessExpression(node.parent) || ts.isPropertyAssignment(node.parent);
        if (name === node && !ts.isShorthandPropertyAssignment(node.parent)) {
          if (!isKey) here.add(node.text);
        } else if (propertyName !== node) {
          used.add(node.text);
          const calls = ts.isCallExpression(node.parent) || ts.isNewExpression(node.parent);
          if (calls && node.parent.expression === node) called.add(node.text);
        }
      }
      ts.forEachChild(node, walk);
    };
    walk(file);
    for (const name of here) own.add(name);
    shorthand.push(...short.filter(name => !here.has(name)));
  }
  return { used, called, own, shorthand };
}

/** Declarations of parameters with other values; a later cell cannot change them there. */
const withValues = (source: string, values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values).reduce(
    (text, [name, value]) =>
      text.replace(new RegExp(`^let ${name}\\b.*`, 'm'), `let ${name} = ${JSON.stringify(value)};`),
    source,
  );

describe('tutorials in the stock tslab kernel', () => {
  it('each give one line that imports public names, all of which they use', async () => {
    const files = (await readdir(path.join(root, 'notebooks'))).filter(file => /^0[1-9]-.*\.ipynb$/.test(file));
    assert.equal(files.length, 9);
    for (const file of files) {
      const notebook = await read(file);
      const line = importOf(notebook);
      assert.ok(line, file);
      const names = line
        .slice(line.indexOf('{') + 1, line.indexOf('}'))
        .split(',')
        .map(name => name.trim())
        .filter(Boolean);
      const { used, called, own, shorthand } = namesIn(codeOf(notebook).map(({ source }) => source));
      for (const name of names) {
        assert.ok(used.has(name), `${file}: ${name} is imported, but not used`);
        assert.ok(name in pb || pb.help(name), `${file}: ${name} is not public`);
      }
      assert.equal(new Set(names).size, names.length, file);
      const needed = Object.keys(pb).filter(name => used.has(name) && (!own.has(name) || called.has(name)));
      assert.deepEqual(
        needed.filter(name => !names.includes(name)),
        [],
        file,
      );
      // its compiler loses the value of `{ name }` where another cell declares the name
      assert.deepEqual(shorthand, [], file);
    }
  });

  // all of them where TUTORIALS says so; one by default, since stock tslab takes as long again as our kernel
  const wanted = process.env['TUTORIALS'] ?? '01-groups.ipynb';
  for (const file of Object.keys(smallest).filter(name => (wanted === 'all' ? /^0[1-9]/.test(name) : wanted === name)))
    it(`${file} runs there`, async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'pruningbench-test-'));
      const place = path.join(folder, 'notebooks');
      mkdirSync(path.join(folder, 'node_modules'));
      mkdirSync(place);
      symlinkSync(root, path.join(folder, 'node_modules', 'pruningbench'), 'junction');
      const tslab = path.join(root, 'node_modules/tslab/bin/tslab');
      const kernel = await Client.start(
        [process.execPath, tslab, 'kernel', '--config-path', '{connection_file}'],
        place,
      );
      try {
        const notebook = await read(file);
        await execute(importOf(notebook)!);
        let pictures = 0;
        for (const { cell, source } of codeOf(notebook)) {
          const given = tagsOf(cell).includes('parameters') ? withValues(source, smallest[file]!) : source;
          const exchange = await execute(given);
          const shown = contents(exchange, 'display_data').filter(({ data }) => 'image/svg+xml' in (data as object));
          if (source.includes('display(groupsChart(')) assert.equal(shown.length, 1, source);
          pictures += shown.length;
        }
        assert.ok(pictures > 0);
      } finally {
        await kernel.stop();
        rmSync(folder, { recursive: true, force: true });
      }

      async function execute(source: string) {
        const exchange = await kernel.execute(source);
        assert.equal(exchange.reply['status'], 'ok', `${source}\n${printed(exchange, 'stderr')}`);
        assert.doesNotMatch(printed(exchange, 'stderr'), /error TS|not assignable|Cannot find|Error:/, source);
        return exchange;
      }
    }).timeout(300_000);
});
