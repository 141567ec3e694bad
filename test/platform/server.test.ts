import assert from 'node:assert/strict';
import { databaseKinds } from './databases.ts';
import { ask, claim, finish, planOf, serversOf, type TestServer } from './servers.ts';

for (const kind of databaseKinds)
  describe(`server on ${kind}`, function () {
    this.timeout(120_000);
    const start = serversOf(kind);
    let server: TestServer;
    before(async () => {
      server = await start();
    });
    const get = (url: string) => ask(server.app, 'GET', url);
    const post = (url: string, body?: unknown) => ask(server.app, 'POST', url, body ?? {});

    it('says what can be chosen, without places', async () => {
      const { status, body } = await get('/catalogue');
      assert.equal(status, 200);
      console.log(
        JSON.stringify(body).length,
        JSON.stringify(body.datasets).slice(0, 1500),
        body.models[0],
        Object.keys(body.protocol.properties),
      );
      console.log(JSON.stringify((await get('/openapi.json')).body).length);
      for (const url of [
        '/health',
        '/workers',
        '/models',
        '/tokens',
        '/session',
        '/leaderboards',
        '/runs',
        '/submissions',
      ])
        console.log(url, JSON.stringify(await get(url)).slice(0, 400));
      const sub = await post('/submissions', {
        title: 'first',
        plans: [planOf({ methods: ['random', 'lamp'], seeds: [0, 1] })],
      });
      console.log(JSON.stringify(sub).slice(0, 600));
      await finish(server);
      await finish(server);
      const { run } = await claim(server);
      await server.runs.report(run, { stage: 'prune', fraction: 0.5 }, [{ kind: 'log', data: { line: 'hi' } }]);
      const list = await get('/runs');
      console.log(JSON.stringify(list.body.runs, null, 1).slice(0, 3000));
      console.log(JSON.stringify((await post('/check', { plan: planOf() })).body).slice(0, 1500));
      console.log(JSON.stringify((await get('/standings?source=runs')).body).slice(0, 1500));
      for (const url of ['/results.csv', `/runs/${run.id}/log`])
        console.log((await server.app.inject({ url: '/api' + url, headers: { host: 'localhost' } })).body);
    });
  });
