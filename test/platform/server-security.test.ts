import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { scopes, type Scope } from '../../plugins/platform/vocabulary.ts';
import { Tokens } from '../../plugins/platform/tokens.ts';
import { EventStream } from './event-stream.ts';
import { planOf, serversOf, type TestServer } from './servers.ts';

type Headers = Record<string, string>;
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly object[] }>>>>;
}
const json = { 'content-type': 'application/json' };

const send = (
  app: FastifyInstance,
  method: InjectOptions['method'],
  url: string,
  headers: Headers = {},
  payload?: object,
) => app.inject({ method: method!, url, headers: { host: 'localhost', ...headers }, ...(payload ? { payload } : {}) });
const statusOf = async (...args: Parameters<typeof send>) => (await send(...args)).statusCode;

describe('the server and strangers', function () {
  this.timeout(120_000);
  const start = serversOf('pglite');
  /** On this machine only, without tokens; and where others can reach it, with them. */
  let local: TestServer;
  let open: TestServer;
  let tokens: Tokens;
  const logged: string[] = [];
  const token: Partial<Record<Scope | 'all', string>> = {};
  const bearer = (name: Scope | 'all') => ({ authorization: `Bearer ${token[name]!}` });
  before(async () => {
    const page = await mkdtemp(path.join(tmpdir(), 'pruningbench-page-'));
    after(() => rm(page, { recursive: true }));
    await writeFile(path.join(page, 'index.html'), '<!doctype html><script type="module" src="app.js"></script>');
    await writeFile(path.join(page, 'app.js'), 'export {};');
    await writeFile(path.join(page, '.secret'), 'not for browsers');
    local = await start({ page, hosts: ['bench.example'] });
    const stream = { write: (line: string) => void logged.push(line) };
    open = await start({
      page,
      loopback: false,
      limits: { requests: 500, beat: 0.05 },
      logger: { level: 'trace', stream },
    });
    tokens = new Tokens(open.database);
    for (const scope of scopes) token[scope] = (await tokens.create(`for ${scope}`, [scope])).token;
    token.all = (await tokens.create('for all', scopes)).token;
  });

  describe('names', () => {
    const cases: [string, boolean, boolean][] = [
      ['localhost', true, true],
      ['localhost:8080', true, true],
      ['LOCALHOST:8080', true, true],
      ['127.0.0.1:8080', true, true],
      ['127.8.7.6', true, true],
      ['[::1]:8080', true, true],
      ['bench.example', true, false],
      ['192.168.1.7:8080', false, true],
      ['[fe80::1]', false, true],
      [hostname(), hostname() === 'localhost', true],
      ['evil.example', false, false],
      ['localhost.evil.example', false, false],
      ['127.0.0.1.evil.example', false, false],
      ['evil.example#localhost', false, false],
      ['localhost@evil.example', false, false],
    ];
    for (const [host, here, there] of cases)
      it(`${host || 'none'}: ${here ? 'the server of this machine' : ''} ${there ? 'one that others reach' : ''}`, async () => {
        for (const url of ['/', '/api/health', '/nothing']) {
          const answered = (app: FastifyInstance) => statusOf(app, 'GET', url, { host }).then(status => status !== 403);
          assert.deepEqual([await answered(local.app), await answered(open.app)], [here, there], url);
        }
      });
  });

  it('without a name is not answered', async () => {
    const url = new URL(await local.app.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect({ host: '127.0.0.1', port: Number(url.port) });
    socket.end('GET /api/health HTTP/1.0\r\n\r\n');
    assert.match(await text(socket), /^HTTP\/1.1 403 /);
  });

  describe('other sites', () => {
    const change = (headers: Headers) => statusOf(local.app, 'POST', '/api/runs/0123456789ab/cancel', headers, {});
    const refused: [string, Headers][] = [
      ['another origin', { origin: 'http://evil.example' }],
      ['another port', { origin: 'http://localhost:9999' }],
      ['no origin of its own', { origin: 'null' }],
      ['nonsense', { origin: 'x' }],
      ['a site that says so', { 'sec-fetch-site': 'cross-site' }],
      ['a neighbour', { 'sec-fetch-site': 'same-site' }],
    ];
    for (const [what, headers] of refused)
      it(`${what} changes nothing`, async () => {
        assert.equal(await change({ ...json, ...headers }), 403);
        assert.equal(await statusOf(local.app, 'DELETE', '/api/models/0123456789ab', headers), 403);
      });

    it('the page itself and programs do', async () => {
      for (const headers of [
        json,
        { ...json, origin: 'http://localhost' },
        { ...json, origin: 'https://localhost' },
        { ...json, 'sec-fetch-site': 'same-origin', origin: 'http://localhost' },
        { ...json, host: 'localhost:81', origin: 'http://localhost:81' },
      ])
        assert.equal(await change(headers), 404, JSON.stringify(headers));
      // the page asks without a body
      const bare = { method: 'POST', url: '/api/runs/0123456789ab/cancel' } as const;
      assert.equal(
        (await local.app.inject({ ...bare, headers: { host: 'localhost', origin: 'http://localhost' } })).statusCode,
        404,
      );
      assert.equal((await local.app.inject({ ...bare, headers: { host: 'localhost' } })).statusCode, 415);
    });

    it('cannot send forms', async () => {
      for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'])
        assert.equal(
          (
            await local.app.inject({
              method: 'POST',
              url: '/api/check',
              headers: { host: 'localhost', 'content-type': type },
              payload: JSON.stringify({ plan: planOf() }),
            })
          ).statusCode,
          415,
          type,
        );
    });

    it('are not told that they may read', async () => {
      const answer = await send(local.app, 'GET', '/api/runs', { origin: 'http://evil.example' });
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
      assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
      const asked = await send(local.app, 'OPTIONS', '/api/check', { origin: 'http://evil.example' });
      assert.equal(asked.statusCode, 405);
      assert.equal(asked.headers['access-control-allow-origin'], undefined);
    });
  });

  describe('tokens', () => {
    /** Every route of the API, of the OpenAPI document. */
    const routes = async () => {
      const document = (await send(open.app, 'GET', '/api/openapi.json', bearer('read'))).json<Document>();
      return Object.entries(document.paths).flatMap(([url, methods]) =>
        Object.entries(methods).map(([method, { security }]) => ({
          method: method.toUpperCase() as NonNullable<InjectOptions['method']>,
          url: url.replaceAll(/\{\w+\}/g, '0123456789ab'),
          security,
        })),
      );
    };

    it('are asked for everywhere but where one signs in', async () => {
      const free = new Set(['GET /api/session', 'POST /api/session', 'DELETE /api/session', 'GET /api/health']);
      const all = await routes();
      assert.ok(all.length > 25, String(all.length));
      for (const { method, url, security } of all) {
        assert.deepEqual(security, free.has(`${method} ${url}`) ? [] : undefined, 'the document says so');
        const answer = await send(open.app, method, url, json, method === 'POST' ? {} : undefined);
        if (free.has(`${method} ${url}`)) assert.notEqual(answer.statusCode, 403, url);
        else {
          assert.equal(answer.statusCode, 401, `${method} ${url}`);
          assert.equal(answer.headers['www-authenticate'], 'Bearer');
        }
      }
      // also for addresses that are not there, nothing is told
      assert.equal(await statusOf(open.app, 'GET', '/api/openapi.json'), 401);
    });

    it('are good for what they are for', async () => {
      const needs: [InjectOptions['method'], string, Scope | 'all'][] = [
        ['GET', '/api/runs', 'read'],
        ['GET', '/api/results.csv', 'read'],
        ['POST', '/api/check', 'submit'],
        ['POST', '/api/submissions', 'submit'],
        ['POST', '/api/runs/0123456789ab/cancel', 'submit'],
        ['DELETE', '/api/models/0123456789ab', 'submit'],
        ['GET', '/api/tokens', 'all'],
        ['POST', '/api/tokens', 'all'],
        ['DELETE', '/api/tokens/0123456789ab', 'all'],
      ];
      const work = (await routes()).filter(({ url }) => /^\/api\/work(\/|$)/.test(url));
      assert.ok(work.length > 12, String(work.length));
      needs.push(...work.map(({ method, url }): (typeof needs)[number] => [method, url, 'work']));
      for (const [method, url, need] of needs)
        for (const scope of [...scopes, 'all'] as const) {
          const status = await statusOf(
            open.app,
            method,
            url,
            { ...json, ...bearer(scope) },
            method === 'POST' ? {} : undefined,
          );
          assert.equal(status !== 403, scope === need || scope === 'all', `${method} ${url} with ${scope}: ${status}`);
          assert.notEqual(status, 401);
        }
    });

    it('that are wrong are no tokens', async () => {
      const { all } = token;
      for (const authorization of [
        'Bearer x',
        `Bearer ${all!.slice(0, -1)}`,
        `Bearer ${all!.toLowerCase()}`,
        `Basic ${all!}`,
        all!,
        'Bearer',
        'Bearer pb_%00',
      ])
        assert.equal(await statusOf(open.app, 'GET', '/api/runs', { authorization }), 401, authorization);
    });

    it('are made over the API, shown once, kept as hashes, and end when they are revoked', async () => {
      const made = (
        await send(open.app, 'POST', '/api/tokens', bearer('all'), { name: 'a reader', scopes: ['read', 'read'] })
      ).json<{ id: string; token: string; scopes: string[] }>();
      assert.match(made.token, /^pb_[\w-]{43}$/);
      assert.deepEqual(made.scopes, ['read']);
      const reader = { authorization: `Bearer ${made.token}` };
      assert.equal(await statusOf(open.app, 'GET', '/api/runs', reader), 200);
      const list = await send(open.app, 'GET', '/api/tokens', bearer('all'));
      assert.ok(list.body.includes(made.id) && !list.body.includes(made.token));
      const rows = JSON.stringify(await open.database.sql('select * from pruningbench.tokens'));
      for (const secret of [made.token, ...Object.values(token)]) assert.ok(!rows.includes(secret));
      assert.equal(await statusOf(open.app, 'DELETE', `/api/tokens/${made.id}`, bearer('all')), 204);
      assert.equal(await statusOf(open.app, 'GET', '/api/runs', reader), 401);
      assert.equal(await statusOf(open.app, 'DELETE', '/api/tokens/0123456789ab', bearer('all')), 404);
    });

    it('are stood for by a cookie that scripts and other sites have nothing of', async () => {
      const signIn = (headers: Headers = {}) => send(open.app, 'POST', '/api/session', headers, { token: token.all! });
      assert.equal(await statusOf(open.app, 'POST', '/api/session', {}, { token: 'wrong' }), 401);
      assert.equal((await signIn({ origin: 'http://evil.example' })).statusCode, 403);
      const answer = await signIn({ origin: 'http://localhost' });
      assert.deepEqual(answer.json(), { required: true, scopes: [...scopes] });
      const set = answer.headers['set-cookie'] as string;
      assert.match(set, /; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
      const cookie = set.split(';')[0]!;
      assert.equal(await statusOf(open.app, 'GET', '/api/runs', { cookie: `a=b; ${cookie}; c=d` }), 200);
      const cancel = '/api/runs/0123456789ab/cancel';
      assert.equal(await statusOf(open.app, 'POST', cancel, { cookie, origin: 'http://localhost' }, {}), 404);
      assert.equal(await statusOf(open.app, 'POST', cancel, { cookie, origin: 'http://evil.example' }, {}), 403);
      // a token in a header is not sent by browsers of themselves
      assert.equal(
        await statusOf(open.app, 'POST', cancel, { ...bearer('all'), origin: 'http://evil.example' }, {}),
        404,
      );
      const out = await send(open.app, 'DELETE', '/api/session', { cookie, origin: 'http://localhost' });
      assert.match(out.headers['set-cookie'] as string, /^pruningbench=; .*Max-Age=0$/);
      assert.deepEqual((await send(open.app, 'GET', '/api/session')).json(), { required: true, scopes: [] });
    });

    it('cannot be tried without end', async () => {
      const statuses = new Set<number>();
      for (let i = 0; i < 30; i++)
        statuses.add(await statusOf(open.app, 'POST', '/api/session', {}, { token: `guess ${i}` }));
      assert.deepEqual([...statuses], [401, 429]);
    });

    it('that are wrong count as requests do', async () => {
      const small = await start({ tokens: true, limits: { requests: 3 } });
      const statuses = [];
      for (let i = 0; i < 5; i++)
        statuses.push(await statusOf(small.app, 'GET', '/api/runs', { authorization: `Bearer guess${i}` }));
      assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
    });

    it('are in no log', async () => {
      await open.database.sql('alter table pruningbench.submissions rename to elsewhere');
      assert.equal(await statusOf(open.app, 'GET', '/api/submissions', bearer('all')), 500);
      await open.database.sql('alter table pruningbench.elsewhere rename to submissions');
      const log = logged.join('');
      assert.match(log, /elsewhere|does not exist/, 'the log says what went wrong');
      for (const secret of Object.values(token)) assert.ok(!log.includes(secret) && !log.includes(secret.slice(3)));
    });

    it('that are revoked end what one watches', async () => {
      const { id, token } = await tokens.create('watcher', ['read']);
      const url = await open.app.listen({ host: '127.0.0.1', port: 0 });
      const stream = new EventStream(`${url}/api/events`, { authorization: `Bearer ${token}` });
      assert.equal((await stream.opened()).statusCode, 200);
      await tokens.revoke(id);
      await stream.ended();
    });
  });

  describe('the page', () => {
    it('runs scripts of its own only, is in no frame, and sniffs nothing', async () => {
      for (const url of ['/', '/app.js', '/api/health', '/nothing']) {
        const { headers } = await send(local.app, 'GET', url);
        const policy = headers['content-security-policy'] as string;
        assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/, url);
        assert.doesNotMatch(policy, /unsafe|\*|http/);
        assert.match(policy, /frame-ancestors 'none'/);
        assert.equal(headers['x-content-type-options'], 'nosniff');
      }
      const { headers } = await send(local.app, 'GET', '/api/runs');
      assert.equal(headers['cache-control'], 'no-store');
    });

    it('is there for who has yet to sign in', async () => {
      for (const url of ['/', '/app.js']) assert.equal(await statusOf(open.app, 'GET', url), 200, url);
    });

    it('is in its folder only', async () => {
      assert.equal(await statusOf(local.app, 'GET', '/app.js'), 200);
      for (const url of [
        '/.secret',
        '/../package.json',
        '/..%2fpackage.json',
        '/%2e%2e/package.json',
        '/app.js%00',
        '/\\..\\x',
      ])
        assert.ok([400, 403, 404].includes(await statusOf(local.app, 'GET', url)), url);
    });
  });
});
