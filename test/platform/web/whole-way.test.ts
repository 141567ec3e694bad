import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { Browser, Page } from 'playwright-core';
import { recordSchema } from '../../../kernel/bench/record.ts';
import { runOnnx } from '../../../kernel/bench/run-onnx.ts';
import { complaints, openBrowser } from './browser.ts';

const bin = fileURLToPath(new URL('../../../dist/plugins/bin.js', import.meta.url));

describe("a person's whole way", function () {
  this.timeout(600_000);
  let browser: Browser | undefined;
  let server: ChildProcess | undefined;
  let folder: string;
  let url: string;
  let said = '';

  before(async function () {
    browser = await openBrowser();
    if (!browser) return this.skip();
    folder = await mkdtemp(join(tmpdir(), 'whole-way-'));
    server = spawn(process.execPath, [bin, 'serve', '--data', folder, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    server.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(server, 'exit').then(() => Promise.reject(new Error(`serve ended: ${said}`)));
    ended.catch(() => undefined);
    [url] = (await Promise.race([once(createInterface(server.stdout!), 'line'), ended])) as [string];
  });
  after(async function () {
    if (this.currentTest?.isFailed()) console.log(said);
    await browser?.close();
    if (server?.exitCode === null) {
      server.kill('SIGINT');
      await once(server, 'exit');
    }
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const downloaded = async (page: Page, name: string): Promise<Buffer> => {
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name, exact: true }).click();
    return readFile(await (await downloading).path());
  };

  it('leads from an empty folder to a pruned model that ONNX Runtime runs', async () => {
    const page = await browser!.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(300_000);
    const found = complaints(page, url);
    await page.goto(url);
    await page.getByText('Begin with an experiment of the paper').click();
    await page.getByRole('button', { name: /^smoke.*: ResNet-18 on CIFAR-100, protected-global/ }).click();
    for (const method of ['random', 'magnitude-l2', 'taylor'])
      await page
        .getByRole('button', { name: new RegExp(`^Remove method \\d, ${method}$`) })
        .first()
        .click();
    await page.getByLabel('Speed-ups').fill('2');
    await page.getByLabel('Title').fill('The whole way');
    await page.getByText(/\d+ of \d+ can be pruned/).waitFor();
    await page.getByRole('button', { name: 'Submit' }).click();

    await page.getByRole('heading', { name: 'The whole way' }).waitFor();
    await page.getByRole('row', { name: /base model/ }).waitFor();
    await page.getByRole('table', { name: 'Leaderboard of The whole way' }).waitFor();
    await page
      .getByRole('table', { name: 'Runs' })
      .getByRole('link', { name: 'magnitude-l2 + group-norm, 2x' })
      .click();
    await page.getByRole('heading', { name: 'magnitude-l2 + group-norm, 2x' }).waitFor();
    await page.locator('figure', { hasText: 'Channels kept per group' }).locator('svg').waitFor();
    await page.getByText('The layers, coloured by what loses channels together').click();
    await page.locator('.drawing svg').waitFor();
    await page.getByLabel('Log').getByText('done').waitFor();

    const record = recordSchema.parse(JSON.parse((await downloaded(page, 'record.json')).toString()));
    assert.equal(record.configuration.regularizer!.id, 'group-norm');
    assert.ok(record.base.macs / record.pruned.macs >= 2);
    const model = await downloaded(page, 'model.onnx');
    const [output] = await runOnnx(model, tf.zeros([3, 32, 32, 3]));
    assert.deepEqual(output!.shape, [3, 10]);
    assert.ok((await output!.data()).every(Number.isFinite));
    const notebook = JSON.parse((await downloaded(page, 'Open as notebook')).toString()) as { cells: unknown[] };
    assert.ok(notebook.cells.length > 0);
    const curves = (await downloaded(page, 'curves.csv')).toString().trim().split('\n');
    assert.ok(curves.length >= 2, curves.join('\n'));

    await page.goto(`${url}#/leaderboards?model=${encodeURIComponent('resnet18 x0.0625')}&dataset=shapes`);
    await page
      .getByRole('row', { name: /magnitude-l2 \+ group-norm/ })
      .first()
      .waitFor();

    await page.getByRole('link', { name: 'New run' }).click();
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('button', { name: 'Cancel 1 run' }).click();
    await page.locator('.states').getByText('1 cancelled').waitFor();
    assert.deepEqual(found, []);
  });
});
