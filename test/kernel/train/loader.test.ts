import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import ts from 'typescript';
import type { BatchOptions } from '../../../kernel/plugin.ts';
import { memorySplit, type MemorySplitOptions } from '../../../kernel/train/loader.ts';
import { collect, tinyImages, withFolder } from './tiny.ts';

const augment = { pad: 1, flip: true };
const split = (options: Partial<MemorySplitOptions> = {}) => memorySplit({ ...tinyImages(22), augment, ...options });
const bytes = async (options: BatchOptions, worker = false) =>
  (await collect(split({ worker }).batches(options))).map(({ size, images, targets }) => [
    size,
    Buffer.from(images.buffer).toString('base64'),
    [...targets],
  ]);
const training: BatchOptions = { batch: 5, seed: 7, epoch: 2, shuffle: true, augment: true };

describe('loader', () => {
  it('gives all images in order without shuffling', async () => {
    const batches = await collect(split().batches({ batch: 8 }));
    assert.deepEqual(
      batches.map(b => [b.size, b.images.length]),
      [
        [8, 8 * 72],
        [8, 8 * 72],
        [6, 6 * 72],
      ],
    );
    const { images, labels } = tinyImages(22);
    assert.deepEqual(
      batches.flatMap(b => [...b.targets]),
      [...labels],
    );
    assert.equal(batches[1]!.images[3], Math.fround((images[8 * 72 + 3]! / 255 - 0.4) / 0.2));
  });
  it('shuffles images with their labels', async () => {
    const { images, labels } = tinyImages(22);
    const batches = await collect(split().batches({ ...training, augment: false }));
    const rows = batches.flatMap(b =>
      [...b.targets].map((t, i) => `${t}:${b.images.slice(i * 72, i * 72 + 72).join()}`),
    );
    const normal = (i: number) => Float32Array.from(images.slice(i * 72, i * 72 + 72), v => (v / 255 - 0.4) / 0.2);
    const expected = [...labels].map((t, i) => `${t}:${normal(i).join()}`);
    assert.notDeepEqual(rows, expected);
    assert.deepEqual(rows.sort(), expected.sort());
  });
  it('follows seed and epoch', async () => {
    const first = await bytes(training);
    assert.deepEqual(await bytes(training), first);
    assert.notDeepEqual(await bytes({ ...training, epoch: 3 }), first);
    assert.notDeepEqual(await bytes({ ...training, seed: 8 }), first);
  });
  it('changes an image in the same way in batches of any size', async () => {
    const pixels = async (batch: number) =>
      (await collect(split().batches({ ...training, batch }))).flatMap(({ images }) => [...images]);
    assert.deepEqual(await pixels(3), await pixels(22));
  });
  it('leaves out the last batch if asked to', async () => {
    assert.deepEqual(
      (await bytes({ ...training, dropLast: true })).map(([size]) => size),
      [5, 5, 5, 5],
    );
    assert.equal((await bytes({ batch: 11, dropLast: true })).length, 2);
  });
  it('gives the same bytes from a thread', async () => {
    assert.deepEqual(await bytes(training, true), await bytes(training, false));
    assert.deepEqual(await bytes({ batch: 4, dropLast: true }, true), await bytes({ batch: 4, dropLast: true }));
  });
  it('gives the same bytes where it was built to JavaScript', () =>
    withFolder(async folder => {
      const root = new URL('../../../', import.meta.url);
      for (const file of [
        'random',
        ...['assemble', 'augment', 'batches', 'loader', 'loader-worker', 'shared-memory', 'thread'].map(
          name => `train/${name}`,
        ),
      ]) {
        const source = await readFile(new URL(`kernel/${file}.ts`, root), 'utf8');
        const { outputText } = ts.transpileModule(source, {
          compilerOptions: {
            target: ts.ScriptTarget.ES2022,
            module: ts.ModuleKind.ESNext,
            rewriteRelativeImportExtensions: true,
          },
        });
        await mkdir(join(folder, 'train'), { recursive: true });
        await writeFile(join(folder, `${file}.js`), outputText);
      }
      await writeFile(join(folder, 'package.json'), '{"type":"module"}');
      const given = { ...tinyImages(22), augment };
      await writeFile(
        join(folder, 'run.js'),
        `import { memorySplit } from './train/loader.js';
        const { images, labels, ...rest } = ${JSON.stringify({ ...given, images: [...given.images], labels: [...given.labels] })};
        const split = memorySplit({ images: Uint8Array.from(images), labels: Int32Array.from(labels), ...rest, worker: true });
        const all = [];
        for await (const { size, images, targets } of split.batches(${JSON.stringify(training)}))
          all.push([size, Buffer.from(images.buffer).toString('base64'), [...targets]]);
        console.log(JSON.stringify(all));`,
      );
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'run.js')]);
      assert.deepEqual(JSON.parse(stdout), await bytes(training));
    }));
  it('ends the thread when its reader stops early', async () => {
    const threads: Worker[] = [];
    const note = (worker: Worker) => threads.push(worker);
    process.on('worker', note);
    for await (const { size } of split({ worker: true }).batches(training)) {
      assert.equal(size, 5);
      assert.ok(threads[0]!.threadId > 0);
      break;
    }
    process.off('worker', note);
    assert.deepEqual(
      threads.map(worker => worker.threadId),
      [-1],
    );
  });
  it('does not keep the process alive when its reader goes away', async () => {
    const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
    const script = `
      const { memorySplit } = await import(${url('../../../kernel/train/loader.ts')});
      const { tinyImages } = await import(${url('./tiny.ts')});
      const batches = memorySplit({ ...tinyImages(22), worker: true }).batches({ batch: 2 })[Symbol.asyncIterator]();
      console.log((await batches.next()).value.size);`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ]);
    assert.equal(stdout, '2\n');
  });
  it('reports an error of the thread', async () => {
    const broken = memorySplit({ ...tinyImages(4), augment: null as never, worker: true });
    await assert.rejects(collect(broken.batches({ batch: 2, augment: true })), /^Error: loader thread: .*null/);
  });
  for (const worker of [false, true])
    it(`stops with the signal's reason ${worker ? 'from a thread' : 'in place'}`, async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      let seen = 0;
      await assert.rejects(async () => {
        for await (const _ of split({ worker }).batches({ ...training, signal: controller.signal }))
          if (++seen === 2) controller.abort(reason);
      }, reason);
      assert.equal(seen, 2);
      await assert.rejects(collect(split({ worker }).batches({ ...training, signal: controller.signal })), reason);
    });
  it("stops with the signal's reason while it waits for a thread", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = collect(split({ worker: true }).batches({ ...training, signal: controller.signal }));
    controller.abort(reason);
    await assert.rejects(first, reason);
  });
  it('refuses what does not agree', () => {
    assert.throws(() => split({ labels: new Int32Array(21) }), /21 images of \[6, 6, 2\] are 1512 bytes, got 1584/);
    assert.throws(() => split({ mean: [0.5] }), /2 channels, mean has 1/);
    assert.throws(() => split({ deviation: [1, 1, 1] }), /2 channels, deviation has 3/);
    assert.throws(() => split().batches({ batch: 0 }), /batch is 0, must be a positive whole number/);
    assert.throws(() => split().batches({ batch: 2.5 }), /batch is 2.5/);
  });
});
