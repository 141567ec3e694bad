import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cifar10 } from '../../datasets/cifar10.ts';
import { cifar100 } from '../../datasets/cifar100.ts';
import type { CifarOptions } from '../../datasets/cifar.ts';
import { collect, withFolder } from '../kernel/train/tiny.ts';

type Given = Partial<CifarOptions>;
const load10 = (given: Given) => cifar10.load(cifar10.options.parse(given));
const load100 = (given: Given) => cifar100.load(cifar100.options.parse(given));

/** Records whose planes are filled with the number of the record, plus 0, 1, 2 for red, green, blue. */
const records = (...labels: readonly (readonly number[])[]): Buffer =>
  Buffer.concat(
    labels.map((label, i) =>
      Buffer.concat([Buffer.from(label), ...[0, 1, 2].map(c => Buffer.alloc(1024, 10 * i + c))]),
    ),
  );

async function withFiles<R>(
  files: Readonly<Record<string, Uint8Array | string>>,
  use: (path: string) => Promise<R>,
): Promise<R> {
  return withFolder(async path => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
    return use(path);
  });
}

const small = { 'data_batch_1.bin': records([3], [9]), 'test_batch.bin': records([0]) };
const refused = (files: Record<string, Uint8Array | string>, message: RegExp, load = load10) =>
  withFiles(files, path => assert.rejects(load({ path }), message));

