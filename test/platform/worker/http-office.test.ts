import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { recordSchema } from '../../../kernel/bench/record.ts';
import { build, save } from '../../../plugins/api.ts';
import { catalogue } from '../../../plugins/catalogue.ts';
import { isOutage } from '../../../plugins/platform/database/outage.ts';
import { Superseded } from '../../../plugins/platform/run.ts';
import { createServer, type ServerOptions } from '../../../plugins/platform/server/server.ts';
import { artifactKey, modelKey, NotStored } from '../../../plugins/platform/store/store.ts';
import { Tokens } from '../../../plugins/platform/tokens.ts';
import { digestOf } from '../../../plugins/platform/worker/artifact-uploads.ts';
import { HttpOffice } from '../../../plugins/platform/worker/http-office.ts';
import type { Held } from '../../../plugins/platform/worker/office.ts';
import { databaseKinds, databasesOf } from '../databases.ts';
import { planOf, recordFor } from '../servers.ts';
import { Platform, timeless, tinyPlan } from './fixture.ts';

for (const kind of databaseKinds)
  describe(`a worker that joins through a server, ${kind}`, function () {
    this.timeout(180_000);
    let platform: Platform;
    let incoming: string;
    let token: string;
    const servers: FastifyInstance[] = [];
    after(async () => {
      for (const app of servers) await app.close();
      await platform.close();
    });
    const open = databasesOf(kind);
    /** A server that asks for tokens; its address. */
    const serve = async (options: Partial<ServerOptions> = {}): Promise<string> => {
      const { database, queue, runs, store } = platform;
      const app = createServer({
        ...{ database, queue, runs, store, catalogue, version: 'test', folder: incoming, page: incoming, tokens: true },
        ...options,
      });
      servers.push(app);
      return app.listen({ host: '127.0.0.1', port: 0 });
    };
    let url: string;
    let office: HttpOffice;
    before(async () => {
      platform = await Platform.open(await open());
      incoming = join(platform.folder, 'incoming');
      await mkdir(incoming);
      token = (await new Tokens(platform.database).create('gpu box', ['work'])).token;
      url = await serve();
      office = await HttpOffice.open({ url, token, version: 'test' });
    });

    const file = async (text: string | Uint8Array) => {
      const path = join(platform.folder, 'file');
      await writeFile(path, text);
      return { path, ...(await digestOf(path)) };
    };
    /** An attempt at the run that is next. */
    const hold = async (): Promise<Held> => {
      const ticket = (await office.take('cpu'))!;
      const run = (await office.claim(ticket, 'box-1-ab'))!;
      return { id: run.id, attempt: run.attempt, ticket };
    };
    const everything = () =>
      Promise.all(
        ['runs', 'artifacts', 'events'].map(table => platform.sql(`select * from pruningbench.${table} order by 1, 2`)),
      );

    it('goes on from a checkpoint, to the record of a worker that has the database and the store', async () => {
      const plan = tinyPlan({ seeds: [1], protocol: { name: 'long', base: { epochs: 2, batch: 8 } } });
      const first = await platform.worker({ office });
      await platform.submit(plan);
      await platform.until(async () => (await platform.checkpoints()) > 0);
      await first.stop();
      const worker = await platform.worker({ office });
      const runs = await platform.done();
      await worker.stop();
      assert.ok(runs[0]!.attempt > 1);
      assert.doesNotMatch(await platform.log(), /left out|again:/);
      for (const run of runs) {
        const noted = (await platform.runs.artifacts(run.id)).map(({ sha256 }) => artifactKey(run.id, sha256));
        assert.ok(noted.length > 4);
        assert.deepEqual(await platform.store.list(`runs/${run.id}/`), [...new Set(noted)].sort());
      }
      assert.deepEqual(await readdir(incoming), []);
      const [about] = await platform.sql<{ resources: string; host: string; stopped: Date | null }>(
        `select resources, about->>'host' as host, stopped from pruningbench.workers where id = $1`,
        [worker.id],
      );
      assert.ok(about!.stopped && about!.host && about!.resources === 'cpu');
      const epochs = await platform.events<{ stage: string }>('epoch');
      assert.deepEqual([...new Set(epochs.map(({ stage }) => stage))], ['base', 'finetune']);
      await platform.clear();
      await platform.worker();
      await platform.submit(plan);
      const direct = await platform.done();
      const [here, there] = [runs, direct].map(runs => timeless(recordSchema.parse(runs.at(-1)!.result)));
      assert.deepEqual(here, there);
    });

    it('prunes a model that was uploaded', async () => {
      await platform.clear();
      const path = join(platform.folder, 'uploaded.onnx');
      await save(build('resnet18', { classes: 10, width: 0.125, image: 32 }), path);
      const { sha256, bytes } = await digestOf(path);
      await platform.store.put(modelKey(sha256), path);
      await platform.sql(
        `insert into pruningbench.models (id, name, sha256, bytes, summary) values ('0123456789ab', 'mine', $1, $2, '{}')`,
        [sha256, bytes],
      );
      const plan = tinyPlan({
        model: 'upload:0123456789ab',
        modelOptions: {},
        protocol: { name: 'given', base: null },
      });
      await platform.submit(plan);
      const held = await hold();
      await assert.rejects(office.model(held, 'ba9876543210', path), /begins with model upload:0123456789ab/);
      await office.finish(held, { state: 'queued', reason: 'for a worker' });
      await platform.worker({ office });
      const [run] = await platform.done();
      const { configuration } = recordSchema.parse(run!.result);
      assert.deepEqual(configuration.model, { id: plan.model, options: { weights: `sha256:${sha256}` } });
    });

    it('is heard as long as it holds its run, and no longer', async () => {
      await platform.clear();
      await platform.submit(tinyPlan({ seeds: [2] }));
      const first = await hold();
      const { path, ...digest } = await file('a checkpoint');
      await office.put(first, digest, path);
      await office.saved(first, { name: 'models/base/last.safetensors', ...digest });
      assert.equal(await office.touch(first.ticket), true);
      await platform.queue.reclaim(platform.sql);
      const second = await hold();
      assert.deepEqual([second.id, second.attempt, second.ticket.id], [first.id, 2, first.ticket.id]);
      const before = await everything();
      const stored = await platform.store.list('runs/');

      const late = await file('what came late');
      const stranger = { ...second, ticket: { ...second.ticket, id: '00000000-0000-4000-8000-000000000000' } };
      for (const held of [first, stranger, { ...second, attempt: 3 }]) {
        for (const asked of [
          () => office.put(held, late, late.path),
          () => office.saved(held, { name: 'log.txt', bytes: late.bytes, sha256: late.sha256 }),
          () => office.report(held, { stage: 'base', fraction: 1 }, [{ kind: 'log', data: { line: 'late' } }], 0),
          () => office.finish(held, { state: 'failed', reason: 'late' }),
          () => office.artifacts(held),
          () => office.get(held, { run: held.id, name: 'x', ...digest }, join(platform.folder, 'got')),
          () => office.model(held, '0123456789ab', join(platform.folder, 'got')),
          () => office.sweep(held),
        ])
          await assert.rejects(asked, Superseded, `${held.attempt} ${asked.toString()}`);
      }
      assert.equal(await office.touch(first.ticket), false);
      assert.equal(await office.touch(stranger.ticket), false);
      assert.equal(await office.claim(stranger.ticket, 'box-1-ab'), undefined);
      assert.deepEqual(await everything(), before);
      assert.deepEqual(await platform.store.list('runs/'), stored);

      // the one that holds it has what the first has left
      const [artifact] = await office.artifacts(second);
      await office.get(second, artifact!, path);
      assert.equal(await readFile(path, 'utf8'), 'a checkpoint');
      const other = { ...artifact!, run: '0123456789ab' };
      await assert.rejects(office.get(second, other, path), NotStored);
      await platform.store.remove(artifactKey(artifact!.run, artifact!.sha256));
      await assert.rejects(office.get(second, artifact!, path), NotStored);
      await platform.runs.cancel(second.id);
      await office.finish(second, { state: 'cancelled' });
    });

    it('brings a file as it was said to be, or not at all', async () => {
      await platform.clear();
      await platform.submit(tinyPlan({ seeds: [3] }));
      const held = await hold();
      const { path, sha256, bytes } = await file(new Uint8Array(8 * 2 ** 20).fill(7));
      const wrong: [{ sha256: string; bytes: number }, RegExp][] = [
        [{ sha256: '0'.repeat(64), bytes }, /has SHA-256 \w+, not 0+$/],
        [{ sha256, bytes: bytes + 1 }, /has 8388608 bytes, not 8388609/],
        [{ sha256, bytes: 10 }, /has more than 10 bytes/],
        [{ sha256, bytes: 5 * 2 ** 30 }, /may have 4294967296 bytes, this one has 5368709120/],
        [{ sha256: '../x', bytes }, /sha256|no such address/],
      ];
      for (const [said, reason] of wrong)
        await assert.rejects(office.put(held, said, path), error => {
          assert.match((error as Error).message, reason);
          assert.equal(isOutage(error), false);
          return true;
        });
      assert.deepEqual(await platform.store.list(`runs/${held.id}/`), []);
      assert.deepEqual(await readdir(incoming), []);
      await assert.rejects(office.saved(held, { name: '../x', bytes, sha256 }), /artifact\.name/);
      const done = (result: unknown) => office.finish(held, { state: 'done', result });
      const record = recordFor({ spec: planOf() }, 0.7);
      await assert.rejects(done({ score: 7 }), /outcome\.result\.score: .*string/);
      await assert.rejects(done({ ...record, created: 7 }), /outcome\.result\.created: .*string/);
      await assert.rejects(done(record), /not the result of a run of kind base/);
      await office.put(held, { sha256, bytes }, path);
      assert.deepEqual(await platform.store.list(`runs/${held.id}/`), [artifactKey(held.id, sha256)]);
      await office.sweep(held);
      assert.deepEqual(await platform.store.list(`runs/${held.id}/`), []);
      await office.finish(held, { state: 'cancelled' });
    });

    it('needs a token for it, and the same version', async () => {
      const tokens = new Tokens(platform.database);
      const { token: reader } = await tokens.create('reader', ['read', 'submit']);
      const join = (options: Partial<Parameters<typeof HttpOffice.open>[0]>) =>
        HttpOffice.open({ url, token, version: 'test', ...options });
      await assert.rejects(join({ token: undefined }), /^Error: http.*: a token is needed, in PRUNINGBENCH_TOKEN$/);
      await assert.rejects(join({ token: 'pb_x' }), /the token is not known, or was revoked, in PRUNINGBENCH_TOKEN$/);
      await assert.rejects(join({ token: reader }), /the token is not for this: it would need work$/);
      await assert.rejects(join({ version: '9' }), /it has version test of this package, this worker 9$/);
      assert.equal(
        (await HttpOffice.open({ url: await serve({ tokens: false }), token: undefined, version: 'test' })).lease.cap,
        600,
      );
    });

    it('is not held up by limits, which hold who has no token', async () => {
      const url = await serve({ limits: { changes: 3, requests: 3 } });
      const take = async (token: string) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        const answer = await fetch(`${url}/api/work/take`, { method: 'POST', headers, body: '{"resources":"gpu"}' });
        return answer.status;
      };
      const times = async (count: number, token: string) => {
        const statuses = [];
        for (let i = 0; i < count; i++) statuses.push(await take(token));
        return statuses;
      };
      const tokens = new Tokens(platform.database);
      const { id, token: own } = await tokens.create('box', ['work']);
      assert.deepEqual(
        await times(10, own),
        Array.from({ length: 10 }, () => 200),
      );
      assert.deepEqual(await times(4, 'pb_guess'), [401, 401, 429, 429]);
      assert.deepEqual(await times(2, own), [200, 200]);
      await tokens.revoke(id);
      assert.deepEqual(await times(3, own), [401, 429, 429]);
    });

    it('waits for a server that is away', async () => {
      const refused = async (work: Promise<unknown>) => work.then(() => assert.fail('it was done'), isOutage);
      const url = await serve();
      const office = await HttpOffice.open({ url, token, version: 'test' });
      const app = servers.at(-1)!;
      await platform.sql('alter table pruningbench.workers rename to elsewhere');
      assert.ok(await refused(office.stopped('box')), 'something is wrong on it');
      await platform.sql('alter table pruningbench.elsewhere rename to workers');
      await office.stopped('box');
      await app.close();
      assert.ok(await refused(office.stopped('box')), 'it is gone');
      await assert.rejects(
        HttpOffice.open({ url, token, version: 'test' }),
        /^Error: http:\/\/127\.0\.0\.1:\d+: the server cannot be reached: .*ECONNREFUSED/,
      );
    });

    it('waits for a server that breaks off', async () => {
      const ticket = { id: '00000000-0000-4000-8000-000000000000', retryCount: 0, resources: 'cpu', run: 'x' } as const;
      const held = { id: '0123456789ab', attempt: 1, ticket };
      const { path, ...digest } = await file(new Uint8Array(2 ** 20));
      let answer = '';
      const breaking = createTcpServer(socket => {
        socket.on('error', () => {});
        socket.once('data', data => {
          if (data.toString().startsWith('GET /api/work HTTP')) socket.end(welcome);
          else socket.write(answer, () => socket.destroy());
        });
      }).listen(0, '127.0.0.1');
      after(() => breaking.close());
      await once(breaking, 'listening');
      const body = JSON.stringify({ version: 'test', lease: platform.queue.lease });
      const welcome = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
      const { port } = breaking.address() as AddressInfo;
      const office = await HttpOffice.open({ url: `http://127.0.0.1:${port}`, token, version: 'test' });
      for (const part of ['', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwhole\r\n']) {
        answer = part;
        for (const asked of [
          () => office.put(held, digest, path),
          () => office.get(held, { run: held.id, name: 'x', ...digest }, path),
          () => office.artifacts(held),
        ])
          await assert.rejects(asked, error => isOutage(error), `${asked.toString()} after ${part}`);
      }
    });
  });
