import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { count } from '../../../kernel/graph/count.ts';
import { decode } from '../../../kernel/graph/file.ts';
import { assertSameInOnnx } from '../../plugins/formats/oracle.ts';
import { line, temporary } from './run.ts';

interface Summary {
  before: { macs: number };
  after: { macs: number; params: number };
  speedup: number;
  groups: { id: string; units: number; kept: number[]; whole?: string }[];
  files: string[];
  latency: { ratio: number; base: { batch: number; threads: number; repeats: number; medianMs: number } } | null;
  seconds: number;
}

const model = '--model resnet18 --width 0.125 --classes 7';
const method = '--criterion magnitude-l2 --strategy local --speedup 2 --seed 1';

describe('prune', () => {
  let folder: ReturnType<typeof temporary>;
  beforeEach(() => (folder = temporary()));
  afterEach(() => folder.remove());

  it('writes model and record, and prints the record', async () => {
    const out = folder.path('a');
    const { code, err, out: text } = await line(`prune ${model} ${method} --out ${out} --json`);
    assert.deepEqual([code, err], [0, '']);
    const { files, seconds, latency, ...summary } = JSON.parse(text) as Summary;
    assert.deepEqual(readdirSync(out).sort(), ['model.onnx', 'model.safetensors', 'prune.json']);
    assert.equal(files.length, 3);
    assert.ok(seconds > 0 && latency!.ratio > 0);
    assert.deepEqual(JSON.parse(readFileSync(folder.path('a', 'prune.json'), 'utf8')), summary);
    assert.ok(summary.speedup >= 2 && summary.speedup === summary.before.macs / summary.after.macs);
    assert.equal(summary.groups.find(group => group.id === 'fc')!.whole, 'output fc of the network');
    const graph = decode(new Uint8Array(readFileSync(folder.path('a', 'model.safetensors'))));
    const { params, macs } = count(graph);
    assert.deepEqual([params, macs], [summary.after.params, summary.after.macs]);
    await assertSameInOnnx(graph, [2]);
  });

  it('gives the same files for the same seed, others for another', async () => {
    for (const [name, seed] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ] as const)
      await line(`prune ${model} --criterion random --speedup 2 --seed ${seed} --out ${folder.path(name)} --json`);
    const bytes = (name: string) =>
      readdirSync(folder.path(name))
        .sort()
        .map(file => readFileSync(folder.path(name, file)));
    assert.deepEqual(bytes('a'), bytes('b'));
    assert.notDeepEqual(bytes('a')[1], bytes('c')[1]);
  });

  it('a criterion that needs data looks at a data set, as often as asked for', async () => {
    const typed = `prune --model tiny --criterion taylor --speedup 1.5 --steps 40 --dataset shapes:train=64,test=10 --calibration-batches 2 --calibration-batch 16`;
    const run = async (more = '') => {
      const { code, err, out } = await line(`${typed} --json${more}`);
      assert.deepEqual([code, err], [0, '']);
      return JSON.parse(out) as Summary & { dataset: { id: string }; calibration: unknown };
    };
    const first = await run();
    assert.ok(first.speedup >= 1.5);
    assert.equal(first.dataset.id, 'shapes');
    assert.deepEqual(first.calibration, { batches: 2, batch: 16, every: 1 });
    assert.deepEqual((await run()).groups, first.groups);
    assert.notDeepEqual((await run(' --seed 1')).groups, first.groups);
    assert.deepEqual((await run(' --estimate-every 3')).calibration, { batches: 2, batch: 16, every: 3 });
  });

  it('cp fits the weights that are left where its option says so', async () => {
    const typed = `prune --model tiny --speedup 1.5 --steps 20 --dataset shapes:train=64,test=10 --calibration-batches 2 --calibration-batch 16 --json`;
    const bytes: Buffer[] = [];
    for (const refit of [false, true]) {
      const out = folder.path(String(refit));
      const { code, err, out: text } = await line(`${typed} --criterion cp:refit=${refit} --out ${out}`);
      assert.deepEqual([code, err], [0, '']);
      const { criterion } = JSON.parse(text) as { criterion: unknown };
      assert.deepEqual(criterion, { id: 'cp', options: { positions: 10, refit, refitPositions: 50 } });
      bytes.push(readFileSync(folder.path(String(refit), 'model.safetensors')));
    }
    const [plain, fitted] = bytes.map(file => decode(new Uint8Array(file)));
    assert.deepEqual(fitted!.nodes, plain!.nodes);
    const changed = [...plain!.parameters].filter(([name, { values }]) => {
      const own = fitted!.parameters.get(name)!.values;
      return values.some((value, i) => value !== own[i]);
    });
    assert.deepEqual(
      changed.map(([name]) => name),
      ['b.kernel', 'head.kernel', 'head.bias'],
    );
  });

  it('prunes a saved model further', async () => {
    await line(`prune ${model} ${method} --out ${folder.path('a')}`);
    const { code, out } = await line(`prune --load ${folder.path('a', 'model.safetensors')} ${method} --json`);
    assert.equal(code, 0);
    const { before, speedup, files } = JSON.parse(out) as Summary;
    const first = JSON.parse(readFileSync(folder.path('a', 'prune.json'), 'utf8')) as Summary;
    assert.equal(before.macs, first.after.macs);
    assert.ok(speedup >= 2);
    assert.deepEqual(files, []);
  });

  it('takes options of plugins and lists', async () => {
    const { out } = await line(
      `prune ${model} --criterion lamp --strategy protected-global:floor=0.5 --ignore conv1,layer1.0.conv1 --speedup 1.5 --round-to 2 --json`,
    );
    const { groups, strategy } = JSON.parse(out) as Summary & { strategy: unknown };
    assert.deepEqual(strategy, { id: 'protected-global', options: { floor: 0.5 } });
    const left = groups.filter(group => group.whole === 'left out by option').map(group => group.id);
    assert.deepEqual(left, ['conv1', 'layer1.0.conv1']);
    for (const { units, kept } of groups) assert.ok(kept.length >= units / 2 - 2);
  });

  it('shows every layer, totals and speed-up', async () => {
    const { out, err } = await line(`prune ${model} ${method}`);
    assert.equal(err, '');
    assert.match(out, /^conv1 +3 x 3 x 3 x 8 +3 x 3 x 3 x \d /m);
    assert.match(out, /^MACs, compatible +\S+ [kM] +\S+ [kM] +\d+\.\d%$/m);
    assert.match(out, /^latency, batch 1 +[\d.]+ ms +[\d.]+ ms +[\d.]+%$/m);
    assert.match(out, /^plain speed-up 2\.\d+ after \d+ steps, \d+\.\d s$/m);
  });

  it('prunes to a time that is measured', async () => {
    const { code, err, out } = await line(
      `prune --model resnet18 --width 0.25 --classes 10 --criterion magnitude-l2 --count latency --speedup 1.2 --steps 10 --latency-repeats 3 --latency-batch 2 --json`,
    );
    assert.deepEqual([code, err], [0, '']);
    const { speedup, latency } = JSON.parse(out) as Summary;
    assert.ok(speedup >= 1.2);
    const { batch, threads, repeats } = latency!.base;
    assert.deepEqual([batch, threads, repeats], [2, 1, 3]);
    const { out: text } = await line(`prune ${model} --criterion lamp --speedup 1.1 --latency-repeats 0`);
    assert.doesNotMatch(text, /latency/);
  });

  it('shows a live line on a terminal', async () => {
    const { err } = await line(`prune ${model} ${method} --json`, { columns: 80 });
    assert.match(err, /\r.*step 1: speed-up 1\.\d\d of 2/);
    assert.ok(err.endsWith('\r\x1b[K'));
  });

  const refused: [string, number, RegExp][] = [
    [`${model} --criterion lamp`, 2, /--speedup is required/],
    [`${model} --speedup 2`, 2, /required option '--criterion <name>' not specified/],
    [`${model} --criterion lmap --speedup 2`, 2, /unknown criterion lmap \(did you mean lamp\?\)/],
    [`${model} --criterion lamp:p=1 --speedup 2`, 2, /criterion lamp: no option p \(it has none\)/],
    [`${model} --criterion lamp --strategy locl --speedup 2`, 2, /unknown strategy locl \(did you mean local\?\)/],
    [
      `${model} --criterion lamp --strategy protected-global:floor=2 --speedup 2`,
      2,
      /strategy protected-global: option floor 2: too big/,
    ],
    [`${model} --criterion lamp --speedup 2 --count latency --latency-repeats 0`, 2, /nothing is measured/],
    [`${model} --criterion lamp --speedup 0.5`, 2, /--speedup 0.5: too small/],
    [`${model} --criterion lamp --speedup 2 --reduce men`, 2, /--reduce men: invalid option/],
    [`${model} --criterion lamp --speedup 1e6`, 1, /reaches a speed-up of .* at most, 1000000 was asked for/],
    [`${model} --criterion taylor --speedup 2`, 2, /criterion taylor needs data to run the network on: give --dataset/],
    [`${model} --criterion lamp --speedup 2 --dataset shapes`, 2, /--dataset shapes: criterion lamp needs no data/],
    [
      `${model} --criterion taylor --speedup 2 --dataset shapes:train=10,test=1`,
      1,
      /label 7, the network has 7 classes/,
    ],
    [
      `${model} --image 64 --criterion hrank --speedup 2 --dataset shapes:train=10,test=1`,
      1,
      /images of 3072 values, resnet18 reads \[64, 64, 3\]/,
    ],
    [`${model} --criterion lamp --speedup 2 --ignore nose`, 1, /no group nose to ignore/],
    [`${model} --criterion lamp --speedup 2 --backend cup`, 2, /unknown backend cup \(did you mean cpu\?\)/],
    [`${model} --criterion lamp --speedup 2 --backend tensorflow`, 1, /backend tensorflow: not installed: npm install/],
  ];
  for (const [typed, expected, message] of refused)
    it(`refuses: ${typed.replace(model, '...')}`, async () => {
      const { code, out, err } = await line(`prune ${typed}`);
      assert.match(err, message);
      assert.deepEqual([code, out, err.split('\n').length], [expected, '', 2]);
    });

  it('leaves no folder behind where it fails', async () => {
    await line(`prune ${model} --criterion lamp --speedup 1e6 --out ${folder.path('a')}`);
    assert.deepEqual(readdirSync(folder.path()), []);
  });
});
