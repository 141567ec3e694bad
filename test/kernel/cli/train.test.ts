import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Catalogue } from '../../../kernel/catalogue.ts';
import { count } from '../../../kernel/graph/count.ts';
import { decode } from '../../../kernel/graph/file.ts';
import type { Dataset } from '../../../kernel/plugin.ts';
import { shapes } from '../../../datasets/index.ts';
import { catalogue } from './catalogue.ts';
import { keyboard, line, run, temporary, wordsToGoOn, type Outcome } from './run.ts';

interface Trained {
  model: { id?: string; options?: Record<string, unknown>; file?: string };
  dataset: { id: string; options: unknown; checksum: string; train: number; test: number };
  options: {
    epochs: number;
    batch: number;
    seed: number;
    optimizer: { kind: string; learningRate: number; weightDecay: number };
  };
  regularizer: { id: string; options: unknown } | null;
  backend: string;
  size: { params: number; macs: number };
  scores: Record<string, number>;
  best: { epoch: number; score: number };
  history: { epoch: number; loss: number; scores?: Record<string, number> }[];
  resumed: boolean;
  seconds: number;
  files: string[];
}

const data = '--dataset shapes:train=20,test=10 --batch 10 --backend cpu';
const tiny = `train --model tiny ${data}`;

const trained = ({ code, out, err }: Outcome): Trained => {
  assert.deepEqual([code, err], [0, '']);
  return JSON.parse(out) as Trained;
};
const graphIn = (folder: string) => decode(new Uint8Array(readFileSync(`${folder}/model.safetensors`)));
const withoutSeconds = ({ history }: Trained) => history.map(({ epoch, loss, scores }) => ({ epoch, loss, scores }));

/** The catalogue with a data set that presses the key when a training has taken so many batches from it. */
function pressingAt(batches: number, press: () => void): Catalogue {
  const dataset: Dataset = {
    ...shapes,
    async load(options) {
      const { train, ...rest } = await shapes.load(options as never);
      let taken = 0;
      return {
        ...rest,
        train: {
          size: train.size,
          async *batches(request) {
            for await (const batch of train.batches(request)) {
              if (++taken === batches) press();
              yield batch;
            }
          },
        },
      };
    },
  };
  return { ...catalogue, datasets: [dataset] };
}

