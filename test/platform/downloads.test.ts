import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { planSchema } from '../../kernel/bench/plan.ts';
import { artifactKey } from '../../plugins/platform/store/store.ts';
import { claim, finish, planOf, recordFor, serversOf, type TestServer } from './servers.ts';

const sha256Of = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('downloads', function () {
  this.timeout(120_000);
  const start = serversOf('pglite');
  let server: TestServer;
  let run: string;
  let folder: string;
  const method = `lamp + "bn-scale"\r\nX-Injected: 1`;
  const get = async (url: string) => server.app.inject({ url: `/api${url}`, headers: { host: 'localhost' } });
  /** Of the run: notes a file of this name and content, and stores it. */
  const save = async (attempt: Parameters<TestServer['runs']['saved']>[0], name: string, content: string) => {
    const sha256 = sha256Of(content);
    await writeFile(path.join(folder, 'file'), content);
    await server.store.put(artifactKey(attempt.id, sha256), path.join(folder, 'file'));
    await server.runs.saved(attempt, { name, bytes: Buffer.byteLength(content), sha256 });
  };
  const files: [string, string][] = [
    ['record.json', 'application/json; charset=utf-8'],
    ['layers.json', 'application/json; charset=utf-8'],
    ['groups.json', 'application/json; charset=utf-8'],
    ['groups.vl.json', 'application/json; charset=utf-8'],
    ['log.txt', 'text/plain; charset=utf-8'],
    ['model.onnx', 'application/octet-stream'],
    ['model.safetensors', 'application/octet-stream'],
    // what no worker of ours leaves is nothing that a browser would run
    ['page.html', 'application/octet-stream'],
    ['drawing.svg', 'application/octet-stream'],
  ];
  const contentOf = (name: string) => `<script>${name}</script> \u00e9`;
  const checkpoint = 'models/base/last.safetensors';

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-downloads-'));
    server = await start();
    const plan = planSchema.parse({ ...planOf(), methods: [method] });
    await server.runs.submit({
      title: '<img src=x onerror=alert(1)> [x](javascript:alert(1))',
      plans: [plan],
      resources: 'cpu',
    });
    await finish(server);
    const { run: pruned, ticket } = await claim(server);
    run = pruned.id;
    for (const [name] of files) await save(pruned, name, contentOf(name));
    const epoch = { stage: '=cmd()', epoch: 1, loss: 0.5, learningRate: 0.1, seconds: 2 };
    await server.runs.report(pruned, undefined, [
      { kind: 'epoch', data: epoch },
      { kind: 'log', data: { line: '<b>said</b>' } },
    ]);
    await server.runs.finish(pruned, ticket, { state: 'done', result: { ...recordFor(pruned, 0.75) } });
    // checkpoints go when a run is done: this one as if it had stayed
    await server.database.sql(
      `insert into pruningbench.artifacts (run, name, attempt, bytes, sha256) select run, $2, attempt, bytes, sha256
       from pruningbench.artifacts where run = $1 and name = 'model.onnx'`,
      [run, checkpoint],
    );
  });
  after(() => rm(folder, { recursive: true }));

  for (const [name, type] of files)
    it(`${name} comes whole, as ${type}, to be saved`, async () => {
      const { statusCode, headers, rawPayload } = await get(`/runs/${run}/files/${name}`);
      assert.equal(statusCode, 200);
      assert.equal(rawPayload.toString(), contentOf(name));
      assert.equal(headers['content-type'], type);
      assert.equal(Number(headers['content-length']), rawPayload.length);
      assert.equal(headers['etag'], `"${sha256Of(rawPayload)}"`);
      assert.equal(
        headers['content-disposition'],
        `attachment; filename="resnet18-lamp-bn-scale-X-Injected-1-2x-${run}-${name}"`,
      );
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-injected'], undefined);
      assert.match(headers['content-security-policy'] as string, /^default-src 'none';/);
      assert.equal(headers['cache-control'], 'no-store');
    });

  it('offer what is there, and no checkpoint', async () => {
    const { files: offered } = (await get(`/runs/${run}`)).json<{ files: { name: string; bytes: number }[] }>();
    assert.deepEqual(
      offered,
      files
        .map(([name]) => ({ name, bytes: Buffer.byteLength(contentOf(name)) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  });

  it('are of files by their names alone', async () => {
    for (const name of [
      checkpoint,
      encodeURIComponent(checkpoint),
      'models%2F',
      'other.json',
      'record',
      'RECORD.JSON',
      'record.json%2F',
      '%25',
      'model.____',
      '..%2Frecord.json',
      '..%2F..%2Fdatabase%2Flock',
      '%2Fetc%2Fpasswd',
      sha256Of(contentOf('model.onnx')),
    ])
      assert.equal((await get(`/runs/${run}/files/${name}`)).statusCode, 404, name);
    assert.equal((await get('/runs/0123456789ab/files/record.json')).statusCode, 404);
    assert.equal((await get(`/runs/${run}/files/a%00b`)).statusCode, 400);
  });

  it('say where a file is not in the store any more', async () => {
    const content = 'goes away';
    await server.database.sql(
      `insert into pruningbench.artifacts (run, name, attempt, bytes, sha256) values ($1, 'lost.json', 1, 9, $2)`,
      [run, sha256Of(content)],
    );
    const { statusCode, body } = await get(`/runs/${run}/files/lost.json`);
    assert.equal(statusCode, 404);
    assert.match(body, /there is no file lost\.json of run [0-9a-f]{12} any more/);
    await server.database.sql(`delete from pruningbench.artifacts where name = 'lost.json'`);
  });

  it('made of the tables are files too', async () => {
    for (const [url, type, name] of [
      [`/runs/${run}/log`, 'text/plain; charset=utf-8', `-${run}-log.txt`],
      [`/runs/${run}/curves.csv`, 'text/csv; charset=utf-8', `-${run}-curves.csv`],
      [`/runs/${run}/notebook.ipynb`, 'application/x-ipynb+json; charset=utf-8', `-${run}-notebook.ipynb`],
      ['/results.csv', 'text/csv; charset=utf-8', 'results.csv'],
    ] as const) {
      const { statusCode, headers } = await get(url);
      assert.equal(statusCode, 200, url);
      assert.equal(headers['content-type'], type);
      assert.match(headers['content-disposition'] as string, /^attachment; filename="[\w.-]+"$/);
      assert.ok((headers['content-disposition'] as string).endsWith(`${name}"`), url);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-injected'], undefined);
    }
    for (const url of ['log', 'curves.csv', 'notebook.ipynb'])
      assert.equal((await get(`/runs/0123456789ab/${url}`)).statusCode, 404, url);
  });

  it('as CSV hold nothing that a spreadsheet would compute', async () => {
    const [, line] = (await get(`/runs/${run}/curves.csv`)).body.split('\r\n');
    assert.match(line!, /^1,'=cmd\(\),1,0\.5,0\.1,,2,/);
    await server.database.sql(
      `update pruningbench.runs set result = jsonb_set(result, '{configuration,model,id}', '"@SUM(1,\\"2\\")"') where id = $1`,
      [run],
    );
    const { body } = await get('/results.csv');
    assert.ok(body.includes(`,"'@SUM(1,""2"")",`), body);
  });

  it('as notebooks show a title as text', async () => {
    const { cells } = (await get(`/runs/${run}/notebook.ipynb`)).json<{ cells: { source: string | string[] }[] }>();
    const head = [cells[0]!.source].flat().join('');
    assert.ok(head.includes('\\<img src=x onerror=alert\\(1\\)\\> \\[x\\]\\(javascript:alert\\(1\\)\\)'), head);
  });
});
