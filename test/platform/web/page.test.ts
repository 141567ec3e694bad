import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import type { Plan } from '../../../kernel/bench/plan.ts';
import { complaints, openBrowser } from './browser.ts';
import { fill } from './demo.ts';
import { Fixture } from './fixture.ts';
import { prunedFiles, records } from './material.ts';

describe('the page', function () {
  let fixture: Fixture;
  let browser: Browser | undefined;
  let page: Page;
  let found: string[];

  before(async function () {
    browser = await openBrowser();
    if (!browser) this.skip();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    fixture = await Fixture.start();
    const context = await browser!.newContext({ viewport: { width: 1280, height: 900 } });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
    found = complaints(page, fixture.url);
  });
  afterEach(async () => {
    await page?.context().close();
    await fixture?.close();
    assert.deepEqual(found, []);
  });

  const open = async (hash: string): Promise<void> => {
    await page.goto(fixture.url + hash);
    await page.locator('h1').waitFor();
  };
  const heading = (name: string | RegExp): Locator => page.getByRole('heading', { level: 1, name });
  const query = async (): Promise<string> => new URL(page.url()).hash.split('?')[1] ?? '';
  const rows = async (name: string): Promise<string[]> => {
    const table = page.getByRole('table', { name });
    await table.waitFor();
    return table.locator('tbody tr').allInnerTexts();
  };
  const counts = async (locator: Locator, expected: number): Promise<void> => {
    await locator.nth(expected - 1).waitFor();
    assert.equal(await locator.count(), expected);
  };

  it('leads from the form to a pruned model', async () => {
    await open('');
    await heading('New run').waitFor();
    await page.getByText('12 of 14 can be pruned').waitFor();
    await page.getByText('about 11m 46s').waitFor();
    await page.getByLabel('Speed-ups').fill('2, 4');
    await page.getByRole('button', { name: 'Add a method' }).click();
    await page.getByLabel('Criterion of method 2').selectOption('lamp');
    await page.getByRole('button', { name: 'Submit' }).dblclick();

    await heading('resnet18 on cifar10: 2 methods, 2x, 4x').waitFor();
    assert.equal(fixture.received.length, 1, 'two clicks are one submission');
    const [{ plans }] = fixture.received as [(typeof fixture.received)[number]];
    assert.deepEqual(
      [plans[0]!.methods, plans[0]!.speedups],
      [
        ['magnitude-l2', 'lamp'],
        [2, 4],
      ],
    );
    assert.equal((await rows('Runs')).length, 5);
    await page.getByText('It fills as runs are done.').waitFor();

    const [submission] = [...fixture.submissions.keys()];
    const [base] = fixture.idsOf(submission!, 'base') as [string];
    const [pruned] = fixture.idsOf(submission!, 'pruned') as [string];
    fixture.begin(base);
    await page
      .getByRole('row', { name: /base model/ })
      .getByText('running')
      .waitFor();
    await fixture.finish(base);
    await page
      .getByRole('row', { name: /magnitude-l2, 2x/ })
      .getByText('next in the queue')
      .waitFor();
    await page.getByRole('link', { name: 'magnitude-l2, 2x' }).click();

    await heading('magnitude-l2, 2x').waitFor();
    await page.getByText('next in the queue').waitFor();
    await page.getByText('Curves come with the first epoch.').waitFor();
    fixture.begin(pruned);
    for (let epoch = 1; epoch <= 3; epoch++) fixture.epoch(pruned, 'finetune', epoch, 3, 0.8 + epoch / 100);
    await page.getByText('3 epochs: from 81.00 % to 83.00 %, at best 83.00 %.').waitFor();
    await page.getByText('fine-tuning, epoch 3 of 3').waitFor();
    await page.getByLabel('Log').getByText('finetune epoch 2 of 3').waitFor();
    await fixture.finish(pruned);

    const record = fixture.runs.get(pruned)!.info.record!;
    await page
      .locator('.tiles')
      .getByText(`${(100 * record.pruned.scores['accuracy']!).toFixed(2)} %`)
      .waitFor();
    await page.getByLabel('Log').getByText('finetune epoch 2 of 3').waitFor();
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'model.onnx' }).click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), `${pruned}-model.onnx`);
    assert.deepEqual(await readFile(await download.path()), Buffer.from((await prunedFiles()).onnx));
    for (const name of ['record.json', 'curves.csv', 'Open as notebook'])
      assert.equal(await page.getByRole('link', { name }).count(), 1, name);

    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('button', { name: 'Link copied' }).waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), `${fixture.url}#/runs/${pruned}`);
  });

  it('draws what happens as it happens, and once after a connection was lost', async () => {
    const { running } = await fill(fixture);
    await open(`#/runs/${running}`);
    const points = page.locator('figure', { hasText: 'Training loss' }).locator('.mark-symbol path');
    await counts(points, 1);
    fixture.epoch(running, 'finetune', 2, 3, 0.75);
    await page.getByText('2 epochs: from').first().waitFor();
    await counts(points, 2);
    fixture.dropStreams();
    fixture.epoch(running, 'finetune', 3, 3, 0.78);
    await page.getByText('3 epochs: from').first().waitFor();
    await counts(points, 3);
    const log = await page.getByLabel('Log').innerText();
    assert.equal(log.match(/finetune epoch/g)!.length, 3, log);
  });

  it('says what is wrong where it is wrong, and loses nothing', async () => {
    await open('#/new');
    await page.getByLabel('Title').fill('A title of mine');
    await page.getByLabel('Speed-ups').fill('0.5');
    await page.getByText('0.5 is less than 1').first().waitFor();
    const field = page.getByLabel('Speed-ups');
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    await page.getByRole('button', { name: 'Submit' }).click();
    assert.equal(fixture.received.length, 0);
    assert.equal(await field.evaluate(element => element === element.ownerDocument.activeElement), true);

    await field.fill('60');
    await page.getByText('is more than any group can give').first().waitFor();
    assert.equal(
      await field.getAttribute('aria-invalid'),
      'true',
      'what the server says of a plan stands at the field',
    );

    await field.fill('3');
    await page.locator('.numbers[aria-busy=false]').waitFor();
    const refusal = { status: 400, error: 'no speed-up of 3 today', field: 'plans.0.speedups.0' };
    fixture.refuse.set('POST /api/submissions', refusal);
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('no speed-up of 3 today').first().waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.equal(await page.getByLabel('Title').inputValue(), 'A title of mine');

    await field.fill('2');
    await page.reload();
    assert.equal(await page.getByLabel('Title').inputValue(), 'A title of mine', 'a reload loses nothing either');
    await page.route('**/api/submissions', route => route.abort(), { times: 1 });
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('alert').getByText('The server does not answer.').waitFor();
    await page.getByRole('button', { name: 'Submit' }).click();
    await heading('A title of mine').waitFor();
    assert.equal(fixture.received.length, 1);
  });

  it('sends the same key again where nobody knows whether it was heard', async () => {
    await open('#/new');
    let first: { key?: string } | undefined;
    await page.route(
      '**/api/submissions',
      async route => {
        first = route.request().postDataJSON() as { key?: string };
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('alert').getByText('The server does not answer.').waitFor();
    await page.getByRole('button', { name: 'Submit' }).click();
    await heading(/resnet18 on cifar10/).waitFor();
    assert.deepEqual(
      fixture.received.map(({ key }) => key),
      [first!.key, first!.key],
    );
    assert.equal(fixture.submissions.size, 1);
    await page.getByRole('link', { name: 'New run' }).click();
    await page.getByRole('button', { name: 'Submit' }).click();
    await heading(/resnet18 on cifar10/).waitFor();
    assert.notEqual(fixture.received.at(-1)!.key, first!.key);
  });

  it('does not offer what does not go together, and says why', async () => {
    await open('#/new');
    const chip = (name: string) => page.locator('label.chip', { hasText: name });
    assert.equal(await chip('CIFAR-100').locator('input').isDisabled(), true);
    assert.match(await chip('CIFAR-100').innerText(), /its files are not on this server/);
    assert.match(await chip('YOLOv8n').innerText(), /for object detection/);
    await page.getByRole('radio', { name: 'Object detection' }).check();
    assert.equal(await chip('YOLOv8n').locator('input').isChecked(), true);
    assert.equal(await chip('ResNet-18').locator('input').isDisabled(), true);
    const option = page.getByLabel('Criterion of method 1').locator('option[value=obd-c]');
    await page.locator('option[value=obd-c][disabled]').first().waitFor({ state: 'attached' });
    assert.match(await option.innerText(), /its outputs state no distribution/);
    assert.equal(await page.getByLabel('Protocol').inputValue(), 'quick-detection');
  });

  it('has the experiments of the paper, one click each', async () => {
    await open('#/new');
    await page.getByText('Begin with an experiment of the paper').click();
    const paper = page.getByRole('button', { name: /^paper.*: ResNet-18 on CIFAR-100, protected-global/ });
    assert.equal(await paper.isDisabled(), true, 'its data set is not here');
    const weights = page.getByRole('button', {
      name: /^paper *begins with weights of PyTorch.*: ResNet-18 on ImageNet/,
    });
    assert.equal(await weights.isDisabled(), true);
    await page.getByRole('button', { name: /^laptop.*: ResNet-18 on CIFAR-100, protected-global/ }).click();
    assert.match(await page.locator(':focus').innerText(), /^Begin with/, 'keys go on where they were');
    assert.equal(await page.getByLabel('Speed-ups').inputValue(), '2, 4, 8');
    assert.equal(await page.getByLabel('Protocol').inputValue(), 'laptop');
    await page.locator('.methods > li').nth(16).waitFor();
    await page.getByRole('button', { name: 'Submit' }).click();
    await heading('ResNet-18 on CIFAR-100, protected-global, 2x, 4x and 8x (laptop)').waitFor();
    assert.equal(fixture.received[0]!.plans[0]!.methods.length, 17);
  });

  it('shows a schedule that was changed as such, and takes the change back', async () => {
    await open('#/new');
    const base = page.getByRole('group', { name: 'Base model' });
    await base.getByLabel('epochs', { exact: true }).fill('5');
    assert.equal(await page.getByLabel('Protocol').locator('option:checked').innerText(), 'quick, changed');
    await base.getByText('Train a base model').click();
    await page.getByText('resnet18 has no weights: it needs a training').first().waitFor();
    await page.getByRole('button', { name: 'Undo changes' }).click();
    assert.equal(await page.getByLabel('Protocol').inputValue(), 'quick');
    assert.equal(await base.getByLabel('epochs', { exact: true }).inputValue(), '8');
    assert.equal(await base.getByText('Train a base model').isChecked(), true);
  });

  it('makes a plan of each model and data set', async () => {
    await open('#/new');
    const chip = (name: string) => page.locator('label.chip', { hasText: name });
    await chip('VGG-19').click();
    await chip('Drawn shapes, 10').click();
    await page.getByRole('table', { name: 'Plans' }).locator('tbody tr').nth(3).waitFor();
    await page.getByLabel('Seeds').fill('0 1');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    const { plans } = fixture.received[0]!;
    assert.deepEqual(
      plans.map(({ model, dataset, seeds }) => [model, dataset, seeds]),
      ['resnet18', 'vgg19'].flatMap(model => ['cifar10', 'shapes'].map(dataset => [model, dataset, [0, 1]])),
    );
  });

  it('takes a model in an ONNX file', async () => {
    await open('#/new');
    const file = (buffer: Buffer) => ({ name: 'mine <b>.onnx', mimeType: 'application/octet-stream', buffer });
    await page.getByLabel('Upload an ONNX file').setInputFiles(file(Buffer.from('nothing')));
    await page.getByText('mine <b>.onnx: is no ONNX file').waitFor();
    await page.getByLabel('Upload an ONNX file').setInputFiles(file(Buffer.from((await prunedFiles()).onnx)));
    await page.getByText(/reads 32 × 32 × 3, gives 10, 172 k parameters/).waitFor();
    const chip = page.locator('label.chip', { hasText: 'mine <b>.onnx' });
    assert.equal(await chip.locator('input').isChecked(), true);
    await page.locator('label.chip', { hasText: 'ResNet-18' }).click();
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    assert.equal(fixture.received[0]!.plans[0]!.model, `upload:${fixture.models[0]!.id}`);
    await heading(/^mine <b>\.onnx on cifar10/).waitFor();

    const [submission] = [...fixture.submissions.keys()];
    const [base] = fixture.idsOf(submission!, 'base') as [string];
    const [pruned] = fixture.idsOf(submission!, 'pruned') as [string];
    for (const run of [base, pruned]) {
      fixture.begin(run);
      await fixture.finish(run);
    }
    await page.goto(`${fixture.url}#/leaderboards`);
    await heading('Leaderboards').waitFor();
    await page.getByLabel('model and data set').selectOption({ label: 'mine <b>.onnx on cifar10 (runs here)' });
    await page.getByRole('table', { name: 'Leaderboard of mine <b>.onnx on cifar10' }).waitFor();
    await page.goto(`${fixture.url}#/runs`);
    await heading('Runs').waitFor();
    await page.getByLabel('model').selectOption('mine <b>.onnx');
    assert.equal(await query(), `model=${encodeURIComponent(fixture.received[0]!.plans[0]!.model)}`);
    await page.getByRole('row', { name: /magnitude-l2, 2x/ }).waitFor();
  });

  it('keeps the filters of its lists in the address', async () => {
    const { second, running } = await fill(fixture);
    await open('#/runs?state=failed');
    assert.equal((await rows('Runs')).length, 1);
    await page.getByLabel('state').selectOption('running');
    await page.getByRole('row', { name: /taylor, 2x/ }).waitFor();
    assert.equal(await query(), 'state=running');
    await page.getByLabel('method').fill('lamp');
    await page.getByLabel('method').press('Enter');
    await page.getByText('No run is like this.').waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('row', { name: /hrank, 2x/ }).waitFor();
    assert.equal(await query(), '');
    fixture.cancel(running);
    await page
      .getByRole('row', { name: /taylor, 2x/ })
      .getByText('cancelled')
      .waitFor();
    fixture.submit({ title: 'More', plans: fixture.submissions.get(second)!.plans });
    await page
      .getByRole('row', { name: /base model/ })
      .first()
      .waitFor();
  });

  it('cancels, resumes, retries and clones', async () => {
    const { running, failed, grid } = await fill(fixture);
    await open(`#/runs/${running}`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('It was cancelled.').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('in the queue').waitFor();
    await page.goto(`${fixture.url}#/runs/${failed}`);
    await page.getByText('a smaller learning rate may help').first().waitFor();
    await page.getByText(/finetune epoch 1 of 3/).waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('in the queue').waitFor();
    await page.getByRole('link', { name: 'Clone' }).click();
    await page.getByText('This is a copy of “With a regularizer”.').waitFor();
    assert.equal(await page.getByLabel('Criterion of method 1').inputValue(), 'hrank');
    await page.goto(`${fixture.url}#/submissions/${grid}`);
    await page.getByRole('link', { name: 'Clone' }).click();
    await page.getByText('This is a copy of “Three criteria on shapes”.').waitFor();
    assert.equal(await page.getByLabel('Seeds').inputValue(), '0, 1');
    await page.getByRole('button', { name: 'Submit' }).click();
    await heading('Three criteria on shapes').waitFor();
    assert.deepEqual(fixture.received[0]!.plans, fixture.submissions.get(grid)!.plans);
  });

  it('clones plans that no form has together one at a time', async () => {
    const { grid } = await fill(fixture);
    const [plan] = fixture.submissions.get(grid)!.plans as [Plan];
    const plans = [plan, { ...plan, dataset: 'cifar10', datasetOptions: {}, speedups: [3] }];
    const { id } = fixture.submit({ title: 'Two of a kind', plans });
    await open(`#/new?submission=${id}`);
    await page.getByText('This is plan 1 of 2').waitFor();
    assert.equal(await page.getByLabel('Speed-ups').inputValue(), plan.speedups.join(', '));
    await page.getByRole('link', { name: '2', exact: true }).click();
    await page.getByText('This is plan 2 of 2').waitFor();
    assert.equal(await page.getByLabel('Speed-ups').inputValue(), '3');
    await page.getByRole('button', { name: 'Submit' }).click();
    await heading('Two of a kind').waitFor();
    assert.deepEqual(fixture.received[0]!.plans, plans.slice(1));
  });

  it('compares runs by what differs, against a baseline', async () => {
    const { several, running } = await fill(fixture);
    await open('#/runs?kind=pruned&state=done');
    for (const name of ['Compare magnitude-l2, 2x on shapes', 'Compare lamp, 2x on shapes'])
      await page.getByLabel(name).first().check();
    await page.getByRole('link', { name: 'Compare 2 of up to 10' }).click();
    assert.deepEqual(await rows('Settings that differ'), ['method\tmagnitude-l2\tlamp']);
    const [, left, right] = (await rows('Results'))[0]!.split(/\t/);
    const score = (text: string) => Number(/^([\d.]+) %/.exec(text)![1]);
    const by = Number(/\n([+−\d.]+) points/.exec(right!)![1]!.replace('−', '-'));
    assert.equal(by.toFixed(2), (score(right!) - score(left!)).toFixed(2));
    await page.getByLabel('Baseline').selectOption({ index: 1 });
    assert.doesNotMatch((await rows('Results'))[0]!.split('\t')[2]!, /points/);
    assert.match(await query(), /baseline=/);

    await page.goto(`${fixture.url}#/compare?runs=${running}`);
    await page.getByText('None of them is done').waitFor();
    await fixture.finish(running);
    await page.getByRole('table', { name: 'Results' }).waitFor();

    await page.goto(`${fixture.url}#/compare?runs=${several.join()}`);
    await page.getByText('No other run has both a better score and less cost than').waitFor();
    const points = page.locator('figure', { hasText: 'Score against' }).locator('.mark-symbol path');
    await counts(points, several.length);
    await page.getByRole('combobox', { name: 'Cost' }).selectOption('latency');
    await page.getByText('Score against latency').first().waitFor();
    await page.getByRole('button', { name: 'Remove random, 2x' }).click();
    assert.equal((await query()).includes(several[2]!), false);
  });

  it("has leaderboards, with the paper's rows beside ours", async () => {
    await fill(fixture);
    await open('#/leaderboards');
    const board = 'Leaderboard of resnet18 x0.125 on shapes';
    const slower = page.getByRole('table', { name: board }).getByRole('cell', { name: '2x', exact: true });
    await slower.first().waitFor();
    await page.getByRole('combobox', { name: 'speed-up' }).selectOption('4');
    await slower.first().waitFor({ state: 'detached' });
    assert.equal(await query(), 'speedup=4');
    assert.ok((await rows(board)).every(row => row.includes('\t4x\t')));
    const lamp = (await rows("Ours beside the paper's")).find(row => row.startsWith('lamp\t4x'))!;
    assert.match(lamp, /-?−?4\.80/, "the paper's delta of LAMP at 4x");
    await page.goto(`${fixture.url}#/leaderboards?model=vgg19&dataset=cifar100&speedup=8`);
    assert.equal((await rows('Leaderboard of vgg19 on cifar100')).length, 17);
  });

  it('asks for a token where the server does, and goes on where it was', async () => {
    fixture.token = 'open sesame';
    await page.goto(`${fixture.url}#/new`);
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This token is not known here.').waitFor();
    await page.getByLabel('Token').fill('open sesame');
    await page.keyboard.press('Enter');
    await page.getByLabel('Title').fill('Kept');
    fixture.token = 'another';
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByLabel('Token').fill('another');
    await page.keyboard.press('Enter');
    await heading('Kept').waitFor();
    assert.equal(fixture.received.length, 1);

    await page.context().clearCookies();
    await page.goto('about:blank');
    await page.goto(`${fixture.url}#token=another`);
    await heading('New run').waitFor();
    assert.doesNotMatch(page.url(), /another/);
  });

  it('makes tokens, shows them once, and revokes them', async () => {
    await open('#/server');
    await page.getByRole('row', { name: /here cpu onnxruntime/ }).waitFor();
    await page.getByLabel('Name of a new token').fill('notebook');
    await page.getByLabel('be a worker').check();
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByText('a-token-that-is-shown-once').waitFor();
    assert.deepEqual(fixture.tokens[0]!.scopes, ['read', 'submit', 'work']);
    await page.reload();
    await page.getByRole('button', { name: 'Revoke notebook' }).click();
    await page
      .getByRole('row', { name: /notebook/ })
      .getByText('revoked')
      .waitFor();
    assert.equal(await page.getByText('a-token-that-is-shown-once').count(), 0);
  });

  it('works by keyboard', async () => {
    await open('#/new');
    const focused = () =>
      page.evaluate(`(() => {
        const { tagName, textContent, id, ariaLabel } = document.activeElement;
        const { outlineStyle } = getComputedStyle(document.activeElement);
        return { tag: tagName, text: ariaLabel ?? textContent.slice(0, 40), id, outlineStyle };
      })()`) as Promise<{ tag: string; text: string; id: string; outlineStyle: string }>;
    await page.locator('.numbers[aria-busy=false]').waitFor();
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('Tab');
    assert.equal((await focused()).text, 'To the content');
    await page.keyboard.press('Enter');
    assert.equal((await focused()).id, 'main');
    const reached: string[] = [];
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      const { tag, text, outlineStyle } = await focused();
      if (tag === 'BODY') break;
      reached.push(`${tag} ${text}`);
      // chips show it around themselves
      const shown =
        outlineStyle !== 'none' ||
        (await page.locator('.chip:has(:focus-visible), label.button:focus-within').count()) > 0;
      assert.ok(shown, `the focus is not seen on ${tag} ${text}`);
      if (text === 'Submit') break;
    }
    assert.equal(reached.at(-1), 'BUTTON Submit');
    await page.keyboard.press('Enter');
    await heading(/resnet18 on cifar10/).waitFor();
    assert.equal((await focused()).tag, 'H1', 'the heading of a view that was gone to has the focus');
    await page.getByRole('status').getByText('Submitted.').waitFor({ state: 'attached' });
  });

  it('says so where there is nothing', async () => {
    await open('#/runs');
    await page.getByText('There are no runs yet.').waitFor();
    await page.goto(`${fixture.url}#/submissions`);
    await page.getByText('Nothing was submitted yet.').waitFor();
    await page.goto(`${fixture.url}#/runs/0123456789ab`);
    await page.getByText('there is no run 0123456789ab').waitFor();
    await page.goto(`${fixture.url}#/compare`);
    await page.getByText('No run is chosen.').waitFor();
  });

  it('shows what people write as they wrote it', async () => {
    const title = '<img src=x onerror="document.title=1"> & “quotes”';
    const plans = [...fixture.submissions.values()].flatMap(one => one.plans);
    assert.deepEqual(plans, []);
    await fill(fixture);
    const [some] = [...fixture.submissions.values()];
    const { id } = fixture.submit({ title, plans: some!.plans });
    await open(`#/submissions/${id}`);
    await heading(title).waitFor();
    assert.equal(await page.locator('main img').count(), 0);
  });

  it('is small', async () => {
    const sizes: Promise<number>[] = [];
    page.on('response', response => {
      if (/\.(js|css|html|svg)$|\/$/.test(new URL(response.url()).pathname))
        sizes.push(response.body().then(body => body.length));
    });
    await open('#/runs');
    await page.waitForLoadState('load');
    const sent = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(sent > 0 && sent < 200_000, `${sent} bytes before the first chart`);
    assert.ok(records.length > 0);
  });
});
