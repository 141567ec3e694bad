import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { graphDigest, readCheckpoint, writeCheckpoint, type Checkpoint } from '../../../kernel/train/checkpoint.ts';
import { encodeSafetensors } from '../../../kernel/safetensors.ts';
import { writeAtomically } from '../../../kernel/train/write-atomically.ts';
import { tinyGraph, withFolder } from './tiny.ts';

const tensors = new Map([
  ['a', { shape: [2, 2], values: Float32Array.of(1, -2, 3.5, 1e-30) }],
  ['none', { shape: [0, 3], values: new Float32Array(0) }],
  ['scalar', { shape: [], values: Float32Array.of(7) }],
]);
const checkpoint: Checkpoint<{ step: number }> = { identity: { seed: 1 }, state: { step: 3 }, tensors };

describe('checkpoint', () => {
  it('reads what it wrote', () =>
    withFolder(async folder => {
      const path = join(folder, 'deep', 'last.safetensors');
      await writeCheckpoint(path, checkpoint);
      assert.deepEqual(await readCheckpoint(path, checkpoint.identity), checkpoint);
    }));
  it('is absent where there is no file', () =>
    withFolder(async folder => assert.equal(await readCheckpoint(join(folder, 'no'), {}), undefined)));
  it('is refused where it is no safetensors file', () =>
    withFolder(async folder => {
      const path = join(folder, 'last');
      await fs.writeFile(path, 'text that is longer than eight bytes');
      await assert.rejects(readCheckpoint(path, {}), /^Error: checkpoint .*last: .*safetensors/);
    }));
  it('is refused where a value was changed, or the format is another', () =>
    withFolder(async folder => {
      const path = join(folder, 'last');
      await writeCheckpoint(path, checkpoint);
      const bytes = await fs.readFile(path);
      bytes[bytes.length - 1]! ^= 1;
      await fs.writeFile(path, bytes);
      await assert.rejects(
        readCheckpoint(path, checkpoint.identity),
        /last: damaged, SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}/,
      );
      await fs.writeFile(path, encodeSafetensors(tensors, { format: 'other' }));
      await assert.rejects(
        readCheckpoint(path, checkpoint.identity),
        /format is other, expected pruningbench-checkpoint-1/,
      );
    }));
  it('is refused where it is of another run', () =>
    withFolder(async folder => {
      const path = join(folder, 'last');
      await writeCheckpoint(path, checkpoint);
      await assert.rejects(readCheckpoint(path, { seed: 2 }), /of another run: seed is 1 there, 2 here/);
      await assert.rejects(readCheckpoint(path, {}), /seed is 1 there, absent here/);
    }));
  it('knows graphs apart by structure and values', () => {
    const digests = [tinyGraph(), tinyGraph(2), tinyGraph(1, 5), { ...tinyGraph(), outputs: ['pool'] }].map(
      graphDigest,
    );
    assert.equal(new Set(digests).size, 4);
    assert.equal(graphDigest(tinyGraph()), digests[0]);
  });
});

describe('atomic writing', () => {
  const crash = new Error('power cut');
  it('leaves the old file where it breaks before the renaming, and works the next time', () =>
    withFolder(async folder => {
      const path = join(folder, 'file');
      await writeAtomically(path, Buffer.from('old'));
      const files = { open: fs.open, rename: () => Promise.reject(crash) };
      await assert.rejects(writeAtomically(path, Buffer.from('new'), files), crash);
      assert.equal(await fs.readFile(path, 'utf8'), 'old');
      assert.deepEqual(await fs.readdir(folder), ['file']);
      await writeAtomically(path, Buffer.from('newer'));
      assert.equal(await fs.readFile(path, 'utf8'), 'newer');
      assert.deepEqual(await fs.readdir(folder), ['file']);
    }));
  it('of two at once each writes a file of its own, and the last one stays', () =>
    withFolder(async folder => {
      const path = join(folder, 'file');
      async function* slowly() {
        yield Buffer.from('one, ');
        await writeAtomically(path, Buffer.from('another'));
        assert.equal(await fs.readFile(path, 'utf8'), 'another');
        yield Buffer.from('whole');
      }
      await writeAtomically(path, slowly());
      assert.equal(await fs.readFile(path, 'utf8'), 'one, whole');
      assert.deepEqual(await fs.readdir(folder), ['file']);
    }));
  it('removes what a writer of the file left that died long ago, and nothing else', () =>
    withFolder(async folder => {
      const leftover = (name: string) => `${name}.${'0'.repeat(36)}.tmp`;
      const names = ['file.tmp', leftover('file'), leftover('file.other'), 'file.kept.tmp', leftover('other')];
      const long = new Date(Date.now() - 7_200_000);
      for (const name of names) {
        await fs.writeFile(join(folder, name), '');
        await fs.utimes(join(folder, name), long, long);
      }
      const young = `file.${'1'.repeat(36)}.tmp`;
      await fs.writeFile(join(folder, young), '');
      await writeAtomically(join(folder, 'file'), Buffer.from('text'));
      assert.deepEqual(
        (await fs.readdir(folder)).sort(),
        ['file', 'file.kept.tmp', leftover('file.other'), leftover('other'), young].sort(),
      );
    }));
  it('flushes before it renames', () =>
    withFolder(async folder => {
      const calls: string[] = [];
      const path = join(folder, 'file');
      const open = (async (...given: Parameters<typeof fs.open>) => {
        const file = await fs.open(...given);
        const sync = file.sync.bind(file);
        file.sync = () => (calls.push('sync'), sync());
        return file;
      }) as typeof fs.open;
      const rename: typeof fs.rename = (from, to) => (calls.push('rename'), fs.rename(from, to));
      await writeAtomically(path, Buffer.from('text'), { open, rename });
      assert.deepEqual(calls.slice(0, 2), ['sync', 'rename']);
    }));
});
