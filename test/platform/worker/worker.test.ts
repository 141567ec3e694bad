import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, json, text } from 'node:stream/consumers';
import { recordSchema, type RunRecord } from '../../../kernel/bench/record.ts';
import { decode } from '../../../kernel/graph/file.ts';
import { count } from '../../../kernel/graph/count.ts';
import { readModel } from '../../../kernel/read-model.ts';
import { build, save } from '../../../plugins/api.ts';
import { catalogue } from '../../../plugins/catalogue.ts';
import { groupsSchema, layersSchema, trainedSchema } from '../../../plugins/platform/api.ts';
import type { Run } from '../../../plugins/platform/run.ts';
import { artifactKey, modelKey } from '../../../plugins/platform/store/store.ts';
import { digestOf } from '../../../plugins/platform/worker/artifact-uploads.ts';
import { databaseKinds, databasesOf } from '../databases.ts';
import { Platform, timeless, tinyPlan } from './fixture.ts';

for (const kind of databaseKinds)
  describe(`a worker with ${kind}`, function () {
    this.timeout(180_000);
    let platform: Platform;
    after(() => platform.close());
    const open = databasesOf(kind);
    before(async () => {
      platform = await Platform.open(await open());
    });

    const file = async ({ id }: Run, name: string) => {
      const artifact = (await platform.runs.artifacts(id)).find(artifact => artifact.name === name);
      assert.ok(artifact, `run ${id} has no ${name}`);
      return platform.store.read(artifactKey(id, artifact.sha256));
    };

    it('trains, sparsifies, prunes, and keeps what comes of it', async () => {
      const worker = await platform.worker();
      await platform.submit(tinyPlan({ methods: ['random', 'magnitude-l2 + group-norm'] }));
      const [base, sparsified, ...pruned] = await platform.done();
      const trained = trainedSchema.parse(base!.result);
      assert.ok(trained.scores[trained.score]! >= 0);
      assert.equal(trainedSchema.parse(sparsified!.result).params, trained.params);
      assert.equal(pruned.length, 2);
      for (const run of pruned) {
        const record = recordSchema.parse(run.result);
        assert.deepEqual(record.base.scores, trained.scores);
        assert.equal(record.sparsified !== null, record.configuration.regularizer !== null);
        assert.deepEqual(await json(await file(run, 'record.json')), record);
        const graph = decode(await buffer(await file(run, 'model.safetensors')));
        const onnx = readModel(catalogue.formats, await buffer(await file(run, 'model.onnx')));
        for (const model of [graph, onnx]) assert.equal(count(model).macs, record.pruned.macs);
        const layers = layersSchema.parse(await json(await file(run, 'layers.json')));
        const total = (when: 'before' | 'after') => layers.reduce((sum, { macs }) => sum + macs[when], 0);
        assert.deepEqual([total('before'), total('after')], [record.base.macs, record.pruned.macs]);
        const groups = groupsSchema.parse(await json(await file(run, 'groups.json')));
        assert.ok(groups.some(({ units, kept }) => kept < units));
        for (const { group, before, after } of layers) {
          const own = groups.find(({ id }) => id === group)!;
          if (own.units === before) assert.equal(after, own.kept);
        }
        // nothing goes on from there
        assert.ok((await platform.runs.artifacts(run.id)).every(({ name }) => !name.startsWith('models/')));
      }
      // the base model was trained once
      assert.match(await text(await file(base!, 'log.txt')), /training: base model/);
      for (const run of pruned) assert.doesNotMatch(await text(await file(run, 'log.txt')), /training: base model/);
      const epochs = await platform.events<{ stage: string; loss: number }>('epoch');
      assert.deepEqual(epochs.map(({ stage }) => stage).sort(), ['base', 'finetune', 'finetune', 'sparsify']);
      assert.ok(epochs.every(({ loss }) => loss > 0));
      await worker.stop();
      const [about] = await platform.database.sql<{ about: { backend: string }; stopped: Date | null }>(
        'select about, stopped from pruningbench.workers where id = $1',
        [worker.id],
      );
      assert.equal(about!.about.backend, 'onnxruntime');
      assert.ok(about!.stopped);
      // the store has what is noted, and no more
      for (const run of [base!, sparsified!, ...pruned]) {
        const noted = (await platform.runs.artifacts(run.id)).map(({ sha256 }) => artifactKey(run.id, sha256));
        assert.deepEqual(await platform.store.list(`runs/${run.id}/`), [...new Set(noted)].sort());
      }
      assert.deepEqual(await readdir(join(platform.folder, 'worker-0', 'attempts')), []);
    });

    it('goes on from a checkpoint of a worker that was shut down, to the same result', async () => {
      await platform.clear();
      const plan = tinyPlan({ methods: ['magnitude-l2 + group-norm'], seeds: [1] });
      for (let stops = 0; stops < 3; stops++) {
        const worker = await platform.worker();
        if (stops === 0) await platform.submit(plan);
        const known = await platform.checkpoints();
        await platform.until(async () => (await platform.checkpoints()) > known);
        await worker.stop();
        const states = (await platform.all()).map(({ state }) => state);
        assert.ok(!states.includes('running'), states.join());
      }
      await platform.worker();
      await platform.done();
      const stopped = await platform.all();
      assert.ok(stopped.some(({ attempt }) => attempt > 1));
      assert.match(await platform.log(), /stops at a checkpoint: worker .* was shut down/);
      const result = stopped.at(-1)!.result as RunRecord;
      await platform.clear();
      await platform.worker();
      await platform.submit(plan);
      const whole = await platform.done();
      assert.ok(whole.every(({ attempt }) => attempt === 1));
      assert.deepEqual(timeless(result), timeless(whole.at(-1)!.result as RunRecord));
    });

    it('stops a run that somebody cancels, and goes on with it when it is wanted again', async () => {
      await platform.clear();
      await platform.worker();
      await platform.submit(tinyPlan({ protocol: { name: 'long', base: { epochs: 1000 } } }));
      const known = await platform.checkpoints();
      const [base] = await platform.until(async () => (await platform.checkpoints()) > known);
      assert.equal(await platform.runs.cancel(base!.id), 'running');
      await platform.until(
        ([base]) => base!.state === 'cancelled',
        () => true,
      );
      const { id } = (await platform.all())[1]!;
      assert.match((await platform.all())[1]!.reason!, /was cancelled/);
      assert.equal(await platform.runs.retry(id), 'waiting');
      await platform.until(([base]) => base!.state === 'running' && base!.progress?.stage === 'base');
      assert.equal(await platform.runs.cancel(id), 'cancelled');
      // nobody waits for its model any more
      await platform.until(([base]) => base!.state === 'cancelled');
    });

    it('fails a run that would fail again, with the reason and its log', async () => {
      await platform.clear();
      await platform.worker();
      const wild = { kind: 'sgd', learningRate: 1e30 } as const;
      await platform.submit(tinyPlan({ protocol: { name: 'wild', base: { epochs: 2, optimizer: wild } } }));
      await platform.submit(tinyPlan({ datasetOptions: { path: '/etc' } }));
      await platform.submit(tinyPlan({ model: 'upload:0123456789ab', modelOptions: {} }));
      const runs = await platform.until(
        runs => runs.length === 6 && runs.every(({ state }) => state === 'failed'),
        () => true,
      );
      const reasons = runs.filter(({ kind }) => kind === 'base').map(({ reason }) => reason!);
      assert.match(reasons[0]!, /^loss is (NaN|-?Infinity) at step \d+ /);
      assert.match(reasons[1]!, /shapes: no option path/);
      assert.match(reasons[2]!, /^model 0123456789ab: it is not there any more$/);
      const log = await text(await file(runs[0]!, 'log.txt'));
      assert.match(log, /Error: loss is .*\n.* {4}at /);
      assert.match(log, /failed: loss is/);
    });

    it('knows the methods of files that it was started with', async () => {
      await platform.clear();
      await assert.rejects(platform.worker({ plugins: ['no-such.ts'] }), /no-such\.ts: there is no such file/);
      await platform.worker({ plugins: ['test/kernel/cli/fixtures/variety.ts'] });
      await platform.submit(tinyPlan({ methods: ['variety'] }));
      const [, run] = await platform.done();
      assert.equal((run!.result as RunRecord).configuration.criterion.id, 'variety');
    });

    it('prunes a model that was uploaded', async () => {
      await platform.clear();
      await platform.worker();
      const graph = build('resnet18', { classes: 10, width: 0.125, image: 32 });
      const path = join(platform.folder, 'uploaded.onnx');
      await save(graph, path);
      const { sha256, bytes } = await digestOf(path);
      await platform.store.put(modelKey(sha256), path);
      await platform.database.sql(
        `insert into pruningbench.models (id, name, sha256, bytes, summary) values ('0123456789ab', 'mine', $1, $2, '{}')`,
        [sha256, bytes],
      );
      await platform.submit(
        tinyPlan({ model: 'upload:0123456789ab', modelOptions: {}, protocol: { name: 'given', base: null } }),
      );
      const [run] = await platform.done();
      const { configuration, base } = run!.result as RunRecord;
      assert.deepEqual(configuration.model, { id: 'upload:0123456789ab', options: { weights: `sha256:${sha256}` } });
      assert.equal(base.macs, count(graph).macs);
    });
  });
