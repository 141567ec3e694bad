import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { graphDigest, readCheckpoint, writeCheckpoint, type Checkpoint } from '../../../kernel/train/checkpoint.ts';
import { decodeTensors, encodeTensors } from '../../../kernel/train/safetensors.ts';
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
  it('is a safetensors file', () => {
    const bytes = encodeTensors({ tensors, metadata: { hello: 'there' } });
    const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assert.equal(header % 8, 0);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header))), {
      __metadata__: { hello: 'there' },
      a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      none: { dtype: 'F32', shape: [0, 3], data_offsets: [16, 16] },
      scalar: { dtype: 'F32', shape: [], data_offsets: [16, 20] },
    });
    assert.equal(new DataView(bytes.buffer).getFloat32(8 + header + 8, true), 3.5);
  });
  it('is refused wherever it is cut off', () => {
    const bytes = encodeTensors({ tensors, metadata: {} });
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => decodeTensors(bytes.subarray(0, length), 'x'), /^Error: x: /, `${length} of ${bytes.length}`);
    assert.throws(
      () => decodeTensors(bytes.subarray(0, -1), 'x'),
      new RegExp(`scalar ends at byte ${bytes.length}, the file has ${bytes.length - 1}`),
    );
    assert.throws(() => decodeTensors(bytes.subarray(0, 5), 'x'), /5 bytes are no safetensors file/);
    assert.throws(() => decodeTensors(bytes.subarray(0, 20), 'x'), /header ends at byte \d+, the file has 20/);
  });
  it('is refused where it is something else', () => {
    const of = (header: string) => {
      const json = new TextEncoder().encode(header);
      const bytes = new Uint8Array(8 + json.length + 8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
      bytes.set(json, 8);
      return () => decodeTensors(bytes, 'x');
    };
    assert.throws(of('not JSON'), /x: the header is not JSON/);
    assert.throws(of('{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}'), /w is F16, only F32/);
    assert.throws(
      of('{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}'),
      /w of shape \[3\] has 8 bytes, needs 12/,
    );
  });
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
      await fs.writeFile(path, encodeTensors({ tensors, metadata: { format: 'other' } }));
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
      await writeAtomically(path, Buffer.from('newer'));
      assert.equal(await fs.readFile(path, 'utf8'), 'newer');
      assert.deepEqual(await fs.readdir(folder), ['file']);
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
