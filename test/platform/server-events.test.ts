import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { NewEvent } from '../../plugins/platform/run.ts';
import { databaseKinds } from './databases.ts';
import { EventStream } from './event-stream.ts';
import { ask, claim, finish, planOf, serversOf, type TestServer } from './servers.ts';

const log = (from: number, to: number, text = ''): NewEvent[] =>
  Array.from({ length: to - from }, (_, i) => ({ kind: 'log', data: { line: `${from + i}${text}` } }));

for (const kind of databaseKinds)
  describe(`live events on ${kind}`, function () {
    this.timeout(120_000);
    const start = serversOf(kind);
    let server: TestServer;
    let url: string;
    const streams: EventStream[] = [];
    const listen = (path: string, headers: Record<string, string> = {}) => {
      const stream = new EventStream(`${url}/api${path}`, headers);
      streams.push(stream);
      return stream;
    };
    before(async () => {
      server = await start();
      url = await server.app.listen({ host: '127.0.0.1', port: 0 });
    });
    afterEach(() => streams.splice(0).forEach(stream => stream.close()));
    const submit = (seeds = [0]) =>
      ask(server.app, 'POST', '/submissions', { title: 'live', plans: [planOf({ seeds })] });
    const linesOf = ({ events }: EventStream) =>
      events.filter(({ event }) => event === 'log').map(({ data }) => Number.parseInt((data as { line: string }).line));
    const numbers = (to: number) => Array.from({ length: to }, (_, i) => i);
    const isLine = (n: number) => (event: { event: string; data: { line?: string } }) =>
      event.event === 'log' && Number.parseInt(event.data.line!) === n;

    it('tells everything of a run, from its beginning, in order and once, however late one comes', async () => {
      await submit([1]);
      const { run, ticket } = await claim(server);
      await server.runs.report(run, undefined, log(0, 3));
      const early = listen(`/runs/${run.id}/events`);
      assert.equal((await early.opened()).headers['content-type'], 'text/event-stream');
      await early.find(isLine(2));
      assert.equal(early.events[0]!.event, 'run');
      // more than is read at once
      await server.runs.report(run, { stage: 'base', fraction: 0.5 }, log(3, 1503));
      await early.find(isLine(1502));
      const late = listen(`/runs/${run.id}/events`);
      await late.find(isLine(1502));
      await server.runs.report(run, undefined, [
        { kind: 'epoch', data: { stage: 'base', epoch: 1, loss: 2, learningRate: 0.1, seconds: 1 } },
      ]);
      await server.runs.finish(run, ticket, { state: 'done', result: {} });
      for (const stream of [early, late]) {
        await stream.find(({ event, data }) => event === 'run' && data.state === 'done');
        assert.deepEqual(linesOf(stream), numbers(1503));
        assert.equal(stream.events.filter(({ event }) => event === 'epoch').length, 1);
        const ids = stream.events.map(({ id }) => Number(id));
        assert.deepEqual(
          ids,
          [...new Set(ids)].sort((a, b) => a - b),
          'ids grow',
        );
      }
    });

    it('goes on from the last event that was heard', async () => {
      await submit([2]);
      const { run } = await claim(server);
      await server.runs.report(run, undefined, log(0, 10));
      const first = listen(`/runs/${run.id}/events`);
      const { id } = await first.find(isLine(6));
      first.close();
      await server.runs.report(run, undefined, log(10, 12));
      for (const again of [
        listen(`/runs/${run.id}/events`, { 'last-event-id': id }),
        listen(`/runs/${run.id}/events?after=${id}`),
      ]) {
        await again.find(isLine(11));
        assert.equal(again.events[0]!.event, 'run');
        assert.deepEqual(linesOf(again), [7, 8, 9, 10, 11]);
      }
    });

    it('tells watchers of all runs of new submissions and of how each run is in the end', async () => {
      const watchers = [listen('/events'), listen('/events')];
      for (const watcher of watchers) await watcher.opened();
      const { body } = await submit([3, 4]);
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) ids.push((await finish(server)).id);
      for (const watcher of watchers) {
        await watcher.find(({ event, data }) => event === 'submission' && data.id === body.id);
        for (const id of ids)
          await watcher.find(({ event, data }) => event === 'run' && data.id === id && data.state === 'done');
      }
      // who comes again has missed something
      const again = listen('/events', { 'last-event-id': watchers[0]!.events.at(-1)!.id });
      assert.equal((await again.find(() => true)).event, 'reload');
    });

    it('says where there is no such run', async () => {
      assert.equal((await listen('/runs/0123456789ab/events').opened()).statusCode, 404);
    });

    it('are told by every server of the database', async () => {
      const { database, queue, runs, store } = server;
      const other = await start({ database, queue, runs, store });
      const stream = new EventStream(`${await other.app.listen({ host: '127.0.0.1', port: 0 })}/api/events`);
      await stream.opened();
      await submit([4]);
      const { run, ticket } = await claim(server);
      await stream.find(({ event, data }) => event === 'run' && data.id === run.id && data.state === 'running');
      assert.equal((await ask(other.app, 'POST', `/runs/${run.id}/cancel`, {})).status, 200);
      assert.deepEqual(await runs.report(run, undefined, []), { cancelling: true });
      await runs.finish(run, ticket, { state: 'cancelled' });
      stream.close();
    });

    it('ends all streams when the server ends', async () => {
      const other = await start();
      const address = await other.app.listen({ host: '127.0.0.1', port: 0 });
      const stream = new EventStream(`${address}/api/events`);
      await stream.opened();
      await other.app.close();
      await stream.ended();
    });
  });

describe('slow watchers', function () {
  this.timeout(120_000);
  const start = serversOf('pglite');

  it('are waited for without memory, hinder nobody and are counted', async () => {
    const server = await start({ limits: { watchers: 3 } });
    const sockets: Socket[] = [];
    server.app.server.on('connection', socket => sockets.push(socket));
    const url = await server.app.listen({ host: '127.0.0.1', port: 0 });
    await ask(server.app, 'POST', '/submissions', { title: 'slow', plans: [planOf()] });
    const { run } = await claim(server);
    const slow: Socket[] = [];
    for (let i = 0; i < 2; i++) {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
      await once(socket, 'connect');
      socket.write(`GET /api/runs/${run.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await once(socket, 'data');
      socket.pause();
      slow.push(socket);
    }
    const quick = new EventStream(`${url}/api/runs/${run.id}/events`);
    await quick.opened();
    const full = await fetch(`${url}/api/events`);
    assert.equal(full.status, 503);
    assert.equal(full.headers.get('retry-after'), '30');
    // some 20 MB for each, of which the system's buffers hold a part
    const text = 'x'.repeat(4000);
    for (let i = 0; i < 10; i++) await server.runs.report(run, undefined, log(500 * i, 500 * (i + 1), text));
    await quick.find(({ event, data }) => event === 'log' && Number.parseInt(data.line as string) === 4999);
    for (const { writableLength } of sockets) assert.ok(writableLength < 2 ** 20, `${writableLength} bytes wait`);
    assert.ok(slow.every(({ bytesRead }) => bytesRead < 2 ** 20));
    // who reads at last has missed nothing
    let last = '';
    const [socket] = slow as [Socket, Socket];
    socket.setEncoding('utf8');
    await new Promise<void>(resolve => {
      socket.on('data', (chunk: string) => {
        last = (last + chunk).slice(-20_000);
        if (last.includes('"line":"4999')) resolve();
      });
      socket.resume();
    });
    quick.close();
    slow.forEach(one => one.destroy());
  });
});
