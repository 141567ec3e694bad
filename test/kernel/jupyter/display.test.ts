import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as aq from 'arquero';
import { chart, displaySymbol, progress, ProgressBar, table } from '../../../kernel/jupyter/index.ts';
import { formatters } from '../../../kernel/jupyter/frontend.ts';
import { toMimeBundle } from '../../../kernel/jupyter/mime.ts';
import { clock } from '../../../kernel/jupyter/progress.ts';

describe('table', () => {
  const rows = [
    { model: 'resnet18', accuracy: 0.93124, parameters: 11_173_962, note: 'a|b' },
    { model: 'vgg19 <bn>', accuracy: 0.9, parameters: 20_040_522 },
  ];

  it('is aligned text in a terminal', () => {
    assert.equal(
      String(table(rows, { caption: 'Models', columns: ['model', 'accuracy', 'parameters'] })),
      [
        'Models',
        'model       accuracy  parameters',
        '──────────  ────────  ──────────',
        'resnet18      0.9312  11,173,962',
        'vgg19 <bn>    0.9000  20,040,522',
      ].join('\n'),
    );
  });

  it('is escaped HTML and Markdown', () => {
    const bundle = table(rows, { caption: '<x>' })[displaySymbol]() as Record<string, string>;
    assert.match(bundle['text/html']!, /<caption[^>]*>&#60;x&#62;<\/caption>/);
    assert.match(bundle['text/html']!, /vgg19 &#60;bn&#62;/);
    assert.match(bundle['text/html']!, /<td style="text-align:right;white-space:nowrap">0\.9312<\/td>/);
    assert.match(bundle['text/markdown']!, /\| resnet18 \| 0\.9312 \| 11,173,962 \| a\\\|b \|/);
  });

  it('takes arquero tables, own formats and a limit', () => {
    const source = aq.table({ n: [1, 2, 3], share: [0.5, 0.25, 1e-9] });
    const shown = table(source, { limit: 2, format: { share: (value: number) => `${value * 100} %` } });
    assert.equal(String(shown), 'n  share\n─  ─────\n1   50 %\n2   25 %\n1 more row');
    const bundle = toMimeBundle(source, formatters()) as Record<string, string>;
    assert.match(bundle['text/html']!, /1\.000e-9/);
    assert.equal(String(table([])), '\n'.trim());
    const percent = table([{ left: '7.5 %' }, { left: '100 %' }]).toHtml();
    assert.match(percent, /<td style="text-align:right;white-space:nowrap">7\.5 %<\/td>/);
  });
});

describe('chart', () => {
  const data = [
    { method: 'a', accuracy: 1 },
    { method: 'b', accuracy: 2 },
  ];
  const bars = chart(
    { mark: 'bar', encoding: { x: { field: 'method' }, y: { field: 'accuracy', type: 'quantitative' } } },
    data,
  );

  it('is a Vega-Lite 5 specification, an SVG and a line of text', async () => {
    const bundle = (await bars[displaySymbol]()) as Record<string, unknown>;
    const spec = bundle['application/vnd.vegalite.v5+json'] as Record<string, unknown>;
    assert.equal(spec['$schema'], 'https://vega.github.io/schema/vega-lite/v5.json');
    assert.match(bundle['image/svg+xml'] as string, /^<svg[^]*<\/svg>$/);
    assert.equal(bundle['text/plain'], '[bar chart, x: method, y: accuracy, 2 rows]');
  });

  it('has no background, and no room for letters wider than there are', async () => {
    const svg = await bars.toSvg();
    assert.doesNotMatch(svg, /<rect[^>]* fill="(?:white|#fff)/);
    const long = [{ method: 'layer4.1.conv1', accuracy: 1 }];
    const x = { mark: 'bar', encoding: { y: { field: 'method' } } } as const;
    const wide = Number(/width="(\d+)"/.exec(await chart(x, long).toSvg())![1]);
    // 14 letters of 10 pixels: 112 by vega's own guess, 75 in fact
    assert.ok(wide - 20 < 112 && wide - 20 > 60, String(wide));
  });

  it('displays specifications that nobody wrapped', async () => {
    const bundle = await toMimeBundle({ ...bars.spec }, formatters());
    assert.ok('image/svg+xml' in bundle);
  });

  it('is typed', () => {
    // @ts-expect-error no such mark
    chart({ mark: 'nope', encoding: {} });
  });
});

describe('values whose insides tell nothing', () => {
  const text = (value: unknown) => (toMimeBundle(value, formatters()) as Record<string, string>)['text/plain'];

  it('are tensors: type, shape and values', () => {
    const tensor = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    assert.match(text(tensor)!, /dtype: float32[^]*shape: \[2,2\][^]*\[\[1, 2\],\s+\[3, 4\]\]/);
    tensor.dispose();
    assert.equal(text(tensor), 'disposed tensor, float32 [2, 2]');
  });

  it('are networks: what they read and how many layers of which kind', () => {
    const graph = {
      ...{ name: 'net', inputs: { image: [8, 8, 3] }, outputs: ['b'] },
      nodes: [{ op: 'conv' }, { op: 'relu' }, { op: 'conv' }],
      parameters: new Map([['k', { size: 1200 }]]),
    };
    assert.equal(text(graph), 'net: image 8 x 8 x 3; 1,200 values in 1 parameters\n3 nodes: 2 conv, 1 relu');
  });
});

describe('progress', () => {
  it('iterates numbers, lists and streams of any kind', async () => {
    const seen: unknown[] = [];
    for await (const i of progress(2)) seen.push(i);
    for await (const x of progress(['a', 'b'])) seen.push(x);
    for await (const x of progress(new Set([7]).values())) seen.push(x);
    assert.deepEqual(seen, [0, 1, 'a', 'b', 7]);
  });

  it('says how far it is, and what else', () => {
    const bar = new ProgressBar(4, { label: 'train' });
    bar.tick(1, { loss: 0.123456, phase: 'x' });
    assert.match(String(bar), /^train {2}25% █{6}░{18} 1\/4 \[0:00 < 0:00, .*\/s\] loss=0\.1235 phase=x$/);
    bar.set(4);
    bar.close();
    bar.tick();
    assert.equal(bar.value, 4);
    assert.match(bar.toMimeBundle()['text/html'] as string, /<progress value="4" max="4"/);
    assert.equal(clock(3725), '1:02:05');
  });
});

describe('display outside a notebook', () => {
  it('prints text', async () => {
    const index = new URL('../../../kernel/jupyter/index.ts', import.meta.url).href;
    const script = `
      import { display, table, chart, progress } from ${JSON.stringify(index)};
      const handle = display(table([{ a: 1 }]));
      display(chart({ mark: 'bar', encoding: {} }, []));
      display.html('<b>bold</b>');
      (await handle).update('again');
      for await (const i of progress(3, { label: 'steps' }));`;
    const hooks = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    const args = ['--import', hooks, '--input-type=module', '--eval', script];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd });
    assert.equal(stdout, `a\n─\n1\n[bar chart, 0 rows]\nbold\n'again'\n`);
    assert.match(stderr, /^steps 100% .* 3\/3/);
  });
});
