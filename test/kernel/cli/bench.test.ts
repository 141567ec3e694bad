import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { BenchEstimate } from '../../../kernel/bench/estimate.ts';
import { protocolSchema, type ProtocolInput } from '../../../kernel/bench/protocol.ts';
import { recordSchema, type RunRecord } from '../../../kernel/bench/record.ts';
import type { Catalogue } from '../../../kernel/catalogue.ts';
import { defineCriterion, type Criterion } from '../../../kernel/plugin.ts';
import { catalogue } from './catalogue.ts';
import { keyboard, line, run, temporary, wordsToGoOn, type Outcome } from './run.ts';

const training = { epochs: 1, batch: 10 };
const protocol: ProtocolInput = {
  name: 'tiny',
  base: training,
  sparsify: training,
  finetune: training,
  steps: 10,
  latency: { repeats: 0 },
};
const tiny = 'bench --model tiny --dataset shapes:train=20,test=10 --backend cpu';

describe('bench', () => {
  let folder: ReturnType<typeof temporary>;
  let out: string;
  let quick: string;
  const writeProtocol = (name: string, content: unknown): string => {
    writeFileSync(folder.path(name), typeof content === 'string' ? content : JSON.stringify(content));
    return folder.path(name);
  };
  beforeEach(() => {
    folder = temporary();
    out = folder.path('out');
    quick = `${tiny} --protocol ${writeProtocol('tiny.json', protocol)} --out ${out}`;
  });
  afterEach(() => folder.remove());

  const recordIds = (): string[] => readdirSync(join(out, 'records')).map(name => name.replace(/\.json$/, ''));
  const records = (): RunRecord[] =>
    recordIds().map(id => recordSchema.parse(JSON.parse(readFileSync(join(out, 'records', `${id}.json`), 'utf8'))));
  const recordsOf = async (command: string, known?: Catalogue): Promise<RunRecord[]> => {
    const { code, err } = await run(`${command} --json`.split(' '), {}, known);
    assert.deepEqual([code, err], [0, '']);
    return records();
  };
  /** Every file with the time of its last change. */
  const filesIn = (path: string): [string, number][] =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .map(file => [file, statSync(file).mtimeMs]);
  const refused = ({ code, out: text, err }: Outcome, expected: number, message: RegExp): void => {
    // A log may come before the error, but not where it is one of usage.
    const lines = err.trimEnd().split('\n');
    assert.match(lines.at(-1)!, message);
    assert.deepEqual([code, text, code === 2 ? lines.length : 1], [expected, '', 1]);
  };
  /** Lines of results, of which there is one for each run. */
  const results = (err: string): string[] => err.split('\n').filter(text => /^\d+s {2}.*: accuracy/.test(text));

  it('runs every method under every strategy, prints the leaderboard, and repeats nothing', async () => {
    const command = `${quick} --methods lamp,random --strategies local,global --speedups 1.5`;
    const { code, out: text, err } = await line(command);
    assert.equal(code, 0);
    for (const strategy of ['local', 'global'])
      for (const method of ['lamp', 'random']) {
        assert.match(text, new RegExp(`^${strategy} +1\\.5x +[12] +${method} +\\d`, 'm'));
        assert.match(
          err,
          new RegExp(
            `^\\d+s {2}${method}, ${strategy}, 1\\.5x: accuracy [\\d.]+ %, recalibrated [\\d.]+ %, fine-tuned .* %$`,
            'm',
          ),
        );
      }
    assert.equal(results(err).length, 4);
    assert.ok(text.endsWith(`\nbackend cpu; records in ${out}\n`));
    const combinations = records().map(
      ({ configuration: { criterion, strategy } }) => `${criterion.id} ${strategy.id}`,
    );
    assert.deepEqual(combinations.sort(), ['lamp global', 'lamp local', 'random global', 'random local']);
    for (const { id, configuration, base, pruned, latency } of records()) {
      assert.deepEqual(configuration.protocol, protocolSchema.parse(protocol));
      assert.deepEqual(configuration.model.options, { classes: 10, width: 1, image: 32, channels: 3, seed: 0 });
      assert.deepEqual([configuration.backend, configuration.seed, configuration.base], ['cpu', 0, null]);
      assert.ok(recordIds().includes(id));
      assert.ok(base.macs / pruned.macs >= 1.5);
      assert.deepEqual([base.history.length, pruned.history.length, latency], [1, 1, []]);
    }

    const before = filesIn(out);
    const again = await line(command, { columns: 80 });
    assert.deepEqual([again.code, again.out], [0, text]);
    assert.ok(!again.err.includes('run 1 of 4'));
    assert.deepEqual(filesIn(out), before);
  });

  it('without a terminal says what it does before the first result', async () => {
    const { err } = await line(`${quick} --methods lamp --speedups 1.5 --seeds 0`);
    const [head, first, ...more] = err.split('\n');
    assert.equal(head, `tiny on shapes, protocol tiny, backend cpu; records in ${out}`);
    assert.match(first!, /^\d+s {2}run 1 of 1 {2}base model {2}base \d+% {2}loss /);
    assert.ok(more.some(text => /^\d+s {2}lamp, .*: accuracy/.test(text)) && !err.includes('\x1b'));
  });

  it('as JSON names its records and says nothing else', async () => {
    const { code, out: text, err } = await line(`${quick} --methods lamp --speedups 1.5,2 --json`);
    assert.deepEqual([code, err], [0, '']);
    const { records, ...rest } = JSON.parse(text) as { records: string[] };
    assert.deepEqual(rest, { backend: 'cpu', out });
    assert.deepEqual(records.sort(), recordIds().sort());
    assert.equal(records.length, 2);
  });

  it('adds to what there is', async () => {
    await recordsOf(`${quick} --methods lamp --speedups 1.5`);
    const before = filesIn(out);
    const both = await recordsOf(`${quick} --methods lamp,random --speedups 1.5`);
    assert.equal(both.length, 2);
    const after = filesIn(out);
    assert.deepEqual(
      after.filter(([file]) => before.some(([old]) => old === file)),
      before,
    );
    assert.equal(after.filter(([file]) => /[/\\]base-/.test(file)).length, 1);
  });

  it('takes from an experiment of the paper what is not given', async () => {
    const typed = `bench --experiment vgg19-cifar100-local --profile smoke --backend cpu --out ${out}`;
    const [record] = await recordsOf(`${typed} --methods lamp --speedups 1.5 --width 0.03 --finetune-epochs 0`);
    const { model, dataset, strategy, speedup, protocol: used } = record!.configuration;
    assert.deepEqual(
      [model.id, model.options['width'], dataset.id, dataset.train, strategy.id, speedup],
      ['vgg19', 0.03, 'shapes', 64, 'local', 1.5],
    );
    assert.deepEqual([used.name, used.finetune], ['smoke', null]);
    const other = await run(`${typed} --model tiny --estimate --json`.split(' '));
    const { total, base, prune, sparsify, finetune, overhead } = JSON.parse(other.out) as Record<string, number>;
    assert.ok(base! > 0 && sparsify! > 0 && prune! > 0 && finetune! > 0);
    assert.ok(Math.abs(total! - (base! + prune! + sparsify! + finetune! + overhead!)) < 1e-9);
    assert.equal(records().length, 1);
  });

  it('estimates what is left to do', async () => {
    const estimate = async (more: string) => {
      const { code, out: text, err } = await run(`${quick} --estimate --json ${more}`.split(' '));
      assert.deepEqual([code, err], [0, '']);
      const { base, sparsify, prune, finetune, overhead, total, runs, done, assumed } = JSON.parse(text) as Record<
        string,
        number
      >;
      assert.ok(Math.abs(total! - (base! + sparsify! + prune! + finetune! + overhead!)) < 1e-9);
      return { base: base! > 0, sparsify: sparsify! > 0, finetune: finetune! > 0, runs, done, assumed };
    };
    const all = '--methods lamp,lamp+bn-scale --speedups 1.5,2';
    const none = { base: true, sparsify: true, finetune: true, runs: 4, done: 0, assumed: null };
    assert.deepEqual(await estimate(all), none);
    await recordsOf(`${quick} --methods lamp --speedups 1.5,2`);
    assert.deepEqual(await estimate(all), { ...none, base: false, done: 2 });
    assert.deepEqual(await estimate(`${all} --seeds 0,1`), { ...none, runs: 8, done: 2 });
    await recordsOf(`${quick} --methods lamp+bn-scale --speedups 2`);
    assert.deepEqual(await estimate(all), { ...none, base: false, sparsify: false, done: 3 });
    await recordsOf(`${quick} ${all}`);
    const { out: text } = await line(`${quick} --estimate ${all}`);
    assert.match(text, /^total +0s$/m);
    assert.match(text, /\n4 of 4 runs are done and not counted\n/);
  });

  it('estimates without the data, and says what it assumes', async () => {
    const command = `${quick} --dataset cifar100:path=nowhere,test=500 --methods random --estimate`;
    const { code, out: text } = await line(command);
    assert.equal(code, 0);
    assert.match(
      text,
      /\nassumed: cifar100 with 50000 training and 500 test images, as published; it is not here \(cifar100: no folder nowhere/,
    );
    assert.ok(!existsSync(out));
  });

  it('counts runs as done whose data are not here any more', async () => {
    const images = folder.path('images');
    mkdirSync(images);
    const all = Buffer.concat(Array.from({ length: 10 }, (_, label) => Buffer.alloc(3073, label)));
    for (const name of ['data_batch_1.bin', 'test_batch.bin']) writeFileSync(join(images, name), all);
    const command = (path: string) =>
      `${quick} --dataset cifar10:path=${path},train=10,test=10 --methods random,lamp --speedups 1.5`;
    await recordsOf(command(images).replace('random,lamp', 'lamp'));
    for (const path of [images, 'nowhere']) {
      const { runs, done, base } = JSON.parse((await line(`${command(path)} --estimate --json`)).out) as BenchEstimate;
      assert.deepEqual([runs, done, base], [2, 1, 0]);
    }
  });

  it('takes all criteria and the protected strategy by default', async () => {
    const all = await recordsOf(`${quick} --finetune-epochs 0 --speedups 1.2`);
    const used = all.map(({ configuration: { criterion, strategy } }) => [criterion.id, strategy.id]);
    assert.deepEqual(used.sort(), catalogue.criteria.map(({ id }) => [id, 'protected-global']).sort());
  });

  it('changes epochs and batch of the protocol, which the records state', async () => {
    const changes = '--base-epochs 2 --sparsify-epochs 3 --finetune-epochs 0 --batch 5';
    const [record] = await recordsOf(`${quick} --methods lamp --speedups 1.5 ${changes}`);
    const { base, sparsify, finetune } = record!.configuration.protocol;
    assert.deepEqual([base!.epochs, base!.batch, sparsify.epochs, sparsify.batch, finetune], [2, 5, 3, 5, null]);
    assert.equal(record!.base.history.length, 2);
    assert.deepEqual(record!.pruned.history, []);
    assert.deepEqual(record!.pruned.scores, record!.pruned.before);
    const longer = await recordsOf(`${quick} --methods lamp --speedups 1.5 --finetune-epochs 2`);
    assert.deepEqual(longer.map(({ pruned }) => pruned.history.length).sort(), [0, 2]);
  });

  for (const methods of ['bn-scale+bn-scale:reg=0.01', ' bn-scale + bn-scale:reg=0.01 '])
    it(`sparsifies before it prunes: ${methods}`, async () => {
      const { code, out: text } = await run([...`${quick} --speedups 1.5 --methods`.split(' '), methods]);
      assert.equal(code, 0);
      assert.match(text, /^ +1\.5x +1 +bn-scale \+ bn-scale +\d/m);
      const [record, ...more] = records();
      assert.deepEqual(more, []);
      assert.deepEqual(record!.configuration.regularizer, { id: 'bn-scale', options: { reg: 0.01 } });
      assert.equal(record!.sparsified!.history.length, 1);
      assert.ok(record!.seconds.regularizer! > 0);
    });

  it('takes options of methods and strategies, several of them too', async () => {
    const options = z.strictObject({ power: z.number(), offset: z.number() });
    const power = defineCriterion<z.infer<typeof options>>({
      id: 'power',
      options,
      element: (weight, { power, offset }) => Math.abs(weight) ** power + offset,
    });
    const known = { ...catalogue, criteria: [...catalogue.criteria, power as Criterion] };
    const methods = '--methods power:power=3,offset=0.5,lamp';
    const both = await recordsOf(`${quick} ${methods} --strategies protected-global:floor=0.5 --speedups 1.2`, known);
    const chosen = both.map(({ configuration: { criterion, strategy } }) => [criterion, strategy.options]);
    assert.deepEqual(
      chosen.find(([criterion]) => (criterion as { id: string }).id === 'power'),
      [{ id: 'power', options: { power: 3, offset: 0.5 } }, { floor: 0.5 }],
    );
    assert.equal(both.length, 2);
  });

  it('tells methods with other options apart', async () => {
    const { code, out: text } = await line(`${quick} --methods cp,cp:refit=true --speedups 1.5`);
    assert.equal(code, 0);
    for (const refit of [false, true]) assert.match(text, new RegExp(`1 +cp:refit=${refit} `));
  });

  it('tells strategies with other options apart', async () => {
    const strategies = 'protected-global,protected-global:floor=0.5';
    const { out: text } = await line(`${quick} --methods lamp --strategies ${strategies} --speedups 1.2`);
    assert.match(
      text,
      /^protected-global:floor=0\.1 +1\.2x +1 +lamp .*\nprotected-global:floor=0\.5 +1\.2x +1 +lamp /m,
    );
  });

  it('repeats everything for each seed', async () => {
    const { code, out: text, err } = await line(`${quick} --methods lamp --seeds 1,2 --speedups 1.5`);
    assert.equal(code, 0);
    assert.match(results(err).join('\n'), /^\d+s {2}lamp, .*1\.5x, seed 1: .*\n\d+s {2}lamp, .*1\.5x, seed 2: .*$/);
    assert.match(text, /spread +runs/);
    const seeds = records().map(({ configuration: { seed, model } }) => [seed, model.options['seed']]);
    assert.deepEqual(seeds.sort(), [
      [1, 1],
      [2, 2],
    ]);
    const [a, b] = records();
    assert.notEqual(a!.base.history[0]!.loss, b!.base.history[0]!.loss);
  });

  it('counts what is named twice once', async () => {
    const { out: text, err } = await line(`${quick} --methods lamp,lamp --seeds 0,0 --speedups 1.5,1.5`);
    assert.equal(results(err).length, 1);
    assert.ok(!/runs|spread/.test(text));
    assert.equal(recordIds().length, 1);
  });

  it('keeps multiples where it should', async () => {
    const [record] = await recordsOf(`${quick} --methods random --strategies global --speedups 1.5 --round-to 4`);
    assert.equal(record!.configuration.roundTo, 4);
    const left = record!.groups.filter(({ whole }) => whole === undefined).map(({ kept }) => kept.length);
    assert.ok(left.length === 2 && left.every(n => n % 4 === 0) && left.includes(4), left.join());
  });

  it('keeps to itself where the data lie', async () => {
    const images = folder.path('images');
    mkdirSync(images);
    const image = (label: number) => Buffer.concat([Buffer.from([label]), Buffer.alloc(3072, 25 * label)]);
    const all = Buffer.concat(Array.from({ length: 10 }, (_, label) => image(label)));
    for (const name of ['data_batch_1.bin', 'test_batch.bin']) writeFileSync(join(images, name), all);
    const data = `--dataset cifar10:path=${images},subset=random,test=10`;
    const [record] = await recordsOf(`${quick} ${data} --methods lamp --speedups 1.5`);
    assert.deepEqual(record!.configuration.dataset.options, { test: 10, subset: 'random', seed: 0 });
    assert.equal(record!.configuration.dataset.id, 'cifar10');
    for (const [file] of filesIn(out)) assert.ok(!readFileSync(file).includes(images), file);
  });

  it('shows a live line on a terminal', async () => {
    const { err } = await line(`${quick} --methods lamp,random --speedups 1.5 --json`, { columns: 100 });
    assert.match(err, /\r\x1b\[Krun 1 of 2 {2}base model {2}base 50% {2}loss \d\.\d{3} {2}\d+s left of it\r/);
    assert.match(err, /\r\x1b\[Krun 2 of 2 {2}random, protected-global, 1\.5x {2}finetune 100% .* {2}\d+s left\r/);
    assert.ok(err.endsWith('\r\x1b[K') && !err.includes('\n'));
  });

  it("runs a method of one's own again where its file was changed, and says why", async () => {
    const file = folder.path('variety.ts');
    const text = readFileSync('test/kernel/cli/fixtures/variety.ts', 'utf8');
    // Outside the project there is no zod.
    const zod = `import { createRequire } from 'node:module';\nconst { z } = createRequire('${resolve('package.json')}')('zod');`;
    writeFileSync(file, text.replace("import { z } from 'zod';", zod));
    const command = `${quick} --methods variety --plugin ${file}`;
    const [first] = await recordsOf(command);
    assert.deepEqual(await recordsOf(command), [first]);
    writeFileSync(file, `${readFileSync(file, 'utf8')}// changed\n`);
    const estimate = JSON.parse((await line(`${command} --estimate --json`)).out) as BenchEstimate;
    assert.deepEqual([estimate.runs, estimate.done], [1, 0]);
    const { code, err } = await line(command);
    assert.equal(code, 0);
    assert.match(
      err,
      /^variety, protected-global, 2x is made again: its record in .* was made with other code of criterion variety$/m,
    );
    const [second, ...more] = records();
    assert.deepEqual([second!.id, more], [first!.id, []]);
    assert.notEqual(second!.created, first!.created);
  });

  it('interrupted, it says how to go on, and goes on there', async () => {
    const argv = [...`${quick} --strategies local --speedups 1.5 --methods`.split(' '), 'lamp, random'];
    const keys = keyboard();
    const press = (text: string) => /lamp, local.*: accuracy/.test(text) && keys.press();
    const stopped = await run(argv, { ...keys, err: press });
    assert.deepEqual([stopped.code, stopped.out], [130, '']);
    const [done] = results(stopped.err);
    assert.match(done!, /lamp, local, 1\.5x: accuracy/);
    assert.ok(
      stopped.err
        .trimEnd()
        .split('\n')
        .at(-1)!
        .startsWith(`stopped; what is done is in ${out}. The same command goes on from there: `),
    );
    assert.equal(keys.listening, false);
    const [first, ...more] = records();
    assert.deepEqual(more, []);
    const words = wordsToGoOn(stopped.err);
    assert.deepEqual(words, argv);
    assert.equal((await run(words)).code, 0);
    assert.equal(records().length, 2);
    assert.deepEqual(
      records().find(({ id }) => id === first!.id),
      first,
    );
  });

  it('interrupted within a training, it goes on from its checkpoint', async () => {
    const command = `${quick} --methods lamp --speedups 1.5 --base-epochs 3`;
    const keys = keyboard();
    // The end of the second epoch, or its last step.
    const press = (text: string) => /base model {2}base 67%/.test(text) && keys.press();
    const stopped = await run(command.split(' '), { ...keys, columns: 100, err: press });
    assert.equal(stopped.code, 130);
    assert.match(stopped.err, /\r\x1b\[Kstopped; what is done is in /);
    assert.ok(!existsSync(join(out, 'records')));
    const { code, err } = await line(command, { columns: 100 });
    assert.equal(code, 0);
    assert.match(err, /^.*\n\r\x1b\[Krun 1 of 1 {2}base model {2}base (50|83)%/);
  });

  const wrong: [string, number, RegExp][] = [
    ['--methods lmap', 2, /unknown criterion lmap \(did you mean lamp\?\)/],
    ['--methods LAMP', 2, /unknown criterion LAMP \(/],
    ['--methods lamp:p=1', 2, /criterion lamp: no option p \(it has none\)/],
    ['--methods lamp+bn-scal', 2, /unknown regularizer bn-scal \(did you mean bn-scale\?\)/],
    ['--methods lamp+bn-scale:rg=1', 2, /regularizer bn-scale: no option rg \(did you mean reg\?\)/],
    ['--methods lamp+bn-scale+bn-scale', 2, /method lamp\+bn-scale\+bn-scale: is written as criterion or criterion\+/],
    ['--methods ', 2, /--methods: no names/],
    ['--strategies ', 2, /--strategies: no names/],
    ['--strategies locl', 2, /unknown strategy locl \(did you mean local\?\)/],
    ['--strategies local,protected-global:floor=2', 2, /strategy protected-global: option floor 2: too big/],
    ['--protocol qick', 2, /unknown protocol qick \(did you mean quick\?\)/],
    ['--protocol protocol.txt', 2, /unknown protocol protocol.txt \(there are quick, .*paper.*\)/],
    ['--protocol nowhere.json', 1, /^error: no file nowhere.json$/],
    ['--dataset shape', 2, /unknown dataset shape \(did you mean shapes\?\)/],
    ['--dataset shapes:nose=0', 2, /dataset shapes: no option nose \(did you mean noise\?\)/],
    ['--dataset cifar10:path=nowhere', 1, /cifar10: no folder nowhere/],
    ['--backend cup', 2, /unknown backend cup \(did you mean cpu\?\)/],
    ['--backend tensorflow', 1, /backend tensorflow: not installed: npm install/],
    ['--model tny', 2, /unknown model tny \(did you mean tiny\?\)/],
    ['--model tiny:widht=2', 2, /model tiny: no option widht \(did you mean width\?\)/],
    ['--width 0', 2, /model tiny: option width 0: too small/],
    ['--seed 5', 2, /model tiny: option seed 5: seeds are given by --seeds/],
    ['--classes 7', 2, /model tiny: option classes 7: data set shapes has 10/],
    ['--model tiny:image=16', 2, /model tiny: option image 16: data set shapes has 32/],
    ['--speedups 2,0.5', 2, /--speedups.1: too small/],
    ['--speedups fast', 2, /--speedups.0: invalid input: expected number/],
    ['--speedups ', 2, /--speedups: too small/],
    ['--speedups 1000', 1, /reaches a speed-up of .* at most, 1000 was asked for/],
    ['--seeds 0.5', 2, /--seeds.0: invalid input: expected int/],
    ['--seeds ', 2, /--seeds: too small/],
    ['--base-epochs 0', 2, /--base-epochs 0: too small/],
    ['--sparsify-epochs 0', 2, /--sparsify-epochs 0: too small/],
    ['--finetune-epochs -1', 2, /--finetune-epochs -1: too small/],
    ['--batch 0', 2, /--batch 0: too small/],
    ['--round-to 0', 2, /--round-to 0: too small/],
    ['--threads 0', 2, /--threads 0: too small/],
    ['extra', 2, /too many arguments/],
  ];
  for (const [typed, code, message] of wrong)
    it(`refuses: ${typed}`, async () => {
      refused(await line(`${quick} ${typed}`), code, message);
      assert.ok(!existsSync(join(out, 'records')));
      assert.equal(existsSync(out), typed === '--speedups 1000');
    });

  for (const [flag, message] of [
    ['model', /no model: give --model NAME/],
    ['dataset', /no dataset: give --dataset NAME, or --experiment NAME/],
    ['out', /no folder for the records: give --out FOLDER/],
  ] as const)
    it(`refuses to go without --${flag}`, async () =>
      refused(await line(quick.replace(new RegExp(` --${flag} \\S+`), '')), 2, message));

  const protocols: [string, unknown, RegExp][] = [
    ['that is not JSON', '{"name": "a",', /protocol .*a\.json: not JSON: .*JSON/],
    ['that is a list', [], /protocol .*a\.json: Invalid input: expected object, received array/],
    ['that is null', null, /protocol .*a\.json: Invalid input: expected object, received null/],
    ['without a name', {}, /protocol .*a\.json: name: Invalid input: expected string/],
    ['with an unknown field', { ...protocol, epochs: 3 }, /protocol .*a\.json: Unrecognized key: "epochs"/],
    ['with a wrong value', { name: 'a', base: { epochs: 0 } }, /protocol .*a\.json: base\.epochs: Too small/],
  ];
  for (const [what, content, message] of protocols)
    it(`refuses a protocol ${what}`, async () => {
      refused(await line(`${quick} --protocol ${writeProtocol('a.json', content)}`), 2, message);
      assert.ok(!existsSync(out));
    });

  it('refuses epochs for a fine-tuning that the protocol does not have', async () => {
    const file = writeProtocol('none.json', { ...protocol, finetune: null });
    const command = `${quick} --methods lamp --speedups 1.5 --protocol ${file}`;
    refused(
      await line(`${command} --finetune-epochs 2`),
      2,
      /--finetune-epochs 2: protocol .*none\.json has no fine-tuning/,
    );
    const [record] = await recordsOf(`${command} --finetune-epochs 0`);
    assert.equal(record!.configuration.protocol.finetune, null);
  });

  it('refuses a record that is damaged', async () => {
    const command = `${quick} --methods lamp --speedups 1.5`;
    const [{ id }] = (await recordsOf(command)) as [RunRecord];
    writeFileSync(join(out, 'records', `${id}.json`), '{');
    refused(await line(command), 1, new RegExp(`record ${id}.*: not JSON`));
  });

  it('refuses a folder that is a file', async () =>
    refused(await line(`${quick} --out package.json`), 1, /package\.json: a file is in the way/));
});
