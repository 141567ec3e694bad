import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main } from '../../../kernel/cli/main.ts';
import { catalogue } from '../../../plugins/catalogue.ts';
import { commands } from '../../../plugins/platform/commands.ts';
import { openDatabase } from '../../../plugins/platform/database/open.ts';
import { keyboard, temporary } from '../../kernel/cli/run.ts';
import { PostgresServer } from '../postgres.ts';

describe('pruningbench worker', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporary>;
  beforeEach(() => (folder = temporary()));
  afterEach(() => folder.remove());

  const run = async (argv: readonly string[], io: Parameters<typeof main>[2] = {}) => {
    let [out, err] = ['', ''];
    const code = await main(
      ['worker', ...argv],
      catalogue,
      { env: {}, columns: undefined, ...io, out: text => void (out += text), err: text => void (err += text) },
      commands,
    );
    return { code, out, err };
  };

  it('joins, and leaves at an interrupt', async () => {
    const server = await PostgresServer.start();
    const keys = keyboard();
    const url = await server.database();
    const database = await openDatabase({ url });
    try {
      const argv = ['--database-url', url, '--store', folder.path('store'), '--folder', folder.path('own')];
      const ended = run([...argv, '--threads', '1'], keys);
      while (!keys.listening) await sleep(50);
      // its folder is its own
      const second = await run(argv, keyboard());
      assert.equal(second.code, 1);
      assert.match(second.err, /own is in use by process/);
      keys.press();
      const { code, out } = await ended;
      assert.equal(code, 0);
      const [, id] = /^worker (\S+): cpu runs of postgres:/.exec(out)!;
      const rows = await database.sql<{ id: string; resources: string; backend: string; stopped: Date | null }>(
        `select id, resources, about->>'backend' as backend, stopped from pruningbench.workers`,
      );
      assert.equal(rows.length, 1);
      assert.deepEqual([rows[0]!.id, rows[0]!.resources, rows[0]!.backend], [id, 'cpu', 'onnxruntime']);
      assert.ok(rows[0]!.stopped);
    } finally {
      await database.close();
      await server.remove();
    }
  });

  it('says what is missing or wrong, without the password', async () => {
    const cases: [string[], number, RegExp][] = [
      [[], 2, /no server and no database: give --server URL, or --database-url URL and --store/],
      [['--server', 'lab.example'], 2, /--server/],
      [['--server', 'ftp://lab.example'], 2, /--server/],
      [
        ['--server', 'http://127.0.0.1:9', '--store', 'x'],
        2,
        /--server and --database-url or --store exclude each other/,
      ],
      [
        ['--server', 'http://127.0.0.1:9', '--database-url', 'postgres://x:secret@127.0.0.1:1/x'],
        2,
        /--server and --database-url or --store exclude each other/,
      ],
      [
        ['--server', 'http://127.0.0.1:65533'],
        1,
        /http:\/\/127.0.0.1:65533: the server cannot be reached: .*ECONNREFUSED/,
      ],
      [['--database-url', 'postgres://x@127.0.0.1:1/x'], 2, /no store: give --store FOLDER/],
      [['--database-url', 'postgres://x@127.0.0.1:1/x', '--store', 'x', '--resources', 'tpu'], 2, /--resources/],
      [['--database-url', 'postgres://x@127.0.0.1:1/x', '--store', 'x', '--backend', 'onnxruntim'], 2, /onnxruntime/],
      [
        ['--database-url', 'postgres://x:secret@127.0.0.1:1/x', '--store', join(folder.path('store'))],
        1,
        /no PostgreSQL at postgres:\/\/x:\*\*\*@127.0.0.1:1\/x: .*ECONNREFUSED/,
      ],
    ];
    for (const [argv, code, message] of cases) {
      const { code: got, err } = await run(argv);
      assert.equal(got, code, err);
      assert.match(err, message);
      assert.doesNotMatch(err, /secret/);
    }
  });
});
