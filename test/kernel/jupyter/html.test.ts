import assert from 'node:assert/strict';
import { ansiToHtml } from '../../../kernel/jupyter/ansi.ts';
import { highlight } from '../../../kernel/jupyter/highlight.ts';
import { createNotebook, notebookToHtml } from '../../../kernel/jupyter/index.ts';

const text = (html: string): string =>
  html.replace(/<[^>]*>/g, '').replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

describe('highlighting', () => {
  const sources = [
    'const a: Map<string, number> = new Map(); // done',
    'const s = `a ${b + `c ${{ d: 1 }.d}`} e` + "x\\"y" + \'z\'',
    'const r = /[/"]+/g.test(x) ? a / b / c : 1_000n + 0xff + .5e-3',
    'unfinished `template ${ and "string',
    'é = "😀"; a.type = { default: 1, class: 2 } /* open',
  ];
  for (const source of sources) it(`keeps ${source.slice(0, 20)}`, () => assert.equal(text(highlight(source)), source));

  it('knows words, strings, numbers and comments', () => {
    assert.equal(
      highlight('const x = f("<") // y'),
      '<span class="keyword">const</span> x = <span class="call">f</span>(<span class="string">&#34;&#60;&#34;</span>) <span class="comment">// y</span>',
    );
    assert.match(highlight('/a"b/.test(s)'), /^<span class="string">\/a&#34;b\/<\/span>/);
    assert.match(highlight('a / b / "c"'), /<span class="string">&#34;c&#34;<\/span>$/);
  });
});

describe('terminal colours', () => {
  it('become spans, and are escaped', () => {
    assert.equal(
      ansiToHtml('\x1b[1;31mno\x1b[0m <b>\x1b[2K'),
      '<span class="ansi-bold ansi-red">no</span> &#60;b&#62;',
    );
  });
});

describe('exported page', () => {
  const notebook = createNotebook([
    ['markdown', '# A title\n\n## One & two\n\n```ts\nlet x = 1;\n```\n\n## Three\n\n| a | b |\n|---|--:|\n| 1 | 2 |'],
    'console.log("<script>")',
    'shown()',
    ['markdown', '![figure](attachment:dot.png)'],
  ]);
  notebook.cells[1]!['outputs'] = [
    { output_type: 'stream', name: 'stdout', text: ['<script>alert(1)</script>\n', 'old\rnew\n'] },
    { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['\x1b[31mE: <v>\x1b[0m'] },
  ];
  notebook.cells[2]!['outputs'] = [
    {
      output_type: 'display_data',
      data: { 'application/vnd.vegalite.v5+json': {}, 'image/svg+xml': '<svg></svg>' },
      metadata: {},
    },
    { output_type: 'display_data', data: { 'text/html': '<table></table>', 'text/plain': 'x' }, metadata: {} },
    { output_type: 'execute_result', data: { 'text/plain': '<plain>' }, metadata: {}, execution_count: 1 },
  ];
  notebook.cells[3]!['attachments'] = { 'dot.png': { 'image/png': 'AAAA' } };

  it('holds everything and loads nothing', async () => {
    const html = await notebookToHtml(notebook, { note: 'made <today>' });
    assert.match(html, /^<!doctype html>/);
    assert.match(html, /<title>A title<\/title>/);
    assert.match(html, /<a href="#one-two">One &#38; two<\/a>/);
    assert.match(html, /<h2 id="one-two">One &amp; two<\/h2>/);
    assert.ok(!/<script/i.test(html));
    assert.ok(!/(?:src|href)="(?!#|data:)/.test(html));
    assert.match(html, /<pre class="text stdout">&#60;script&#62;alert\(1\)&#60;\/script&#62;\nnew<\/pre>/);
    assert.match(html, /<span class="ansi-red">E: &#60;v&#62;<\/span>/);
    assert.match(html, /<figure class="chart"><svg><\/svg><\/figure>/);
    assert.match(html, /&#60;plain&#62;/);
    assert.match(html, /src="data:image\/png;base64,AAAA"/);
    assert.match(html, /made &#60;today&#62;/);
    assert.match(html, /prefers-color-scheme: dark/);
  });

  it('links to the pages of other notebooks, and leaves other links as they are', async () => {
    const text = '[a](02-b.ipynb) [c](d.ipynb#e) [f](https://example.org/g.ipynb) [h](i.txt)';
    const copy = { ...notebook, cells: [{ cell_type: 'markdown', metadata: {}, source: text }] };
    const links = [...(await notebookToHtml(copy as never)).matchAll(/<a href="([^"]*)"/g)].map(([, link]) => link);
    assert.deepEqual(links, ['02-b.html', 'd.html#e', 'https://example.org/g.ipynb', 'i.txt']);
  });

  it('leaves out what is tagged', async () => {
    const copy = structuredClone(notebook);
    copy.cells[1]!.metadata['tags'] = ['remove-cell'];
    copy.cells[2]!.metadata['tags'] = ['hide-input'];
    const html = await notebookToHtml(copy, { title: 'Other', code: false });
    assert.ok(!html.includes('alert') && !html.includes('shown'));
    assert.match(html, /<title>Other<\/title>/);
    assert.doesNotMatch(html, /id="show-code"|>Code</);
  });
});
