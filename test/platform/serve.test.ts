import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../plugins/platform/database/open.ts';
import { Tokens } from '../../plugins/platform/tokens.ts';
import { EventStream } from './event-stream.ts';

const bin = fileURLToPath(new URL('../../dist/plugins/bin.js', import.meta.url));

interface Serving {
  readonly child: ChildProcess;
  /** What it printed first. */
  readonly line: string;
  /** What it said on standard error so far. */
  said(): string;
  /** Sends a signal; the exit code it ends with. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

describe('pruningbench serve', function () {
  this.timeout(120_000);
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'pruningbench-serve-test-'))));
  afterEach(async () => {
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    await rm(folder, { recursive: true, force: true });
  });

  const start = (...more: string[]) => {
    const child = spawn(
      process.execPath,
      [bin, 'serve', '--data', join(folder, 'data'), '--port', '0', '--no-worker', ...more],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: folder } },
    );
    children.push(child);
    return child;
  };
  const serve = async (...more: string[]): Promise<Serving> => {
    const child = start(...more);
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`it ended: ${said}`)));
    ended.catch(() => {});
    const [line] = (await Promise.race([once(createInterface(child.stdout!), 'line'), ended])) as [string];
    return {
      child,
      line,
      said: () => said,
      async end(signal) {
        const exit = once(child, 'exit');
        child.kill(signal);
        const [code] = (await exit) as [number | null];
        return code;
      },
    };
  };
  /** That it has left nothing open: the folder can be opened, and has what was put there. */
  const opens = async (tokens: number) => {
    await assert.rejects(access(join(folder, 'data', 'database', 'lock')), { code: 'ENOENT' });
    const database = await openDatabase({ folder: join(folder, 'data', 'database') });
    try {
      assert.equal((await new Tokens(database).list()).length, tokens);
    } finally {
      await database.close();
    }
    assert.deepEqual(
      (await readdir(folder)).filter(name => name.startsWith('pruningbench-serve')),
      [],
      'its temporary folder is gone',
    );
  };

  it('serves this machine only, one process a folder, ends cleanly at either signal, and comes back after a crash', async () => {
    const first = await serve();
    assert.match(first.line, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal((await fetch(first.line)).status, 200);
    const { port } = new URL(first.line);
    const others = Object.values(networkInterfaces()).flatMap(list => (list ?? []).filter(({ internal }) => !internal));
    for (const { address, family } of others) {
      if (family !== 'IPv4') continue;
      const [error] = (await once(connect({ host: address, port: Number(port) }), 'error').catch((error: unknown) => [
        error,
      ])) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ECONNREFUSED', address);
    }

    const second = start();
    let said = '';
    second.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    assert.deepEqual(await once(second, 'exit'), [1, null]);
    assert.match(said, new RegExp(`data/database is in use by process ${first.child.pid};`));
    assert.equal((await fetch(`${first.line}api/health`)).status, 200);

    const made = await fetch(`${first.line}api/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'kept', scopes: ['read'] }),
    });
    assert.equal(made.status, 201);
    // nobody who watches holds it up
    const stream = new EventStream(`${first.line}api/events`);
    await stream.opened();
    assert.equal(await first.end('SIGTERM'), 0);
    await stream.ended();
    await opens(1);

    // one that dies leaves its lock, which holds nobody up
    await (await serve()).end('SIGKILL');
    await access(join(folder, 'data', 'database', 'lock'));
    for (const name of await readdir(folder)) if (name !== 'data') await rm(join(folder, name), { recursive: true });
    const again = await serve();
    assert.equal(await again.end('SIGINT'), 0);
    await opens(1);
    assert.equal(first.said().split('\n').length, 2, first.said());
  });

  it('asks for a token where a proxy lets others in', async () => {
    const { line, end } = await serve('--allow-host', 'lab.example');
    const [url, token] = line.split('#token=');
    assert.match(token!, /^pb_/);
    assert.equal((await fetch(`${url}api/runs`)).status, 401);
    await end('SIGTERM');
  });

  it('prints a token once where others can reach it', async function () {
    if (
      !Object.values(networkInterfaces())
        .flat()
        .some(address => address?.family === 'IPv6')
    ) {
      console.log('        skipped: this machine has no IPv6');
      return this.skip();
    }
    // not named as this machine's own, but no other can reach it
    const host = ['--host', '::ffff:127.0.0.1'];
    const first = await serve(...host);
    const [, url, token] = /^(http:\/\/\[::ffff:127\.0\.0\.1\]:\d+\/)#token=(pb_[\w-]{43})$/.exec(first.line)!;
    const api = url!.replace('[::ffff:127.0.0.1]', '127.0.0.1');
    const status = async (path: string, headers = {}) => (await fetch(`${api}${path}`, { headers })).status;
    assert.deepEqual(
      [await status(''), await status('api/runs'), await status('api/tokens', { authorization: `Bearer ${token}` })],
      [200, 401, 200],
    );
    assert.equal(await first.end('SIGTERM'), 0);
    assert.ok(!first.said().includes(token!.slice(3)));
    const again = await serve(...host);
    assert.match(again.line, /^http:\/\/\[::ffff:127\.0\.0\.1\]:\d+\/$/);
    const { port } = new URL(again.line);
    const answer = await fetch(`http://127.0.0.1:${port}/api/runs`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200);
    assert.equal(await again.end('SIGTERM'), 0);
    assert.match(again.said(), /a token is asked for: those made before are good/);
    await opens(1);
  });
});
