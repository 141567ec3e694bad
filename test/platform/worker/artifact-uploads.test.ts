import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { Artifact } from '../../../plugins/platform/run.ts';
import { openStore } from '../../../plugins/platform/store/open.ts';
import { artifactKey } from '../../../plugins/platform/store/store.ts';
import { ArtifactUploads } from '../../../plugins/platform/worker/artifact-uploads.ts';
import { temporary } from '../../kernel/cli/run.ts';

describe('uploads of an attempt', () => {
  let folder: ReturnType<typeof temporary>;
  beforeEach(() => (folder = temporary()));
  afterEach(() => folder.remove());

  const start = async () => {
    const saved: Artifact[] = [];
    const failures: Error[] = [];
    const store = await openStore(folder.path('store'));
    const uploads = new ArtifactUploads({
      held: { id: 'run', attempt: 1, ticket: { id: 'ticket', retryCount: 0, resources: 'cpu', run: 'run' } },
      office: {
        put: ({ id }, { sha256 }, path) => store.put(artifactKey(id, sha256), path),
        saved: (_, artifact) => Promise.resolve(void saved.push(artifact)),
      },
      folder: folder.path('uploads'),
      steadily: work => work(),
      failed: error => failures.push(error),
    });
    return { saved, failures, store, uploads };
  };

  it('leave out the checkpoint of a training that has ended, and bring what comes after it', async () => {
    const { saved, failures, store, uploads } = await start();
    uploads.add('models/finetune-1/last.safetensors', folder.path('removed'));
    writeFileSync(folder.path('record'), 'record');
    uploads.add('record.json', folder.path('record'));
    await uploads.finish();
    assert.deepEqual(failures, []);
    assert.deepEqual(
      saved.map(({ name, bytes }) => [name, bytes]),
      [['record.json', 6]],
    );
    assert.equal((await buffer(await store.read(artifactKey('run', saved[0]!.sha256)))).toString(), 'record');
  });

  it('end with what of a result is not there', async () => {
    const { failures, uploads } = await start();
    mkdirSync(folder.path('out'));
    uploads.add('model.onnx', folder.path('out/model.onnx'));
    await assert.rejects(uploads.finish(), /ENOENT/);
    assert.equal(failures.length, 1);
  });
});
