import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { startChild } from '../../../plugins/platform/worker/child-process.ts';
import { temporary } from '../../kernel/cli/run.ts';

describe('the process that trains', () => {
  const secrets = {
    PGPASSWORD: 'x',
    PGHOST: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    PRUNINGBENCH_DATABASE_URL: 'x',
    PRUNINGBENCH_TOKEN: 'x',
  };
  const folder = temporary();
  before(() => Object.assign(process.env, secrets));
  after(() => {
    for (const name of Object.keys(secrets)) delete process.env[name];
    folder.remove();
  });

  it('is not told what opens the database, the store and the server', async () => {
    const module = folder.path('child.mjs');
    await writeFile(module, 'process.send(Object.keys(process.env));');
    const child = startChild({ child: pathToFileURL(module).href });
    const [names] = (await once(child, 'message')) as [string[]];
    await once(child, 'exit');
    assert.ok(names.includes('PATH'));
    assert.deepEqual(
      names.filter(name => name in secrets),
      [],
    );
  });
});
