import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { recordSchema } from '../../kernel/bench/record.ts';
import type { RunInfo } from '../../plugins/platform/api.ts';
import { artifactKey } from '../../plugins/platform/store/store.ts';
import { databaseKinds } from './databases.ts';
import { ask, claim, finish, planOf, recordFor, serversOf, type TestServer } from './servers.ts';

for (const kind of databaseKinds)
  describe(`server on ${kind}`, function () {
    this.timeout(120_000);
    const start = serversOf(kind);
    let server: TestServer;
    before(async () => {
      server = await start();
    });
    afterEach(async () => {
      for (let ticket; (ticket = await server.queue.take('cpu'));) {
        const taken = ticket;
        await server.database.transaction(sql => server.queue.drop(sql, taken));
      }
      await server.database.sql('truncate pruningbench.runs, pruningbench.submissions cascade');
    });
    const get = (url: string) => ask(server.app, 'GET', url);
    const post = (url: string, body: unknown = {}) => ask(server.app, 'POST', url, body);
    const text = async (url: string) => {
      const { statusCode, body, headers } = await server.app.inject({
        url: `/api${url}`,
        headers: { host: 'localhost' },
      });
      assert.equal(statusCode, 200, body);
      return { body, headers };
    };
    const submit = async (changes: Parameters<typeof planOf>[0] = {}, title = 'a grid') => {
      const { status, body } = await post('/submissions', { title, plans: [planOf(changes)] });
      assert.equal(status, 201, JSON.stringify(body));
      return body as { id: string };
    };
    const runs = async (query = '') => (await get(`/runs${query}`)).body.runs as RunInfo[];

    it('takes a submission once by its key, and not for another', async () => {
      const submission = { key: 'a key of mine', title: 'once', plans: [planOf({ seeds: [0, 1] })] };
      const first = await post('/submissions', submission);
      const second = await post('/submissions', submission);
      assert.deepEqual([first.status, second.status], [201, 200]);
      assert.equal(first.body.id, second.body.id);
      assert.deepEqual(first.body.states, { waiting: 2, queued: 2, running: 0, done: 0, failed: 0, cancelled: 0 });
      const other = await post('/submissions', { ...submission, plans: [planOf({ seeds: [2] })] });
      assert.equal(other.status, 409);
      assert.equal(other.body.field, 'key');
      assert.equal((await runs()).length, 4);
      assert.deepEqual((await get(`/submissions/${first.body.id}`)).body, second.body);
    });

    it('lists runs page by page, each once, newest first and in their order', async () => {
      await submit({ seeds: [0, 1, 2] }, 'first');
      await submit({ seeds: [0, 1, 2, 3], methods: ['lamp'] }, 'second');
      const all = await runs('?limit=200');
      // three base models are shared
      assert.equal(all.length, 11);
      assert.deepEqual(
        all.map(({ title }) => title),
        [...Array<string>(5).fill('second'), ...Array<string>(6).fill('first')],
      );
      for (const limit of [1, 2, 5, 10, 11]) {
        const paged: RunInfo[] = [];
        let after = '';
        do {
          const { body } = await get(`/runs?limit=${limit}${after && `&after=${after}`}`);
          paged.push(...body.runs);
          after = body.next;
        } while (after);
        assert.deepEqual(paged, all, `pages of ${limit}`);
      }
      // filters are what they say
      for (const [name, value] of [
        ['method', 'lamp'],
        ['kind', 'base'],
        ['state', 'waiting'],
        ['model', 'resnet18'],
        ['dataset', 'cifar10'],
        ['submission', all[0]!.submission],
      ] as const)
        assert.deepEqual(
          await runs(`?limit=200&${name}=${value}`),
          all.filter(run => run[name] === value),
          name,
        );
      assert.deepEqual(await get('/runs?after=0123456789ab'), {
        status: 404,
        body: { error: 'there is no run 0123456789ab to go on after', field: 'after' },
      });
      const pages = [];
      for (let after = ''; ;) {
        const { body } = await get(`/submissions?limit=1${after && `&after=${after}`}`);
        pages.push(...body.submissions.map(({ title }: { title: string }) => title));
        if ((after = body.next) === null) break;
      }
      assert.deepEqual(pages, ['second', 'first']);
    });

    it('says how many are before a run, in the order in which they are taken, and why it waits', async () => {
      await submit({ protocol: { name: 'test' }, seeds: [0, 1, 2] });
      await submit({ methods: ['lamp'] });
      const before = (await runs('?state=queued')).sort((a, b) => a.ahead! - b.ahead!);
      assert.deepEqual(
        before.map(({ ahead }) => ahead),
        [0, 1, 2],
      );
      assert.match(before[0]!.reason!, /no worker for cpu/);
      const [waiting] = await runs('?state=waiting');
      assert.match(waiting!.reason!, /begins with the model of run [0-9a-f]{12}, which is not done/);
      // one that goes on later is taken first
      const { run, ticket } = await claim(server);
      await server.runs.finish(run, ticket, { state: 'queued', reason: 'goes on from its checkpoint' });
      const again = (await runs('?state=queued')).find(({ ahead }) => ahead === 0)!;
      assert.equal(again.id, run.id);
      assert.equal(again.reason, 'goes on from its checkpoint');
      await server.database.sql(
        `insert into pruningbench.workers (id, resources, about) values ('w', 'cpu', '{"host": "h"}')`,
      );
      assert.equal((await runs('?state=queued')).filter(({ reason }) => reason?.includes('no worker')).length, 0);
      assert.deepEqual(
        (await get('/workers')).body.workers.map(({ id, host, run }: Record<string, unknown>) => [id, host, run]),
        [['w', 'h', null]],
      );
      await server.database.sql('delete from pruningbench.workers');
    });

    it('shows a run as it goes: queued, running, done', async () => {
      await submit();
      await finish(server);
      const { run, ticket } = await claim(server, 'worker 7');
      const progress = { stage: 'finetune', fraction: 0.25, epoch: 1, epochs: 4, loss: 0.5, secondsLeft: 3 };
      await server.runs.report(run, progress, []);
      assert.deepEqual((await get(`/runs/${run.id}`)).body.progress, progress);
      const bytes = Buffer.from('not really a model');
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-test-'));
      await writeFile(path.join(folder, 'file'), bytes);
      await server.store.put(artifactKey(run.id, sha256), path.join(folder, 'file'));
      await rm(folder, { recursive: true });
      for (const name of ['model.onnx', 'models/base/last.safetensors'])
        await server.runs.saved(run, { name, bytes: bytes.length, sha256 });
      await server.runs.finish(run, ticket, { state: 'done', result: recordFor(run, 0.75) });

      const { body: detail } = await get(`/runs/${run.id}`);
      assert.equal(detail.state, 'done');
      assert.deepEqual(detail.scores, { score: 'accuracy', base: 0.9, pruned: 0.1, finetuned: 0.75 });
      assert.deepEqual(recordSchema.parse(detail.record), recordFor(run, 0.75));
      assert.deepEqual(detail.files, [{ name: 'model.onnx', bytes: bytes.length }]);
      const [base] = await runs('?kind=base');
      assert.equal(detail.needs, base!.id);
      assert.deepEqual(base!.scores, { score: 'accuracy', base: 0.9, pruned: null, finetuned: null });
      assert.equal((await get(`/runs/${base!.id}`)).body.record, null);

      const { body, headers } = await text(`/runs/${run.id}/files/model.onnx`);
      assert.equal(body, bytes.toString());
      assert.equal(headers['content-type'], 'application/octet-stream');
      assert.equal(headers['content-disposition'], `attachment; filename="resnet18-random-2x-${run.id}-model.onnx"`);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      for (const name of ['models%2Fbase%2Flast.safetensors', '..%2Fdatabase', 'other'])
        assert.equal((await get(`/runs/${run.id}/files/${name}`)).status, 404, name);
    });

    it('keeps what was logged and the curves, and gives results as CSV', async () => {
      await submit({ methods: ['random', 'lamp'] });
      await finish(server);
      const { run, ticket } = await claim(server, 'worker 7');
      const epoch = { stage: 'finetune', epoch: 1, loss: 0.5, learningRate: 0.1, score: 0.6, seconds: 2 };
      // more than is read at once
      const lines = Array.from({ length: 1200 }, (_, i) => ({ kind: 'log', data: { line: `line ${i}` } }) as const);
      await server.runs.report(run, undefined, [...lines, { kind: 'epoch', data: epoch }]);
      await server.runs.finish(run, ticket, { state: 'done', result: recordFor(run, 0.75) });
      const log = (await text(`/runs/${run.id}/log`)).body.trimEnd().split('\n');
      assert.match(log.join('\n'), /^\S+ 0 queued\n\S+ 1 running: worker 7\n\S+ 1 line 0\n/);
      assert.deepEqual(
        log.filter(line => line.includes(' line ')).map(line => Number(/line (\d+)$/.exec(line)![1])),
        lines.map((_, i) => i),
      );
      assert.match(
        (await text(`/runs/${run.id}/curves.csv`)).body,
        /^attempt,stage,epoch,loss,learningRate,score,seconds,at\r\n1,finetune,1,0.5,0.1,0.6,2,2\S+Z\r\n$/,
      );
      const results = (await text('/results.csv?model=resnet18')).body.trimEnd().split('\r\n');
      assert.equal(results.length, 2);
      const [head, row] = results.map(line => line.split(','));
      const cell = (name: string) => row![head!.indexOf(name)];
      assert.deepEqual(['run', 'method', 'base', 'finetuned'].map(cell), [run.id, run.spec.methods[0], '0.9', '0.75']);
      assert.equal(
        (await text('/results.csv?method=lamp')).body.split('\r\n').length - 2,
        Number(run.spec.methods[0] === 'lamp'),
      );
    });

    it('fills the leaderboards as results come, beside the entries and the paper', async () => {
      const { id } = await submit({ methods: ['random', 'lamp'], protocol: { name: 'test', base: null } }).catch(
        () => ({ id: '' }),
      );
      assert.equal(id, '', 'a zoo model has no weights');
      const sent = await submit({ methods: ['random', 'lamp'], seeds: [0, 1] });
      await finish(server);
      await finish(server);
      const ours = async () => (await get('/standings?source=runs')).body.rows;
      assert.deepEqual(await ours(), []);
      await finish(server, 0.5);
      assert.equal((await ours()).length, 1);
      for (const score of [0.6, 0.7, 0.8]) await finish(server, score);
      const rows = await ours();
      assert.deepEqual(
        rows.map(({ rank, runs }: Record<string, unknown>) => [rank, runs]),
        [
          [1, 2],
          [2, 2],
        ],
      );
      const pruned = await runs('?kind=pruned');
      for (const { method, ids, score } of rows as { method: string; ids: string[]; score: number }[]) {
        const own = pruned.filter(run => run.method === method);
        assert.deepEqual([...ids].sort(), own.map(run => run.id).sort());
        const mean = own.reduce((sum, run) => sum + run.scores!.finetuned!, 0) / own.length;
        assert.ok(Math.abs(score - 100 * mean) < 1e-9);
      }
      assert.deepEqual((await get(`/standings?submission=${sent.id}`)).body.rows, rows);
      assert.deepEqual((await get('/standings?submission=0123456789ab')).body.rows, []);
      const { boards } = (await get('/leaderboards')).body as {
        boards: { source: string; rows: number; model: string; dataset: string }[];
      };
      const of = (source: string) => boards.filter(board => board.source === source);
      assert.deepEqual(
        of('runs').map(({ rows }) => rows),
        [2],
      );
      assert.equal(
        of('paper').reduce((sum, { rows }) => sum + rows, 0),
        339,
      );
      assert.ok(of('entries').length > 0);
      const { model, dataset, rows: number } = of('paper')[0]!;
      assert.equal((await get(`/standings?source=paper&model=${model}&dataset=${dataset}`)).body.rows.length, number);
    });

    it('cancels and retries', async () => {
      await submit();
      const [base, pruned] = (await runs()).sort((a, b) => a.kind.localeCompare(b.kind));
      assert.equal((await post(`/runs/${base!.id}/cancel`)).body.state, 'cancelled');
      assert.deepEqual(
        (await runs(`?state=failed`)).map(({ id }) => id),
        [pruned!.id],
      );
      const { status, body } = await post(`/runs/${pruned!.id}/retry`, {});
      assert.deepEqual([status, body.state], [200, 'waiting']);
      assert.equal((await post(`/runs/${base!.id}/retry`)).body.state, 'queued');
      for (const action of ['cancel', 'retry'])
        assert.deepEqual(await post(`/runs/0123456789ab/${action}`), {
          status: 404,
          body: { error: 'there is no run 0123456789ab' },
        });
      // the same training, begun by somebody else meanwhile
      await post(`/runs/${base!.id}/cancel`);
      await submit({ methods: ['lamp'] });
      assert.equal((await post(`/runs/${base!.id}/retry`)).status, 409);
    });
  });
