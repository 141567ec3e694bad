import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { catalogue } from '../../plugins/catalogue.ts';
import { onnx, safetensors } from '../../plugins/formats/index.ts';
import { Inspector } from '../../plugins/platform/server/inspector.ts';
import type { ModelInfo } from '../../plugins/platform/api.ts';
import { Tokens } from '../../plugins/platform/tokens.ts';
import { ask, planOf, serversOf, type TestServer } from './servers.ts';

const graphOf = (id: string, options: object) => {
  const model = catalogue.models.find(model => model.id === id)!;
  return model.build(model.options.parse(options));
};
const small = { width: 0.125, classes: 10 };
const untrained = { name: 'as it is', base: null };

describe('uploaded models', function () {
  this.timeout(120_000);
  const start = serversOf('pglite');
  let server: TestServer;
  let folder: string;
  const upload = async (name: string, bytes: Uint8Array, to = server) => {
    const { statusCode, body } = await to.app.inject({
      method: 'POST',
      url: `/api/models?name=${encodeURIComponent(name)}`,
      headers: { host: 'localhost', 'content-type': 'application/octet-stream' },
      payload: Buffer.from(bytes),
    });
    return { status: statusCode, body: JSON.parse(body) as ModelInfo & { error: string } };
  };
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-uploads-'));
    server = await start({ folder, limits: { modelBytes: 2 * 2 ** 20 } });
  });
  after(() => rm(folder, { recursive: true }));
  afterEach(async () => assert.deepEqual(await readdir(folder), [], 'nothing is left of what came in'));
  const problems = async (changes: Parameters<typeof planOf>[0]) => {
    const { body } = await ask(server.app, 'POST', '/check', {
      plan: planOf({ modelOptions: {}, protocol: untrained, ...changes }),
    });
    return (body.problems as { path: string; message: string }[]).map(({ path, message }) => `${path}: ${message}`);
  };

  it('are read, kept, given back and known again', async () => {
    const graph = graphOf('resnet18', small);
    const bytes = onnx.write(graph);
    const first = await upload('my model.onnx', bytes);
    assert.equal(first.status, 201, JSON.stringify(first.body));
    assert.deepEqual(first.body.summary.inputs, [[32, 32, 3]]);
    assert.deepEqual(first.body.summary.outputs, [[10]]);
    assert.equal(first.body.summary.params, 176_402);
    const again = await upload('another name.onnx', bytes);
    assert.deepEqual([again.status, again.body], [200, first.body]);
    const { body } = await ask(server.app, 'GET', '/models');
    assert.deepEqual(body.models, [first.body]);
    const file = await server.app.inject({ url: `/api/models/${first.body.id}/file`, headers: { host: 'localhost' } });
    assert.deepEqual(new Uint8Array(file.rawPayload), new Uint8Array(bytes));
    assert.equal(file.headers['content-disposition'], `attachment; filename="${first.body.id}-my-model.onnx"`);
    assert.equal(
      (await upload('own.bin', safetensors.write(graphOf('resnet18', { ...small, classes: 7 })))).status,
      201,
    );
  });

  it('are checked as plans are', async () => {
    const { body } = await upload('m.onnx', onnx.write(graphOf('resnet18', small)));
    const model = `upload:${body.id}`;
    const answer = await ask(server.app, 'POST', '/check', {
      plan: planOf({ model, modelOptions: {}, protocol: untrained }),
    });
    assert.deepEqual(answer.body.problems, []);
    assert.equal(answer.body.runs, 1);
    assert.ok(answer.body.model.groups.length > 5 && answer.body.estimate.base >= 0);
    assert.deepEqual(await problems({ model, modelOptions: { width: 2 } }), [
      'modelOptions.width: an uploaded model has no options',
    ]);
    const seven = await upload('seven.onnx', onnx.write(graphOf('resnet18', { ...small, classes: 7 })));
    assert.deepEqual(await problems({ model: `upload:${seven.body.id}` }), [
      'dataset: shapes has 10 classes: the model gives [7], not one output [10]',
    ]);
    const large = await upload('large.onnx', onnx.write(graphOf('resnet18', { ...small, image: 64 })));
    assert.deepEqual(await problems({ model: `upload:${large.body.id}` }), [
      'dataset: images of shapes are [32, 32, 3], the model takes [64, 64, 3]',
    ]);
    const vit = await upload('vit.onnx', onnx.write(graphOf('vit-tiny', { classes: 10, width: 0.25 })));
    assert.deepEqual(await problems({ model: `upload:${vit.body.id}`, methods: ['bn-scale'] }), [
      'methods.0: criterion bn-scale finds nothing to score in this model',
    ]);
  });

  it('are removed, but not while a run needs them', async () => {
    const { body } = await upload('r.onnx', onnx.write(graphOf('resnet18', { ...small, classes: 10, width: 0.0625 })));
    const plan = planOf({ model: `upload:${body.id}`, modelOptions: {}, protocol: untrained });
    const sent = await ask(server.app, 'POST', '/submissions', { title: 'x', plans: [plan] });
    assert.equal(sent.status, 201, JSON.stringify(sent.body));
    const remove = () => ask(server.app, 'DELETE', `/models/${body.id}`);
    assert.equal((await remove()).status, 409);
    const { body: list } = await ask(server.app, 'GET', '/runs');
    await ask(server.app, 'POST', `/runs/${list.runs[0].id}/cancel`, {});
    assert.equal((await remove()).status, 204);
    assert.equal((await remove()).status, 404);
    assert.deepEqual(await server.store.list(`models/${body.sha256}`), []);
  });

  describe('that are none', () => {
    const bytes = onnx.write(graphOf('resnet18', small));
    const header = (length: bigint, text: string) => {
      const head = new Uint8Array(8);
      new DataView(head.buffer).setBigUint64(0, length, true);
      return new Uint8Array([...head, ...new TextEncoder().encode(text)]);
    };
    const cases: [string, Uint8Array, number, RegExp][] = [
      ['an empty file', new Uint8Array(), 400, /empty/],
      ['text', new TextEncoder().encode('<script>alert(1)</script>'), 422, /not a model/],
      ['a cut ONNX file', bytes.subarray(0, bytes.length >> 1), 422, /cannot be used/],
      ['a damaged ONNX file', bytes.map((byte, i) => (i % 97 === 50 ? byte ^ 0xff : byte)), 422, /cannot be used/],
      ['a header longer than the file', header(2n ** 40n, '{"a":'), 422, /cannot be used/],
      [
        'sizes beyond the file',
        header(80n, `{"x":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,8]}}`.padEnd(80)),
        422,
        /cannot be used/,
      ],
      ['an archive', new Uint8Array([0x50, 0x4b, 3, 4, ...new Uint8Array(100)]), 422, /not a model/],
    ];
    for (const [what, file, status, message] of cases)
      it(`${what} is refused`, async () => {
        const answer = await upload('x.onnx', file);
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        assert.match(answer.body.error, message);
        assert.doesNotMatch(answer.body.error, /pruningbench-uploads|node_modules/);
      });

    it('nothing at all is refused', async () => {
      const guarded = await start({ tokens: true });
      const { token } = await new Tokens(guarded.database).create('uploads', ['submit']);
      const { statusCode, body } = await guarded.app.inject({
        method: 'POST',
        url: '/api/models?name=x',
        headers: { host: 'localhost', authorization: `Bearer ${token}` },
      });
      assert.deepEqual([statusCode, JSON.parse(body)], [400, { error: 'the file is empty' }]);
    });

    it('a file that is too large is cut off as it comes', async () => {
      assert.equal((await upload('x.onnx', new Uint8Array(2 * 2 ** 20 + 1))).status, 413);
      // one that does not say how long it is, and does not end
      const url = new URL(await server.app.listen({ host: '127.0.0.1', port: 0 }));
      const sending = request({
        host: '127.0.0.1',
        port: url.port,
        method: 'POST',
        path: '/api/models?name=x',
        headers: { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' },
      });
      sending.on('error', () => {});
      let sent = 0;
      const pump = setInterval(() => {
        if (sending.destroyed || sent > 64 * 2 ** 20) return;
        sent += 2 ** 18;
        sending.write(Buffer.alloc(2 ** 18));
      }, 1);
      const [response] = (await once(sending, 'response')) as [{ statusCode: number }];
      clearInterval(pump);
      sending.destroy();
      assert.equal(response.statusCode, 413);
    });

    it('names that are none', async () => {
      for (const name of ['', '   ', 'a\u0000b', 'a\u001bb', 'x'.repeat(201)])
        assert.equal((await upload(name, bytes)).status, 400, JSON.stringify(name));
    });
  });

  it('are as many as are let in', async () => {
    const few = await start({ limits: { models: 1 } });
    assert.equal((await upload('a', onnx.write(graphOf('resnet18', small)), few)).status, 201);
    assert.equal((await upload('b', onnx.write(graphOf('resnet18', { ...small, classes: 3 })), few)).status, 429);
    const busy = await start({ limits: { uploads: 0 } });
    const { statusCode, headers } = await busy.app.inject({
      method: 'POST',
      url: '/api/models?name=a',
      headers: { host: 'localhost', 'content-type': 'application/octet-stream' },
      payload: Buffer.from('x'),
    });
    assert.deepEqual([statusCode, headers['retry-after']], [429, '10']);
  });
});

