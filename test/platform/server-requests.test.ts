import assert from 'node:assert/strict';
import fc from 'fast-check';
import { protocols } from '../../kernel/bench/protocols.ts';
import { catalogue } from '../../plugins/catalogue.ts';
import type { CatalogueInfo, Check } from '../../plugins/platform/api.ts';
import { ask, claim, finish, planOf, recordFor, serversOf, type TestServer } from './servers.ts';

describe('requests to the server', function () {
  this.timeout(120_000);
  const start = serversOf('pglite');
  let server: TestServer;
  const data = process.env['PRUNINGBENCH_DATA'];
  before(async () => {
    delete process.env['PRUNINGBENCH_DATA'];
    server = await start();
  });
  after(() => {
    if (data !== undefined) process.env['PRUNINGBENCH_DATA'] = data;
  });
  const get = (url: string) => ask(server.app, 'GET', url);
  const post = (url: string, body: unknown = {}) => ask(server.app, 'POST', url, body);
  const check = async (changes: Parameters<typeof planOf>[0] = {}): Promise<Check> => {
    const { status, body } = await post('/check', { plan: planOf(changes) });
    assert.equal(status, 200, JSON.stringify(body));
    return body as Check;
  };
  const problems = async (changes: Parameters<typeof planOf>[0] = {}) =>
    (await check(changes)).problems.map(({ path, message }) => `${path}: ${message}`);

  describe('catalogue', () => {
    it('has every plugin, and no option that says where data lie or that follows from other choices', async () => {
      const { body } = (await get('/catalogue')) as { body: CatalogueInfo };
      const kinds = ['models', 'datasets', 'criteria', 'regularizers', 'strategies', 'experiments'] as const;
      for (const kind of kinds)
        assert.deepEqual(
          body[kind].map(({ id }) => id),
          catalogue[kind].map(({ id }) => id),
        );
      assert.deepEqual(Object.keys(body.protocols), Object.keys(protocols));
      const optionsOf = (plugin: { options: Record<string, unknown> }) =>
        Object.keys(plugin.options['properties'] as object);
      for (const kind of kinds.slice(0, -1) as ('models' | 'datasets')[])
        for (const plugin of body[kind]) assert.ok(!optionsOf(plugin).includes('path'), plugin.id);
      const resnet = body.models.find(({ id }) => id === 'resnet18')!;
      assert.deepEqual(optionsOf(resnet), ['width']);
      assert.deepEqual(body.workers, { cpu: 0, gpu: 0 });
    });

    it('says which data sets are not here, and no more of where they would be', async () => {
      const reasons = async () =>
        Object.fromEntries(
          ((await get('/catalogue')).body as CatalogueInfo).datasets.map(({ id, unavailable }) => [id, unavailable]),
        );
      const without = await reasons();
      assert.equal(without['shapes'], null);
      assert.match(without['cifar10']!, /no folder cifar10 or cifar-10-batches-bin, as PRUNINGBENCH_DATA is not set/);
      process.env['PRUNINGBENCH_DATA'] = '/nowhere/at/all';
      try {
        assert.match((await reasons())['coco']!, /no folder coco where PRUNINGBENCH_DATA points/);
        assert.doesNotMatch(JSON.stringify(await reasons()), /nowhere/);
        assert.deepEqual(await problems({ dataset: 'coco', datasetOptions: {}, model: 'yolov8n', modelOptions: {} }), [
          'dataset: coco: its files are not on this server: there is no folder coco where PRUNINGBENCH_DATA points',
        ]);
      } finally {
        delete process.env['PRUNINGBENCH_DATA'];
      }
    });
  });

  describe('check', () => {
    it('counts, groups and estimates a plan that nothing is wrong with', async () => {
      const { problems, runs, model, estimate, impossible } = await check({
        methods: ['random', 'lamp'],
        seeds: [0, 1],
      });
      assert.deepEqual(problems, []);
      assert.equal(runs, 2 + 4);
      assert.equal(model!.params, 176_402);
      const stem = model!.groups.find(({ id }) => id === 'conv1')!;
      assert.equal(stem.units, 8);
      assert.ok(stem.members.includes('layer1.0.conv2') && stem.members.includes('bn1'));
      assert.match(model!.groups.find(({ id }) => id === 'fc')!.protected!, /output/);
      assert.match(estimate!.basis, /a guess/);
      assert.ok(estimate!.base > 0 && estimate!.sparsify === 0 && estimate!.total > estimate!.base);
      assert.deepEqual(impossible, { criteria: {}, regularizers: {} });
    });

    const cases: [string, Parameters<typeof planOf>[0], RegExp[]][] = [
      [
        'a model that is not there',
        { model: 'resnet81' },
        [/^model: unknown model resnet81 \(did you mean resnet18\?\)$/],
      ],
      ['a data set that is not there', { dataset: 'shape', datasetOptions: {} }, [/^dataset: .*did you mean shapes\?/]],
      [
        'methods and strategies that are not there',
        { methods: ['lamp', 'tailor', 'lamp + group', 'lamp:x=1'], strategies: ['globl'] },
        [
          /^methods\.1: unknown criterion tailor \(did you mean taylor\?\)/,
          /^methods\.2: unknown regularizer group/,
          /^methods\.3: criterion lamp: no option x/,
          /^strategies\.0: unknown strategy globl/,
        ],
      ],
      [
        'options that are not there or wrong',
        { modelOptions: { width: -1 }, datasetOptions: { trains: 3 } },
        [/^datasetOptions\.trains: shapes has no option trains \(did you mean train\?\)/, /^modelOptions\.width: /],
      ],
      ['a seed of the model', { modelOptions: { seed: 3 } }, [/^modelOptions\.seed: /]],
      [
        'classes that are not those of the data set',
        { modelOptions: { classes: 7 } },
        [/^modelOptions\.classes: classes 7: data set shapes has 10/],
      ],
      [
        'a model for another task',
        { model: 'yolov8n', modelOptions: {} },
        [/^dataset: shapes is for classification, model yolov8n for detection/],
      ],
      [
        'a zoo model that is not trained',
        { protocol: { name: 'mine', base: null } },
        [/^protocol\.base: protocol mine trains no base model/],
      ],
      [
        'a criterion and a regularizer that find nothing',
        { model: 'vit-tiny', modelOptions: {}, methods: ['bn-scale', 'lamp + bn-scale'] },
        [/^methods\.0: criterion bn-scale finds nothing to score/, /^methods\.1: regularizer bn-scale finds nothing/],
      ],
      [
        'a model that does not fit in memory',
        { modelOptions: { width: 1000 } },
        [/^modelOptions: resnet18 has \d+ parameters/],
      ],
      [
        'an uploaded model that is not there',
        { model: 'upload:0123456789ab', modelOptions: {} },
        [/^model: there is no uploaded model/],
      ],
      [
        'more runs than can be',
        { seeds: Array.from({ length: 6000 }, (_, i) => i), speedups: [2, 4] },
        [/^methods: 12000 runs, a plan may have 10000/],
      ],
    ];
    for (const [what, changes, expected] of cases)
      it(`sees ${what}`, async () => {
        const found = await problems(changes);
        assert.equal(found.length, expected.length, JSON.stringify(found));
        for (const [i, pattern] of expected.entries()) assert.match(found[i]!, pattern);
        // what has a problem is not taken
        const { status, body } = await post('/submissions', { title: 'x', plans: [planOf(), planOf(changes)] });
        assert.equal(status, 400);
        assert.match(`${body.field}: ${body.error}`, new RegExp(`^plans\\.1\\.${expected[0]!.source.slice(1)}`));
      });

    it('takes its estimate from what was trained here', async () => {
      const plan = { seeds: [5] };
      const guess = (await check(plan)).estimate!;
      await post('/submissions', { title: 'x', plans: [planOf(plan)] });
      const { run, ticket } = await claim(server);
      const epoch = (seconds: number) =>
        ({ kind: 'epoch', data: { stage: 'base', epoch: 1, loss: 1, learningRate: 1, seconds } }) as const;
      await server.runs.report(run, undefined, [epoch(4), epoch(5), epoch(100)]);
      await server.runs.finish(run, ticket, { state: 'done', result: {} });
      const { estimate, runs } = await check({ seeds: [5, 6] });
      assert.equal(runs, 1 + 2, 'the model of seed 5 is there');
      assert.match(estimate!.basis, /3 epochs of this model/);
      // epochs of 40 images take 5 seconds, an evaluation of 20 images a third of that for each image
      const { protocol } = planOf(plan);
      const { epochs, evaluateEvery } = protocol.base!;
      assert.ok(Math.abs(estimate!.base - (epochs * 5 + (epochs / evaluateEvery) * (20 / 40) * (5 / 3))) < 1e-6);
      await finish(server);
      const other = await check({ modelOptions: { width: 0.25 }, ...plan });
      assert.match(other.estimate!.basis, /a guess/);
      assert.ok(guess.total > 0);
    });

    it('takes it from other models where their epochs were long enough to tell', async () => {
      const basisAfter = async (seconds: number) => {
        await post('/submissions', { title: 'x', plans: [planOf({ seeds: [seconds] })] });
        await finish(server);
        const { run, ticket } = await claim(server);
        const record = recordFor(run, 0.8);
        const history = [{ epoch: 1, loss: 1, learningRate: 1, seconds }];
        await server.runs.finish(run, ticket, {
          state: 'done',
          result: { ...record, base: { ...record.base, history } },
        });
        return (await check({ modelOptions: { width: 0.25 } })).estimate!.basis;
      };
      assert.match(await basisAfter(1), /a guess/);
      assert.match(await basisAfter(30), /the other models of the last 1 results/);
    });
  });

  describe('what is sent', () => {
    const plan = planOf();
    const cases: [string, unknown, string][] = [
      ['/check', { plan, extra: 1 }, 'extra'],
      ['/check', { plan: { ...plan, extra: 1 } }, 'plan.extra'],
      ['/check', { plan: { ...plan, speedups: ['2'] } }, 'plan.speedups.0'],
      ['/check', { plan: { ...plan, roundTo: 1.5 } }, 'plan.roundTo'],
      ['/check', { plan: { ...plan, protocol: { ...plan.protocol, base: { epoch: 3 } } } }, 'plan.protocol.base.epoch'],
      ['/check', { plan, resources: 'tpu' }, 'resources'],
      ['/check', {}, 'plan'],
      ['/check', { plan: { ...plan, datasetOptions: { path: '/etc' } } }, 'plan.datasetOptions.path'],
      ['/check', { plan: { ...plan, modelOptions: { path: '/etc' } } }, 'plan.modelOptions.path'],
      ['/check', { plan: { ...plan, methods: ['lamp:path=/etc/passwd'] } }, 'plan.methods.0'],
      ['/check', { plan: { ...plan, dataset: 'sha\u0000pes' } }, 'plan.dataset'],
      ['/check', { plan: { ...plan, dataset: 'sha\ud800pes' } }, 'plan.dataset'],
      ['/submissions', { plans: [plan] }, 'title'],
      ['/submissions', { title: '  ', plans: [plan] }, 'title'],
      ['/submissions', { title: 'a\u001b[31mb', plans: [plan] }, 'title'],
      ['/submissions', { title: 'a\u202eb', plans: [plan] }, 'title'],
      ['/submissions', { title: 'x', plans: [] }, 'plans'],
      ['/submissions', { title: 'x', plans: [plan, { ...plan, seeds: [0.5] }] }, 'plans.1.seeds.0'],
      ['/submissions', { title: 'x', plans: [plan], key: 'short' }, 'key'],
      ['/tokens', { name: 'x', scopes: ['root'] }, 'scopes.0'],
      ['/tokens', { name: 7, scopes: ['read'] }, 'name'],
      ['/runs/0123456789ab/cancel', { force: true }, 'force'],
    ];
    for (const [url, body, field] of cases)
      it(`${url} refuses ${field} where it is wrong`, async () => {
        const answer = await post(url, body);
        assert.deepEqual([answer.status, answer.body.field], [400, field], JSON.stringify(answer));
      });

    for (const [query, field] of [
      ['/runs?limit=many', 'limit'],
      ['/runs?limit=0', 'limit'],
      ['/runs?limit=1&limit=2', 'limit'],
      ['/runs?state=lost', 'state'],
      ['/runs?colour=red', 'colour'],
      ['/runs?submission=../x', 'submission'],
      ['/runs?after=../x', 'after'],
      ['/runs?model=%00', 'model'],
      ['/runs/..', 'id'],
      ['/results.csv?limit=3', 'limit'],
      ['/runs/0123456789ab/events?after=-1', 'after'],
    ] as const)
      it(`${query} is refused`, async () => {
        const { status, body } = await get(query);
        assert.ok(status === 400 || status === 404, JSON.stringify(body));
        if (status === 400) assert.equal(body.field, field);
      });

    it('goes to addresses by the methods they take', async () => {
      for (const [method, url, allow] of [
        ['PUT', '/api/runs', 'GET'],
        ['GET', '/api/check', 'POST'],
        ['HEAD', '/api/session', 'DELETE, GET, POST'],
        ['QUERY', '/api/runs/0123456789ab', 'GET'],
        ['PATCH', '/api/models', 'GET, POST'],
      ] as const) {
        const answer = await server.app.inject({ method: method as 'GET', url, headers: { host: 'localhost' } });
        assert.deepEqual([answer.statusCode, answer.headers['allow']], [405, allow], `${method} ${url}`);
      }
    });

    it('is JSON, of a size and a depth', async () => {
      const send = (payload: string, type = 'application/json') =>
        server.app.inject({
          method: 'POST',
          url: '/api/check',
          headers: { host: 'localhost', 'content-type': type },
          payload,
        });
      assert.equal((await send('{')).statusCode, 400);
      assert.equal((await send('{"__proto__": {"x": 1}}')).statusCode, 400);
      assert.equal((await send('{}', 'text/plain')).statusCode, 415);
      assert.equal((await send('a=b', 'application/x-www-form-urlencoded')).statusCode, 415);
      assert.equal((await send(JSON.stringify({ x: 'x'.repeat(2 ** 20) }))).statusCode, 413);
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const nested = await send(
        JSON.stringify({ plan: { ...plan, modelOptions: { x: 0 } } }).replace('"x":0', `"x":${deep}`),
      );
      assert.equal(nested.statusCode, 400);
      assert.match(nested.body, /levels deep/);
    });

    it('never makes the server fail, whatever it is', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            plan: fc.oneof(
              fc.anything(),
              fc.record({
                ...Object.fromEntries(
                  Object.keys(plan).map(key => [key, fc.oneof(fc.constant(plan[key as 'model']), fc.jsonValue())]),
                ),
              }),
            ),
          }),
          async body => {
            const { status } = await post('/check', JSON.parse(JSON.stringify(body)));
            assert.ok(status < 500, String(status));
          },
        ),
        { numRuns: 100 },
      );
    });
  });

  describe('errors', () => {
    it('tell nothing of the inside', async () => {
      const failing = await start();
      // a table that is not there: the database says so, with the statement
      await failing.database.sql('alter table pruningbench.runs rename to elsewhere');
      const { status, body } = await ask(failing.app, 'GET', '/runs');
      await failing.database.sql('alter table pruningbench.elsewhere rename to runs');
      assert.deepEqual(
        { status, body },
        {
          status: 500,
          body: { error: 'something went wrong on the server; its log says what' },
        },
      );
      assert.deepEqual(await get('/nothing/here'), { status: 404, body: { error: 'there is no such address' } });
    });

    it('of a data set do not say where it lies', async () => {
      const [found] = await problems({ datasetOptions: { train: 1e9 } });
      assert.match(found!, /^datasetOptions: /);
      assert.ok(!found!.includes(process.cwd()), found);
    });
  });

  it('has no page that was not built, and says so', async () => {
    const { statusCode, body } = await server.app.inject({ url: '/', headers: { host: 'localhost' } });
    assert.equal(statusCode, 503);
    assert.match(body, /npm run build/);
  });

  describe('limits', () => {
    it('on what is open, with when to come again', async () => {
      const small = await start({ limits: { openRuns: 5 } });
      const send = (seeds: number[]) =>
        small.app.inject({
          method: 'POST',
          url: '/api/submissions',
          headers: { host: 'localhost' },
          payload: { title: 'x', plans: [planOf({ seeds })] },
        });
      assert.equal((await send([0, 1, 2, 3, 4, 5])).statusCode, 400);
      assert.equal((await send([0, 1])).statusCode, 201);
      const full = await send([2, 3]);
      assert.equal(full.statusCode, 429);
      assert.equal(full.headers['retry-after'], '60');
    });

    it('on how often one asks', async () => {
      const small = await start({ limits: { requests: 3, changes: 1 } });
      const statuses = [];
      for (let i = 0; i < 5; i++) {
        const { statusCode, headers } = await small.app.inject({ url: '/api/runs', headers: { host: 'localhost' } });
        statuses.push(statusCode);
        if (statusCode === 429) assert.ok(Number(headers['retry-after']) > 0 && Number(headers['retry-after']) <= 60);
      }
      assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
      const cancel = () => ask(small.app, 'POST', '/runs/0123456789ab/cancel', {});
      assert.deepEqual([(await cancel()).status, (await cancel()).status], [404, 429]);
    });
  });
});