describe('cifar', () => {
  it('reads records of planes as images of pixels', () =>
    withFiles({ ...small, 'batches.meta.txt': 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n' }, async path => {
      const data = await load10({ path });
      assert.deepEqual([data.train.size, data.test.size, data.shape], [2, 1, [32, 32, 3]]);
      assert.deepEqual(data.classes, [...'abcdefghij']);
      const [batch] = await collect(data.train.batches({ batch: 2 }));
      assert.deepEqual([...(batch!.targets as Int32Array)], [3, 9]);
      const mean = [0.4914, 0.4822, 0.4465];
      const deviation = [0.247, 0.2435, 0.2616];
      const normal = (byte: number, c: number) => Math.fround((byte / 255 - mean[c]!) / deviation[c]!);
      assert.deepEqual([...batch!.images.slice(3072 + 300, 3072 + 303)], [normal(10, 0), normal(11, 1), normal(12, 2)]);
    }));
  it('reads several files in the order of their numbers', () =>
    withFiles(
      { 'data_batch_10.bin': records([1]), 'data_batch_2.bin': records([2], [3]), 'test_batch.bin': records([0]) },
      async path => {
        const [batch] = await collect((await load10({ path })).train.batches({ batch: 9 }));
        assert.deepEqual([...(batch!.targets as Int32Array)], [2, 3, 1]);
      },
    ));
  it('takes the fine label of CIFAR-100', () =>
    withFiles({ 'train.bin': records([19, 99], [0, 7]), 'test.bin': records([1, 2]) }, async path => {
      const data = await load100({ path });
      const [batch] = await collect(data.train.batches({ batch: 2 }));
      assert.deepEqual([...(batch!.targets as Int32Array)], [99, 7]);
      assert.equal(data.classes.length, 100);
      assert.equal(data.classes[42], 'class 42');
    }));
  it('knows its samples by the SHA-256 of the files and the choice from them', () =>
    withFiles(small, async path => {
      const { checksum } = await load10({ path });
      assert.match(checksum, /^[0-9a-f]{64}$/);
      assert.equal((await load10({ path })).checksum, checksum);
      assert.notEqual((await load10({ path, train: 1 })).checksum, checksum);
      await writeFile(join(path, 'test_batch.bin'), records([1]));
      assert.notEqual((await load10({ path })).checksum, checksum);
    }));
  it('looks under PRUNINGBENCH_DATA', () =>
    withFolder(async root => {
      const before = process.env['PRUNINGBENCH_DATA'];
      process.env['PRUNINGBENCH_DATA'] = root;
      try {
        await assert.rejects(
          load10({}),
          /cifar10: no folder .*cifar10 or .*cifar-10-batches-bin; expected one with data_batch_1.bin .* and test_batch.bin/,
        );
        await mkdir(join(root, 'cifar-10-batches-bin'));
        for (const [name, bytes] of Object.entries(small))
          await writeFile(join(root, 'cifar-10-batches-bin', name), bytes);
        assert.equal((await load10({})).train.size, 2);
        delete process.env['PRUNINGBENCH_DATA'];
        await assert.rejects(
          load10({}),
          /cifar10: no folder given: set the option path .* to one with data_batch_1.bin/,
        );
        await assert.rejects(
          load100({}),
          /cifar100: no folder given: set the option path .* to one with train.bin and test.bin/,
        );
      } finally {
        if (before === undefined) delete process.env['PRUNINGBENCH_DATA'];
        else process.env['PRUNINGBENCH_DATA'] = before;
      }
    }));

  it('takes the first images of every class, as alike in number as there are', () =>
    withFiles({ ...small, 'data_batch_1.bin': records([0], [0], [0], [1], [1], [2]) }, async path => {
      const taken = async (given: Given) => {
        const [batch] = await collect((await load10({ path, ...given })).train.batches({ batch: 9 }));
        return [...(batch!.targets as Int32Array)];
      };
      assert.deepEqual(await taken({ train: 3 }), [0, 1, 2]);
      assert.deepEqual(await taken({ train: 5 }), [0, 0, 1, 1, 2]);
      assert.deepEqual(await taken({ train: 6 }), [0, 0, 0, 1, 1, 2]);
      assert.deepEqual(await taken({ train: 3, subset: 'random' }), [0, 1, 2]);
      await assert.rejects(taken({ train: 7 }), /cifar10 train: 7 images wanted, there are 6/);
    }));
  it('takes random ones by a seed', () =>
    withFiles({ ...small, 'data_batch_1.bin': records(...Array.from({ length: 20 }, () => [0])) }, async path => {
      const taken = async (seed: number) => {
        const data = await load10({ path, train: 5, subset: 'random', seed });
        return (await collect(data.train.batches({ batch: 1 }))).map(({ images }) => images[0]!);
      };
      assert.deepEqual(await taken(1), await taken(1));
      assert.notDeepEqual(await taken(1), await taken(2));
    }));

  describe('refuses', () => {
    it('a folder that is not there', () =>
      assert.rejects(load10({ path: '/no/such' }), /no folder \/no\/such; expected one with data_batch_1.bin/));
    it('a folder without its files', async () => {
      await refused({}, /no file like \^data_batch_.* in .*; expected data_batch_1.bin/);
      await refused({ 'data_batch_1.bin': records([1]) }, /no file like \^test_batch/);
      await refused(small, /cifar100: no file like \^train/, load100);
    });
    it('a file that is cut off', () =>
      refused(
        { ...small, 'data_batch_2.bin': records([1], [2]).subarray(0, -1) },
        /data_batch_2.bin has 6145 bytes, expected a multiple of the record size 3073/,
      ));
    it('an empty file', () =>
      refused(
        { ...small, 'test_batch.bin': '' },
        /test_batch.bin has 0 bytes, expected a multiple of the record size 3073/,
      ));
    it('the records of the other data set', async () => {
      await refused({ ...small, 'data_batch_1.bin': records([1, 1]) }, /has 3074 bytes, expected .* 3073/);
      await refused(
        { 'train.bin': records([1]), 'test.bin': records([1, 1]) },
        /train.bin has 3073 bytes, expected .* 3074/,
        load100,
      );
    });
    it('a label out of range', async () => {
      await refused(
        { ...small, 'test_batch.bin': records([9], [10]) },
        /test_batch.bin, record 1: label is 10, expected less than 10/,
      );
      await refused(
        { 'train.bin': records([20, 1]), 'test.bin': records([1, 1]) },
        /record 0: coarse label is 20, expected less than 20/,
        load100,
      );
      await refused(
        { 'train.bin': records([1, 1]), 'test.bin': records([1, 100]) },
        /test.bin, record 0: fine label is 100, expected less than 100/,
        load100,
      );
    });
    it('other names than classes', () =>
      refused({ ...small, 'batches.meta.txt': 'cat\ndog\n' }, /batches.meta.txt names 2 classes, expected 10/));
    it('wrong options', () => {
      assert.throws(() => cifar10.options.parse({ train: 0 }));
      assert.throws(() => cifar10.options.parse({ folder: 'x' }), /folder/);
    });
  });

  it('reads real images', async function () {
    const path = fileURLToPath(new URL('../../../shared/data/cifar10', import.meta.url));
    if (!existsSync(path)) {
      console.log('      skipped: the 7,000 images of CIFAR-10 are not beside this repository (shared/data/cifar10)');
      this.skip();
    }
    const data = await load10({ path });
    assert.deepEqual([data.train.size, data.test.size], [6000, 1000]);
    assert.equal(data.classes[8], 'ship');
    const count = Array<number>(10).fill(0);
    let sum = 0;
    for await (const { images, targets } of data.train.batches({ batch: 500 })) {
      for (const label of targets as Int32Array) count[label]!++;
      sum += images.reduce((a, b) => a + b, 0);
    }
    assert.ok(
      count.every(n => n > 400),
      count.join(),
    );
    // The mean over the whole training set is what images are normalised by.
    assert.ok(Math.abs(sum / (6000 * 3072)) < 0.05, `${sum / (6000 * 3072)}`);
  });
});
