import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bench,
  trainBase,
  trainSparsified,
  type BenchModels,
  type BenchOptions,
  type BenchProgress,
} from '../../../kernel/bench/bench.ts';
import { methodName, recordSchema, type RunRecord } from '../../../kernel/bench/record.ts';
import { lockFolder } from '../../../kernel/folder-lock.ts';
import { count } from '../../../kernel/graph/count.ts';
import type { Data } from '../../../kernel/plugin.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { shapes } from '../../../datasets/index.ts';
import {
  bnScale,
  cp,
  hrank,
  magnitudeL2,
  obdC,
  obdHessian,
  random,
  taylor,
  thinet,
} from '../../../plugins/criteria/index.ts';
import { onnx } from '../../../plugins/formats/index.ts';
import { bnScale as slimming, groupLasso, groupNorm, growingReg } from '../../../plugins/regularizers/index.ts';
import { local, protectedGlobal } from '../../../plugins/strategies/index.ts';
import { classification } from '../../../plugins/tasks/index.ts';
import { tiny } from '../tiny-model.ts';

describe('bench', function () {
  this.timeout(120_000);
  let data: Data;
  let folder: string;
  before(async () => {
    data = await shapes.load(parseOptions(shapes, { train: 64, test: 32 }));
    folder = await mkdtemp(join(tmpdir(), 'pruningbench-'));
  });
  after(() => rm(folder, { recursive: true }));

  const training = { epochs: 1, batch: 32 };
  const choose = (change: Partial<BenchOptions> = {}): BenchOptions => ({
    model: tiny,
    data,
    task: classification,
    methods: [{ criterion: magnitudeL2 }, { criterion: random }],
    strategies: [{ strategy: protectedGlobal }, { strategy: local }],
    speedups: [2],
    protocol: {
      name: 'test',
      base: training,
      sparsify: training,
      finetune: training,
      steps: 20,
      calibration: { batches: 1, batch: 8 },
      latency: { repeats: 2 },
    },
    format: onnx,
    ...change,
  });

  it('every method under every strategy gives a record; a second call makes none again', async () => {
    const stages = new Set<BenchProgress['stage']>();
    const first = await bench(choose({ out: folder, progress: ({ stage }) => stages.add(stage) }));
    assert.equal(first.length, 4);
    assert.deepEqual([...stages].sort(), ['base', 'finetune', 'measure', 'prune']);
    for (const record of first) {
      recordSchema.parse(record);
      assert.ok(record.base.macs / record.pruned.macs >= 2);
      assert.deepEqual(record.base, first[0]!.base);
      assert.equal(record.pruned.history.length, 1);
      assert.ok(record.latency[0]!.pruned > 0);
      assert.equal(record.provenance.versions.node, process.versions.node);
    }
    assert.deepEqual((await readdir(join(folder, 'records'))).length, 4);
    const again: string[] = [];
    const second = await bench(choose({ out: folder, progress: () => again.push('ran') }));
    assert.deepEqual(second, first);
    assert.deepEqual(again, []);
  });

  it('the same seed gives the same numbers without the records', async () => {
    const numbers = async () =>
      (await bench(choose())).map(({ pruned, groups, base }) => [pruned.scores, pruned.before, groups, base.scores]);
    assert.deepEqual(await numbers(), await numbers());
  });

  it('the record holds the architecture that was scored', async () => {
    const [record] = await bench(choose({ methods: [{ criterion: magnitudeL2 }], strategies: [{ strategy: local }] }));
    const kept = record!.groups.filter(({ whole }) => !whole).map(({ kept }) => kept.length);
    assert.ok(kept.every(n => n < 8 && n > 0));
    assert.ok(record!.pruned.params < record!.base.params);
  });

  it('recalibrates norms for a score of its own, and leaves fine-tuning without it', async () => {
    const one = { methods: [{ criterion: magnitudeL2 }], strategies: [{ strategy: local }] };
    const { protocol } = choose();
    const [record] = await bench(choose(one));
    const [without] = await bench(choose({ ...one, protocol: { ...protocol, recalibration: 0 } }));
    assert.notDeepEqual(record!.pruned.recalibrated, record!.pruned.before);
    assert.equal(without!.pruned.recalibrated, null);
    assert.deepEqual(without!.pruned.scores, record!.pruned.scores);
  });

  it('a regularizer sparsifies first, once for all speed-ups', async () => {
    const sparsified: string[] = [];
    const records = await bench(
      choose({
        methods: [{ criterion: bnScale, regularizer: slimming }],
        strategies: [{ strategy: protectedGlobal }],
        speedups: [1.5, 2],
        progress: ({ stage, label }) => stage === 'sparsify' && sparsified.push(label),
      }),
    );
    assert.deepEqual(
      records.map(({ configuration }) => methodName(configuration)),
      ['bn-scale + bn-scale', 'bn-scale + bn-scale'],
    );
    for (const { sparsified, seconds } of records) assert.ok(sparsified && seconds.regularizer !== null);
    assert.equal(new Set(sparsified).size, 1);
  });

  it('runs criteria that need data, and every regularizer of the paper with its criteria', async () => {
    const regularizerOptions = { reg: 0.01 };
    const records = await bench(
      choose({
        methods: [
          ...[taylor, obdC, obdHessian, thinet, cp, hrank].map(criterion => ({ criterion })),
          ...[groupNorm, groupLasso, growingReg].map(regularizer => ({
            criterion: magnitudeL2,
            regularizer,
            regularizerOptions,
          })),
          ...[slimming, groupLasso].map(regularizer => ({ criterion: bnScale, regularizer, regularizerOptions })),
        ],
        strategies: [{ strategy: protectedGlobal }],
        speedups: [1.5],
      }),
    );
    const losses = new Set<number>();
    for (const { pruned, base, sparsified, configuration, seconds } of records) {
      assert.ok(base.macs / pruned.macs >= 1.5);
      assert.equal(sparsified !== null, configuration.regularizer !== null);
      if (!sparsified) continue;
      assert.ok(seconds.regularizer! > 0);
      losses.add(sparsified.history[0]!.loss);
    }
    // With one norm in a group, the last two are the same penalty.
    assert.equal(losses.size, 4, 'two regularizers did the same');
  });

  it('a base model that is given is not trained', async () => {
    const graph = tiny.build({ width: 1, classes: 10, image: 32, channels: 3, seed: 5 });
    const base = { graph, scores: { accuracy: 0.5 }, history: [] };
    const stages: string[] = [];
    const [record] = await bench(
      choose({
        base,
        methods: [{ criterion: magnitudeL2 }],
        strategies: [{ strategy: local }],
        progress: ({ stage }) => stages.push(stage),
      }),
    );
    assert.ok(!stages.includes('base'));
    assert.equal(record!.base.scores.accuracy, 0.5);
    assert.match(record!.configuration.base!, /^[0-9a-f]{64}$/);
    assert.equal(record!.base.params, count(graph).params);
  });

  it('without fine-tuning the score is that right after pruning', async () => {
    const { protocol } = choose();
    const [record] = await bench(
      choose({
        protocol: { ...protocol, finetune: null },
        methods: [{ criterion: random }],
        strategies: [{ strategy: local }],
      }),
    );
    assert.deepEqual(record!.pruned.scores, record!.pruned.before);
  });

  it('can be cancelled, keeps what is done and goes on from there', async () => {
    const own = await mkdtemp(join(tmpdir(), 'pruningbench-'));
    try {
      const controller = new AbortController();
      const onRecord = () => controller.abort(new Error('enough'));
      await assert.rejects(bench(choose({ out: own, signal: controller.signal, onRecord })), /enough/);
      assert.equal((await readdir(join(own, 'records'))).length, 1);
      const labels = new Set<string>();
      await bench(
        choose({
          out: own,
          progress: ({ stage, label, training }) => training && stage === 'finetune' && labels.add(label),
        }),
      );
      assert.equal(labels.size, 3);
    } finally {
      await rm(own, { recursive: true });
    }
  });

  it('can be made stage by stage, stopped wherever a file is written, and comes out the same', async () => {
    const one = { methods: [{ criterion: bnScale, regularizer: slimming }], strategies: [{ strategy: local }] };
    const numbers = ({ base, sparsified, pruned, groups }: RunRecord) => {
      const untimed = (history: RunRecord['base']['history']) => history.map(({ seconds: _, ...epoch }) => epoch);
      return [
        { ...base, history: untimed(base.history) },
        { ...sparsified!, history: untimed(sparsified!.history) },
        { ...pruned, history: untimed(pruned.history) },
        groups,
      ];
    };
    const [whole] = await bench(choose(one));
    const own = await mkdtemp(join(tmpdir(), 'pruningbench-'));
    try {
      /** Goes on after every file; returns how often it was stopped, and the models. */
      const piecewise = async <T>(run: (options: BenchOptions) => Promise<T>) => {
        let models: BenchModels | undefined;
        for (let stops = 0; ; stops++) {
          const controller = new AbortController();
          const checkpoint = { due: () => true, written: () => controller.abort(new Error('stopped')) };
          const onModels = (made: BenchModels) => void (models = made);
          const options = choose({ ...one, out: own, signal: controller.signal, checkpoint, onModels });
          try {
            return { result: await run(options), stops, models };
          } catch (error) {
            assert.equal((error as Error).message, 'stopped');
          }
        }
      };
      const base = await piecewise(trainBase);
      // 2 steps: a stop after the first; the one at the end of the epoch comes too late
      assert.equal(base.stops, 1);
      assert.deepEqual(base.result.scores, whole!.base.scores);
      const sparsified = await piecewise(trainSparsified);
      assert.deepEqual(sparsified.result.scores, whole!.sparsified!.scores);
      const { result, stops, models } = await piecewise(bench);
      assert.ok(stops >= 2);
      assert.deepEqual(numbers(result[0]!), numbers(whole!));
      assert.equal(count(models!.base).macs, whole!.base.macs);
      assert.equal(count(models!.pruned).macs, whole!.pruned.macs);
      const folders = (await readdir(join(own, 'models'))).map(name => name.split('-')[0]);
      assert.deepEqual(folders.sort(), ['base', 'finetune', 'prune', 'sparsify']);
    } finally {
      await rm(own, { recursive: true });
    }
  });

  it('what was made with other code of a plugin is made again, and nothing else', async () => {
    const own = await mkdtemp(join(tmpdir(), 'pruningbench-'));
    const named = <P extends { id: string }>(plugin: P): P => ({ ...plugin, id: 'own' });
    const { protocol } = choose();
    try {
      const again = async (code: Readonly<Record<string, string>>) => {
        const stages = new Set<string>();
        const reasons: string[] = [];
        const [record] = await bench(
          choose({
            out: own,
            code,
            methods: [{ criterion: named(random), regularizer: named(slimming) }],
            strategies: [{ strategy: local }],
            protocol: { ...protocol, finetune: null, latency: { repeats: 0 } },
            progress: ({ stage }) => stages.add(stage),
            onAgain: reason => reasons.push(reason),
          }),
        );
        return { record: record!, stages: [...stages].sort(), reasons };
      };
      const code = { 'criterion own': 'a', 'regularizer own': 'a' };
      const { record } = await again({ ...code, 'strategy other': 'a' });
      assert.deepEqual(record.provenance.code, code);
      assert.deepEqual(await again(code), { record, stages: [], reasons: [] });
      const criterion = await again({ ...code, 'criterion own': 'b' });
      assert.deepEqual(criterion.stages, ['prune']);
      assert.deepEqual(criterion.reasons, [
        `own + own, local, 2x is made again: its record in ${own} was made with other code of criterion own`,
      ]);
      assert.equal(criterion.record.id, record.id);
      assert.equal((await readdir(join(own, 'records'))).length, 1);
      const regularizer = await again({ ...code, 'regularizer own': 'b' });
      assert.deepEqual(regularizer.stages, ['prune', 'sparsify']);
      assert.match(regularizer.reasons.join(), /with other code of criterion own, regularizer own$/);
    } finally {
      await rm(own, { recursive: true });
    }
  });

  it('refuses to train what another process trains there, and names it', async () => {
    const own = await mkdtemp(join(tmpdir(), 'pruningbench-'));
    try {
      const one = { out: own, methods: [{ criterion: magnitudeL2 }], strategies: [{ strategy: local }] };
      await trainBase(choose(one));
      const [base, ...more] = await readdir(join(own, 'models'));
      assert.deepEqual([base!.split('-')[0], more], ['base', []]);
      const unlock = await lockFolder(join(own, 'models', base!));
      await assert.rejects(trainBase(choose(one)), new RegExp(`${base} is in use by process ${process.pid};`));
      const waiting = trainBase(choose(one));
      await unlock();
      await waiting;
      assert.deepEqual(await readdir(join(own, 'models', base!)), ['last.safetensors']);
    } finally {
      await rm(own, { recursive: true });
    }
  });

  it('refuses to train under no regularizer', () =>
    assert.rejects(trainSparsified(choose()), /method magnitude-l2 has no regularizer/));

  it('refuses a folder that a file is in the way of, before it trains', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const out of [file, join(file, 'within')])
      await assert.rejects(bench(choose({ out })), /file.*: a file is in the way of this folder/);
  });

  it('refuses a model for another task', () =>
    assert.rejects(
      bench(choose({ model: { ...tiny, task: 'detection' } })),
      /model tiny is for detection, the task is classification/,
    ));
  it('refuses a protocol with an unknown field', () =>
    assert.rejects(bench(choose({ protocol: { name: 'x', epochs: 3 } as never })), /epochs/));
});
