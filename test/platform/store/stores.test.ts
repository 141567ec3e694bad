import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openStore } from '../../../plugins/platform/store/open.ts';
import { artifactKey, type Store } from '../../../plugins/platform/store/store.ts';
import { pythonWith } from '../../python.ts';
import { S3Server } from '../s3.ts';

describe('stores', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pruningbench-stores-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const kind of ['folder', 's3'] as const)
    describe(kind, () => {
      let store: Store;
      let server: S3Server | undefined;
      const before_ = { ...process.env };
      before(async function () {
        if (kind === 'folder') return void (store = await openStore(join(folder, 'store')));
        const python = pythonWith('moto, flask');
        if (!python) return this.skip();
        server = await S3Server.start(python);
        Object.assign(process.env, server.env());
        store = await openStore('s3://tests/some/prefix');
      });
      after(async () => {
        process.env = before_;
        await server?.stop();
      });
      const file = async (bytes: Uint8Array) => {
        const path = join(folder, 'file');
        await writeFile(path, bytes);
        return path;
      };

      it('gives back what it was given', async () => {
        const bytes = Buffer.alloc(3_000_000, 'some bytes ');
        await store.put(artifactKey('run', 'a'), await file(bytes));
        const copy = join(folder, 'copy');
        await store.get(artifactKey('run', 'a'), copy);
        assert.ok(bytes.equals(await readFile(copy)));
        assert.ok(bytes.equals(await buffer(await store.read(artifactKey('run', 'a')))));
        await store.put('empty', await file(new Uint8Array()));
        assert.equal((await buffer(await store.read('empty'))).length, 0);
      });

      it('puts what is new in the place of what is old', async () => {
        await store.put('same', await file(Buffer.from('old')));
        await store.put('same', await file(Buffer.from('new')));
        assert.equal((await buffer(await store.read('same'))).toString(), 'new');
      });

      it('lists what begins with a text', async () => {
        const path = await file(Buffer.from('x'));
        for (const key of ['runs/one/b', 'runs/one/a', 'runs/two/a', 'runsome']) await store.put(key, path);
        assert.deepEqual(await store.list('runs/one/'), ['runs/one/a', 'runs/one/b']);
        assert.deepEqual(await store.list('runs/o'), ['runs/one/a', 'runs/one/b']);
        assert.deepEqual(await store.list('nothing/'), []);
      });

      it('removes, and says where there is nothing', async () => {
        await store.put('gone', await file(Buffer.from('x')));
        await store.remove('gone');
        await store.remove('gone');
        await assert.rejects(store.read('gone'), { name: 'NotStored' });
        await assert.rejects(store.read('gone'), /nothing is stored under gone/);
        await assert.rejects(store.get('gone', join(folder, 'gone')), { name: 'NotStored' });
        assert.ok(!(await readdir(folder)).includes('gone'));
      });

      it('refuses what is no key', async () => {
        for (const key of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.b', 'a b', 'a\\b'])
          await assert.rejects(store.read(key), /is no key/, key);
      });
    });

  it('takes the same from many at once', async () => {
    const store = await openStore(join(folder, 'many'));
    const path = join(folder, 'file');
    const bytes = Buffer.alloc(1_000_000, 1);
    await writeFile(path, bytes);
    let done = false;
    const puts = Promise.all(Array.from({ length: 8 }, () => store.put('same', path))).then(() => (done = true));
    // whoever reads sees all of it
    while (!done) {
      const read = await store.read('same').then(buffer, (error: unknown) => {
        assert.equal((error as Error).name, 'NotStored');
        return bytes;
      });
      assert.ok(read.equals(bytes));
    }
    await puts;
    assert.deepEqual(await store.list(''), ['same']);
  });

  it('leaves no part of a file whose source breaks off', async () => {
    const store = await openStore(join(folder, 'broken'));
    await assert.rejects(store.put('a/b', join(folder, 'no such file')), /ENOENT/);
    // opened, but not read
    await assert.rejects(store.put('a/b', folder), /EISDIR/);
    assert.deepEqual(await store.list(''), []);
    assert.deepEqual(await readdir(join(folder, 'broken', 'a')), []);
  });

  it('refuses what is no store', async () => {
    await assert.rejects(openStore('gs://bucket'), /gs is none of s3:\/\/bucket\/prefix and a folder/);
    await assert.rejects(openStore('s3://'), /nothing is no name of a bucket/);
    await assert.rejects(openStore('s3://Bucket/x'), /Bucket is no name of a bucket/);
    const path = join(folder, 'in-the-way');
    await writeFile(path, '');
    await assert.rejects(openStore(path), /a file is in the way/);
  });
});