describe('the process that reads what is not trusted', function () {
  this.timeout(120_000);
  const shapes = (train: number) =>
    ({ kind: 'dataset', dataset: 'shapes', options: { seed: 0, train, test: 10, noise: 0 } }) as const;

  it('is ended where it takes too long, and another one does what comes after', async () => {
    const inspector = new Inspector([], { seconds: 30, memory: 8000 });
    try {
      const [late, next] = await Promise.allSettled([inspector.ask(shapes(500_000)), inspector.ask(shapes(10))]);
      assert.match(String((late as PromiseRejectedResult).reason), /longer than 30 seconds/);
      assert.deepEqual((next as PromiseFulfilledResult<unknown>).value, {
        task: 'classification',
        classes: 10,
        shape: [32, 32, 3],
        train: 10,
        test: 10,
      });
    } finally {
      inspector.close();
    }
  });

  it('has only so much memory', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: the system does not bound the memory of processes');
      return this.skip();
    }
    const inspector = new Inspector([], { memory: 700 });
    try {
      await assert.rejects(inspector.ask(shapes(400_000)), /memory|allocation|MiB/i);
      assert.equal(((await inspector.ask(shapes(10))) as { train: number }).train, 10);
    } finally {
      inspector.close();
    }
  });

  it('has only so many questions before it', () => {
    const inspector = new Inspector([], { waiting: 1 });
    const asked = [inspector.ask(shapes(10)), inspector.ask(shapes(10))];
    assert.throws(() => inspector.ask(shapes(10)), /too many/);
    inspector.close();
    return Promise.all(asked.map(one => assert.rejects(one, /ending/)));
  });
});