describe('train', () => {
  let folder: ReturnType<typeof temporary>;
  beforeEach(() => (folder = temporary()));
  afterEach(() => folder.remove());

  it('writes checkpoints, model and record, and prints the record', async () => {
    const out = folder.path('a');
    const record = trained(await line(`${tiny} --epochs 2 --seed 3 --out ${out} --json`));
    const { files, seconds, resumed, ...written } = record;
    const names = ['last.safetensors', 'model.onnx', 'model.safetensors', 'train.json'];
    assert.deepEqual(readdirSync(out).sort(), names);
    assert.deepEqual(files.map(file => file.slice(out.length + 1)).sort(), names.slice(1));
    assert.deepEqual(JSON.parse(readFileSync(folder.path('a', 'train.json'), 'utf8')), written);
    assert.ok(seconds > 0);
    assert.equal(resumed, false);
    assert.equal(record.regularizer, null);
    assert.equal(record.backend, 'cpu');
    assert.deepEqual(record.model, { id: 'tiny', options: { classes: 10, width: 1, image: 32, channels: 3, seed: 3 } });
    const { epochs, batch, seed } = record.options;
    assert.deepEqual([epochs, batch, seed], [2, 10, 3]);
    assert.deepEqual([record.dataset.id, record.dataset.train, record.dataset.test], ['shapes', 20, 10]);
    assert.match(record.dataset.checksum, /^[0-9a-f]{64}$/);
    assert.deepEqual(count(graphIn(out)), record.size);
    assert.deepEqual(record.scores, record.history[1]!.scores);
    assert.equal(record.best.score, Math.max(...record.history.map(({ scores }) => scores!['accuracy']!)));
  });

  it('shows the history in columns, and a line per epoch on standard error', async () => {
    const { code, out, err } = await line(`${tiny} --epochs 2 --evaluate-every 1 --out ${folder.path('a')}`);
    assert.equal(code, 0);
    assert.match(err, /^epoch 1\/2 {2}step 2\/4 .* accuracy \d\.\d{4} .*\nepoch 2\/2 {2}step 4\/4 .*\n$/);
    assert.match(
      out,
      /^epoch +training loss +rate +accuracy +top5 +loss +seconds\n-.*\n +1 .*\n +2 .*\n\nbackend cpu, /,
    );
    for (const name of ['model.onnx', 'model.safetensors', 'train.json'])
      assert.ok(out.includes(`wrote ${folder.path('a', name)}\n`));
  });

  it('shows a live line instead on a terminal', async () => {
    const { out, err } = await line(`${tiny} --epochs 1`, { columns: 60 });
    assert.match(err, /^\r\x1b\[Kepoch 1\/1 {2}step 1\/2 {2}loss/);
    assert.ok(err.endsWith('\r\x1b[K') && !err.includes('\n'));
    for (const shown of err.split('\r\x1b[K')) assert.ok(shown.length < 60);
    assert.ok(out.startsWith('epoch ') && !out.includes('wrote'));
  });

  it('gives the same weights for the same seed, others for another', async () => {
    for (const [name, seed] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ] as const)
      trained(await line(`${tiny} --epochs 1 --seed ${seed} --out ${folder.path(name)} --json`));
    const bytes = (name: string) => readFileSync(folder.path(name, 'model.safetensors'));
    assert.deepEqual(bytes('a'), bytes('b'));
    assert.notDeepEqual(bytes('a'), bytes('c'));
  });

  it('goes on where a folder holds a checkpoint, unless it should not', async () => {
    const command = `${tiny} --epochs 1 --out ${folder.path('a')} --json`;
    const first = trained(await line(command));
    const again = trained(await line(command));
    assert.equal(again.resumed, true);
    assert.deepEqual(again.history, first.history);
    const over = trained(await line(`${command} --no-resume`));
    assert.equal(over.resumed, false);
    assert.deepEqual(withoutSeconds(over), withoutSeconds(first));
  });

  it('refuses the checkpoint of another run, and says what differs', async () => {
    const command = (more: string) => line(`${tiny} --out ${folder.path('a')} ${more} --json`);
    trained(await command('--epochs 1'));
    const refused: [string, RegExp][] = [
      ['--epochs 2', /is of another run: options.epochs is 1 there, 2 here$/m],
      ['--epochs 1 --width 2', /is of another run: graph.sha256 is/],
      ['--epochs 1 --regularizer bn-scale --optimizer sgd:weightDecay=5e-4', /another run: more.regularizer is null/],
    ];
    for (const [more, message] of refused) {
      const { code, err } = await command(more);
      assert.match(err, message);
      assert.equal(code, 1);
    }
  });

  it('trains a saved model further', async () => {
    trained(await line(`${tiny} --epochs 1 --width 0.5 --out ${folder.path('a')} --json`));
    const file = folder.path('a', 'model.safetensors');
    const further = trained(await line(`train --load ${file} ${data} --epochs 1 --json --out ${folder.path('b')}`));
    assert.deepEqual(further.model, { file });
    assert.deepEqual(count(graphIn(folder.path('a'))), further.size);
    const kernel = (name: string) => graphIn(folder.path(name)).parameters.get('a.kernel')!.values;
    const [before, after] = [kernel('a'), kernel('b')];
    assert.notDeepEqual(before, after);
    // A few steps lead nowhere else, as other initial weights would.
    for (const [i, value] of before.entries()) assert.ok(Math.abs(value - after[i]!) < 0.1);
  });

  it('a regularizer decays weights instead of the optimizer, unless that is asked to', async () => {
    const scales = (name: string) =>
      graphIn(folder.path(name))
        .parameters.get('bn.scale')!
        .values.reduce((sum, value) => sum + value, 0);
    const go = async (name: string, more: string) =>
      trained(await line(`${tiny} --epochs 1 --out ${folder.path(name)} --json${more}`));
    const plain = await go('plain', '');
    const slim = await go('slim', ' --regularizer bn-scale:reg=1');
    const both = await go('both', ' --regularizer bn-scale:reg=1 --optimizer sgd:weightDecay=0.1');
    const decay = [plain, slim, both].map(({ options }) => options.optimizer.weightDecay);
    assert.deepEqual(decay, [5e-4, 0, 0.1]);
    assert.deepEqual(slim.regularizer, { id: 'bn-scale', options: { reg: 1 } });
    assert.ok(scales('slim') < scales('plain') - 0.1);
    const other = await go('adam', ' --regularizer bn-scale --optimizer adamw:learningRate=0.002');
    const { kind, learningRate, weightDecay } = other.options.optimizer;
    assert.deepEqual([kind, learningRate, weightDecay], ['adamw', 0.002, 0]);
  });

  describe('interrupted', () => {
    it('between checkpoints, it goes on with the command that it says', async () => {
      const out = folder.path("a 'b'");
      const argv = [...`${tiny} --epochs 2 --checkpoint-every 1 --json --no-resume --out`.split(' '), out];
      const keys = keyboard();
      const stopped = await run(argv, keys, pressingAt(2, keys.press));
      assert.deepEqual([stopped.code, stopped.out], [130, '']);
      assert.match(stopped.err, /^stopped; the last checkpoint is in .*\. To go on: npx pruningbench train .*\n$/);
      assert.equal(keys.listening, false);
      assert.deepEqual(readdirSync(out), ['last.safetensors']);
      const words = wordsToGoOn(stopped.err);
      assert.deepEqual(
        words,
        argv.filter(word => word !== '--no-resume'),
      );
      const { out: text, err } = await run(words, { columns: 80 });
      assert.match(err, /^\r\x1b\[Kepoch 1\/2 {2}step 2\/4 /);
      const rest = JSON.parse(text) as Trained;
      assert.equal(rest.resumed, true);
      const whole = trained(await line(`${tiny} --epochs 2 --json --out ${folder.path('whole')}`));
      assert.deepEqual(withoutSeconds(rest), withoutSeconds(whole));
      assert.deepEqual(
        readFileSync(`${out}/model.safetensors`),
        readFileSync(folder.path('whole', 'model.safetensors')),
      );
    });

    it('before the first checkpoint, it says that nothing is kept', async () => {
      const keys = keyboard();
      const out = folder.path('a');
      const stopped = await run(`${tiny} --out ${out}`.split(' '), keys, pressingAt(1, keys.press));
      assert.deepEqual(stopped, { code: 130, out: '', err: 'stopped before the first checkpoint; nothing was kept\n' });
      assert.ok(!existsSync(out));
    });

    it('without a folder too', async () => {
      const keys = keyboard();
      const stopped = await run(tiny.split(' '), keys, pressingAt(3, keys.press));
      assert.deepEqual([stopped.code, stopped.out], [130, '']);
      assert.match(stopped.err, /\nstopped; without --out nothing was kept\n$/);
    });

    it('takes the live line away first', async () => {
      const keys = keyboard();
      const { err } = await run(tiny.split(' '), { ...keys, columns: 80 }, pressingAt(1, keys.press));
      assert.match(err, /step 1\/200 .*\r\x1b\[Kstopped; without --out nothing was kept\n$/);
    });
  });

  const refused: [string, number, RegExp][] = [
    ['', 2, /required option '--dataset <name>' not specified/],
    [data, 2, /no model: give --model NAME or --load FILE/],
    ['--dataset shape --model tiny', 2, /unknown dataset shape \(did you mean shapes\?\)/],
    ['--dataset shapes:trian=2 --model tiny', 2, /dataset shapes: no option trian \(did you mean train\?\)/],
    ['--dataset shapes:train=0 --model tiny', 2, /dataset shapes: option train 0: too small/],
    ['--dataset cifar10:path=nowhere --model tiny', 1, /cifar10: no folder nowhere; expected one with data_batch_1/],
    [`${data} --model tny`, 2, /unknown model tny \(did you mean tiny\?\)/],
    [`${data} --model tiny:depth=3`, 2, /model tiny: no option depth \(there are classes, width, /],
    [`${data} --model tiny --clases 3`, 2, /unknown option '--clases' \(Did you mean --classes\?\)/],
    [`${data} --model tiny --width x`, 2, /model tiny: option width x: invalid input: expected number/],
    [`${data} --model tiny --classes 7`, 1, /classification: label \d, the network has 7 classes/],
    [`${data} --model tiny --image 16`, 1, /fit: images of shapes are \[32, 32, 3\], tiny reads \[16, 16, 3\]/],
    [`${data} --load nowhere.safetensors`, 1, /no file nowhere.safetensors/],
    [`${data} --load package.json`, 1, /package.json: not a model: its first bytes are of none of the formats/],
    [`${data} --load x --model tiny`, 2, /--load x: --model cannot be given with it/],
    [`${data} --model tiny --backend cup`, 2, /unknown backend cup \(did you mean cpu\?\)/],
    [`${data} --model tiny --backend cpu --provider cuda`, 1, /provider cuda: this backend has none to choose from/],
    [`${data} --model tiny --backend tensorflow`, 1, /backend tensorflow: not installed: npm install/],
    [`${data} --model tiny --threads 0`, 2, /--threads 0: too small/],
    [`${data} --model tiny --regularizer bn-scal`, 2, /unknown regularizer bn-scal \(did you mean bn-scale\?\)/],
    [
      `${data} --model tiny --regularizer bn-scale:rg=1`,
      2,
      /regularizer bn-scale: no option rg \(did you mean reg\?\)/,
    ],
    [`${data} --model tiny --optimizer sdg`, 2, /--optimizer.kind: .*expected 'sgd' \| 'adamw'/i],
    [`${data} --model tiny --optimizer sgd:momentm=1`, 2, /sgd: no option momentm \(did you mean momentum\?\)/],
    [`${data} --model tiny --schedule cosine:warmup=-1`, 2, /--schedule.warmup: too small/],
    [`${data} --model tiny --epochs 0`, 2, /--epochs 0: too small/],
    [`${data} --model tiny --epochs ten`, 2, /--epochs ten: invalid input: expected number/],
    [`${data} --model tiny --seed 1.5`, 2, /--seed 1.5: invalid input: expected int/],
    [`${data} --model tiny --augment maybe`, 2, /--augment maybe: invalid input: expected boolean/],
    [`${data} --model tiny --keep bst`, 2, /--keep bst: invalid option: expected one of "last"\|"best"/],
    [`${data} --model tiny --checkpoint-every 0`, 2, /--checkpoint-every 0: too small/],
    [`${data} --model tiny --batch 99 --drop-last true`, 1, /20 training images of shapes make no batch of 99/],
    [`${data} --model tiny --optimizer sgd:learningRate=1e30`, 1, /loss is NaN at step 2 \(epoch 1, batch 2\)/],
    [`${data} --model tiny extra`, 2, /too many arguments/],
  ];
  for (const [typed, expected, message] of refused)
    it(`refuses: ${typed.replace(data, '...') || 'no flags'}`, async () => {
      const out = folder.path('a');
      const { code, out: text, err } = await line(`train ${typed} --out ${out}`.replace('  ', ' '));
      assert.match(err, message);
      assert.deepEqual([code, text, err.split('\n').length], [expected, '', 2]);
      assert.ok(!existsSync(out));
    });

  it('refuses a folder that is a file', async () => {
    const { code, err } = await line(`${tiny} --out package.json`);
    assert.match(err, /^error: ENOTDIR: .*package.json.*\n$/);
    assert.equal(code, 1);
  });

  it('refuses a data set for which there is no task', async () => {
    const known = { ...catalogue, datasets: [{ ...shapes, task: 'segmentation' }] as Dataset[] };
    const { code, err } = await run(tiny.split(' '), {}, known);
    assert.deepEqual([code, err], [1, 'error: unknown task segmentation (there are classification, detection)\n']);
  });
});
