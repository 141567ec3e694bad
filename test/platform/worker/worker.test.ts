import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, json, text } from 'node:stream/consumers';
import { recordSchema } from '../../../kernel/bench/record.ts';
import { decode } from '../../../kernel/graph/file.ts';
import { count } from '../../../kernel/graph/count.ts';
import { readModel } from '../../../kernel/read-model.ts';
import { catalogue } from '../../../plugins/catalogue.ts';
import { groupsSchema, layersSchema, trainedSchema } from '../../../plugins/platform/api.ts';
import type { Run } from '../../../plugins/platform/runs.ts';
import { artifactKey } from '../../../plugins/platform/store/store.ts';
import { databaseKinds, databasesOf } from '../databases.ts';
import { Platform, tinyPlan } from './fixture.ts';

for (const kind of databaseKinds)
  describe(`a worker with ${kind}`, function () {
    this.timeout(180_000);
    const open = databasesOf(kind);
    let platform: Platform;
    before(async () => {
      platform = await Platform.open(await open());
    });
    after(() => platform.close());

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
  });
