import assert from 'node:assert/strict';
import { planSchema, type PlanInput } from '../../kernel/bench/plan.ts';
import type { Database } from '../../plugins/platform/database/database.ts';
import { Queue, type Ticket } from '../../plugins/platform/queue.ts';
import { Superseded, type Run } from '../../plugins/platform/run.ts';
import { Runs } from '../../plugins/platform/runs.ts';
import type { RunState } from '../../plugins/platform/vocabulary.ts';
import { databaseKinds, databasesOf } from './databases.ts';

const planOf = (changes: Partial<PlanInput> = {}) =>
  planSchema.parse({
    model: 'resnet18',
    dataset: 'shapes',
    methods: ['random'],
    protocol: { name: 'test' },
    ...changes,
  });

for (const kind of databaseKinds)
  describe(`runs in ${kind}`, function () {
    this.timeout(60_000);
    const open = databasesOf(kind);
    let database: Database;
    let queue: Queue;
    let runs: Runs;
    before(async () => {
      database = await open();
      queue = await Queue.open(database, error => assert.fail(error));
      runs = new Runs(database, queue);
    });
    after(() => queue.close());
    afterEach(async () => {
      await queue.reclaim(database.sql);
      for (let ticket; (ticket = await queue.take('cpu'));)
        await database.transaction(sql => queue.drop(sql, ticket as Ticket));
      await database.sql('truncate pruningbench.runs, pruningbench.submissions cascade');
    });

    const all = () => database.sql<Run>('select * from pruningbench.runs order by position');
    const states = async () => (await all()).map(({ kind, state }) => `${kind} ${state}`);
    const submit = (changes: Partial<PlanInput> = {}) =>
      runs.submit({ title: 'test', plans: [planOf(changes)], resources: 'cpu' });
    const claim = async (worker = 'worker') => {
      const ticket = await queue.take('cpu');
      return ticket && { ticket, run: await runs.claim(ticket, worker) };
    };
    const done = async () => {
      const { ticket, run } = (await claim())!;
      await runs.finish(run!, ticket, { state: 'done', result: { at: run!.position } });
      return run!.kind;
    };

    it('trains a base model once for all that begin with it', async () => {
      await submit({ methods: ['random', 'magnitude-l2 + group-norm'], speedups: [2, 4] });
      assert.deepEqual(await states(), [
        'base queued',
        'sparsified waiting',
        'pruned waiting',
        'pruned waiting',
        'pruned waiting',
        'pruned waiting',
      ]);
      assert.equal(await done(), 'base');
      assert.deepEqual((await states()).filter(state => state.endsWith('queued')).length, 3);
      for (let i = 0; i < 5; i++) await done();
      assert.deepEqual(new Set((await all()).map(({ state }) => state)), new Set<RunState>(['done']));
      // another submission finds it
      await submit({ methods: ['lamp'] });
      assert.deepEqual(
        (await states()).filter(state => !state.endsWith('done')),
        ['pruned queued'],
      );
    });

    it('takes a submission with a key once', async () => {
      const submission = { key: 'once', title: 'test', plans: [planOf()], resources: 'cpu' } as const;
      const [first, second] = await Promise.all([runs.submit(submission), runs.submit(submission)]);
      assert.equal(first.id, second.id);
      assert.deepEqual([first.again, second.again].sort(), [false, true]);
      assert.equal((await all()).length, 2);
    });

    it('does not hear an attempt that another has taken over', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const first = (await claim('first'))!;
      // as after a lost lease: the same ticket is given out again
      const second = await runs.claim({ ...first.ticket, retryCount: 1 }, 'second');
      assert.equal(second!.attempt, 2);
      const outcome = { state: 'done', result: 'late' } as const;
      await assert.rejects(runs.finish(first.run!, first.ticket, outcome), Superseded);
      await assert.rejects(runs.report(first.run!, undefined, []), Superseded);
      await runs.finish(second!, { ...first.ticket, retryCount: 1 }, { state: 'done', result: 'right' });
      await assert.rejects(runs.finish(second!, first.ticket, outcome), Superseded);
      assert.deepEqual(
        (await all()).map(({ state, result }) => [state, result]),
        [['done', 'right']],
      );
    });

    it('gives up a run whose workers are lost, again and again', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const { ticket } = (await claim())!;
      for (let tries = 2; tries <= 5; tries++) assert.equal((await runs.claim(ticket, 'next'))!.tries, tries);
      assert.equal(await runs.claim(ticket, 'next'), undefined);
      const [run] = await all();
      assert.equal(run!.state, 'failed');
      assert.match(run!.reason!, /^5 attempts came to no checkpoint, the last on worker next$/);
    });

    it('counts tries anew after a checkpoint', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const { ticket, run } = (await claim())!;
      const file = { name: 'models/last', bytes: 3, sha256: 'a' };
      assert.equal(await runs.saved(run!, file), undefined);
      assert.equal(await runs.saved(run!, { ...file, sha256: 'b' }), 'a');
      assert.equal((await runs.claim(ticket, 'next'))!.tries, 1);
      await assert.rejects(runs.saved(run!, file), Superseded);
    });

    it('says why the last of them was lost, and that files for people are no checkpoints', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      for (let tries = 1; tries <= 5; tries++) {
        const { ticket, run } = (await claim('next'))!;
        assert.equal(run!.tries, tries);
        await runs.saved(run!, { name: 'log.txt', bytes: 1, sha256: `${tries}` });
        await runs.finish(run!, ticket, { state: 'queued', reason: 'the training ended by SIGKILL' });
      }
      assert.equal((await claim())!.run, undefined);
      assert.match((await all())[0]!.reason!, /^5 attempts .* worker next: the training ended by SIGKILL$/);
    });

    it('keeps what two names of a run have in common', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const { run } = (await claim())!;
      const save = (name: string, sha256: string) => runs.saved(run!, { name, bytes: 1, sha256 });
      await save('models/best', 'a');
      await save('models/last', 'a');
      assert.equal(await save('models/last', 'b'), undefined);
      assert.equal(await save('models/last', 'b'), undefined);
      assert.equal(await save('models/best', 'b'), 'a');
      assert.deepEqual(
        (await runs.artifacts(run!.id)).map(({ name, bytes, sha256 }) => [name, bytes, sha256]),
        [
          ['models/best', 1, 'b'],
          ['models/last', 1, 'b'],
        ],
      );
    });

    it('forgets the checkpoints of a pruned run that is done, and no others', async () => {
      await submit({ methods: ['magnitude-l2 + group-norm'] });
      for (let i = 0; i < 3; i++) {
        const { ticket, run } = (await claim())!;
        for (const name of ['models/last', 'model.onnx']) await runs.saved(run!, { name, bytes: 1, sha256: name });
        await runs.finish(run!, ticket, { state: 'done', result: null });
      }
      const names = (await all()).map(async ({ id }) => (await runs.artifacts(id)).map(({ name }) => name));
      assert.deepEqual(await Promise.all(names), [
        ['model.onnx', 'models/last'],
        ['model.onnx', 'models/last'],
        ['model.onnx'],
      ]);
      const [base, sparsified, pruned] = (await all()).map(({ id }) => id);
      assert.deepEqual(await runs.lineage(pruned!), [base, sparsified, pruned]);
      assert.deepEqual(await runs.lineage(base!), [base]);
    });

    it('keeps no event twice that is reported again', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const { ticket, run } = (await claim())!;
      const line = (line: string) => ({ kind: 'log', data: { line } }) as const;
      await runs.report(run!, undefined, [line('a'), line('b')], 0);
      await runs.report(run!, undefined, [line('a'), line('b'), line('c')], 0);
      await runs.report(run!, undefined, [line('d')], 3);
      const next = await runs.claim(ticket, 'next');
      await runs.report(next!, undefined, [line('e')], 0);
      const events = await database.sql<{ line: string }>(
        `select data->>'line' as line from pruningbench.events where kind = 'log' order by seq`,
      );
      assert.deepEqual(
        events.map(({ line }) => line),
        ['a', 'b', 'c', 'd', 'e'],
      );
    });

    it('keeps no event twice where reports of an attempt cross each other', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const { run } = (await claim())!;
      const lines = (count: number) =>
        Array.from({ length: count }, (_, i) => ({ kind: 'log', data: { line: String(i) } }) as const);
      const reports = [3, 1, 5, 2, 5, 4, 1, 3].map(count => runs.report(run!, undefined, lines(count), 0));
      await Promise.all([...reports, runs.cancel(run!.id)]);
      const events = await database.sql<{ line: string }>(
        `select data->>'line' as line from pruningbench.events where kind = 'log' order by seq`,
      );
      assert.deepEqual(
        events.map(({ line }) => line),
        ['0', '1', '2', '3', '4'],
      );
      await Promise.all(Array.from({ length: 20 }, () => runs.report(run!, undefined, lines(3))));
      const [{ heard, cancelling }] = (await all()) as [Run];
      assert.deepEqual([heard, cancelling], [65, true]);
    });

    it('cancels what waits at once, what runs when its worker hears of it', async () => {
      await submit({ methods: ['random', 'lamp'] });
      const { ticket, run } = (await claim())!;
      const [, first, second] = await all();
      assert.equal(await runs.cancel(first!.id), 'cancelled');
      assert.deepEqual(await runs.report(run!, { stage: 'base', fraction: 0.5 }, []), { cancelling: false });
      // nobody waits for the base model any more
      assert.equal(await runs.cancel(second!.id), 'cancelled');
      assert.deepEqual(await runs.report(run!, undefined, []), { cancelling: true });
      await runs.finish(run!, ticket, { state: 'cancelled' });
      assert.deepEqual(await states(), ['base cancelled', 'pruned cancelled', 'pruned cancelled']);
      assert.equal(await runs.cancel(run!.id), 'cancelled');
      assert.equal(await runs.cancel('no such'), undefined);
      assert.equal(await claim(), undefined);
    });

    it('goes on with a training that is cancelled where somebody wants it before its worker has ended it', async () => {
      await submit({ methods: ['random'] });
      const { ticket, run } = (await claim())!;
      await runs.cancel((await all()).at(-1)!.id);
      assert.deepEqual(await runs.report(run!, undefined, []), { cancelling: true });
      await submit({ methods: ['lamp'] });
      assert.deepEqual(await runs.report(run!, undefined, []), { cancelling: false });
      // it had heard of it before
      await runs.finish(run!, ticket, { state: 'cancelled' });
      assert.deepEqual((await states()).sort(), ['base queued', 'pruned cancelled', 'pruned waiting']);
      assert.equal(await done(), 'base');
      assert.equal(await done(), 'pruned');
      assert.deepEqual((await states()).sort(), ['base done', 'pruned cancelled', 'pruned done']);
    });

    it('fails what begins with a model that failed, and tries all of it again', async () => {
      await submit({ methods: ['magnitude-l2 + group-norm'] });
      const { ticket, run } = (await claim())!;
      await runs.finish(run!, ticket, { state: 'failed', reason: 'the loss is NaN' });
      assert.deepEqual(await states(), ['base failed', 'sparsified failed', 'pruned failed']);
      const last = (await all()).at(-1)!;
      assert.match(last.reason!, /the loss is NaN/);
      assert.equal(await runs.retry(last.id), 'waiting');
      assert.deepEqual(await states(), ['base queued', 'sparsified waiting', 'pruned waiting']);
      for (let i = 0; i < 3; i++) await done();
      assert.deepEqual(await states(), ['base done', 'sparsified done', 'pruned done']);
      assert.equal(await runs.retry(last.id), 'done');
    });

    it('puts a run that goes on later before the others', async () => {
      await submit({ protocol: { name: 'test', base: null }, methods: ['random', 'lamp', 'fpgm'] });
      const { ticket, run } = (await claim())!;
      await runs.finish(run!, ticket, { state: 'queued', reason: 'goes on from its checkpoint' });
      assert.equal((await claim())!.run!.id, run!.id);
    });

    it('gives every run to one of many', async () => {
      const seeds = Array.from({ length: 100 }, (_, i) => i);
      await submit({ protocol: { name: 'test', base: null }, seeds });
      const taken: string[] = [];
      await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          for (let got; (got = await claim(`worker ${i}`));) {
            taken.push(got.run!.id);
            await runs.finish(got.run!, got.ticket, { state: 'done', result: i });
          }
        }),
      );
      assert.equal(new Set(taken).size, 100);
      assert.equal(taken.length, 100);
    });

    it('gives out again what a process that is gone had', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      const first = (await claim())!;
      assert.equal(await queue.take('cpu'), undefined);
      await queue.reclaim(database.sql);
      const second = (await claim())!;
      assert.equal(second.run!.attempt, 2);
      assert.equal(await queue.touch(first.ticket), false);
      assert.equal(await queue.touch(second.ticket), true);
    });

    it('gives it out at once where the process had the database for itself', async () => {
      await submit({ protocol: { name: 'test', base: null } });
      await claim();
      const next = await Queue.open(database, error => assert.fail(error));
      const found = await next.take('cpu');
      await next.close();
      assert.equal(found !== undefined, kind === 'pglite');
    });

    it('tells of changes', async () => {
      const heard: unknown[] = [];
      const end = await database.listen('pruningbench', payload => heard.push(JSON.parse(payload!)));
      const { id } = await submit({ protocol: { name: 'test', base: null } });
      const { ticket, run } = (await claim())!;
      await runs.finish(run!, ticket, { state: 'done', result: null });
      // on the same connection or after it: what was told is heard before a later word
      await new Promise<void>(resolve => {
        const wait = setInterval(() => {
          if (heard.length < 3) return;
          clearInterval(wait);
          resolve();
        }, 5);
      });
      await end();
      assert.deepEqual(heard, [{ submission: id }, { run: run!.id }, { run: run!.id }]);
    });

    it('undoes a submission whose transaction fails', async () => {
      await assert.rejects(
        database.transaction(async sql => {
          await sql(`insert into pruningbench.submissions (id, title, plans) values ('x', 'x', '[]')`);
          await sql('select no_such_column');
        }),
      );
      assert.deepEqual(await database.sql('select id from pruningbench.submissions'), []);
    });
  });
