import assert from 'node:assert/strict';
import type { Worker } from 'node:worker_threads';
import type { BatchOptions } from '../../../kernel/plugin.ts';
import { sampledSplit } from '../../../kernel/train/sampled.ts';
import { beside } from '../../../kernel/train/thread.ts';
import { collect } from './tiny.ts';

const split = ({ threads = 2, broken = -1, size = 23 } = {}) =>
  sampledSplit<{ broken: number }, number, readonly number[]>({
    size,
    shape: [1, 1, 3],
    module: beside(import.meta.url, './numbered-samples'),
    source: { broken },
    collate: targets => targets,
    threads,
  });
const batches = async (options: BatchOptions, threads?: number) =>
  (await collect(split(threads === undefined ? {} : { threads }).batches(options))).map(
    ({ size, images, targets }) => ({
      size,
      images: [...images],
      targets: [...targets],
    }),
  );
const training: BatchOptions = { batch: 5, seed: 7, epoch: 2, shuffle: true, augment: true };

describe('sampled split', () => {
  it('gives all images in order without shuffling, with their targets', async () => {
    const all = await batches({ batch: 4 });
    assert.deepEqual(
      all.map(({ size }) => size),
      [4, 4, 4, 4, 4, 3],
    );
    const indices = Array.from({ length: 23 }, (_, i) => i);
    assert.deepEqual(
      all.flatMap(({ images }) => images),
      indices.flatMap(i => [i, 0, 0]),
    );
    assert.deepEqual(
      all.flatMap(({ targets }) => targets),
      indices.map(i => 10 * i),
    );
  });
  it('gives the same with any number of threads', async () => {
    const one = await batches(training, 1);
    assert.deepEqual(await batches(training, 3), one);
    assert.deepEqual(await batches({ ...training, dropLast: true }, 2), one.slice(0, 4));
  });
  it('makes a sample from seed, epoch and index alone', async () => {
    const rows = async (options: BatchOptions) => {
      const values = (await batches(options)).flatMap(({ images }) => images);
      const all = Array.from({ length: 23 }, (_, i) => values.slice(3 * i, 3 * i + 3));
      return { order: all.map(([index]) => index), sorted: all.sort((a, b) => a[0]! - b[0]!) };
    };
    const first = await rows(training);
    const larger = await rows({ ...training, batch: 9, shuffle: false });
    assert.deepEqual(larger.sorted, first.sorted);
    assert.notDeepEqual((await rows({ ...training, seed: 8 })).order, first.order);
    assert.notDeepEqual((await rows({ ...training, epoch: 3 })).order, first.order);
    assert.notDeepEqual((await rows({ ...training, seed: 8 })).sorted, first.sorted);
  });
  it('gives what is before an image that cannot be made, then its error', async () => {
    const seen: number[] = [];
    const reading = async () => {
      for await (const { targets } of split({ broken: 13 }).batches({ batch: 5 })) seen.push(...targets);
    };
    await assert.rejects(reading(), /^Error: image 13 cannot be decoded$/);
    assert.equal(seen.length, 10);
  });
  it('ends its threads when its reader stops early or the signal aborts', async () => {
    const threads: Worker[] = [];
    const note = (worker: Worker) => threads.push(worker);
    process.on('worker', note);
    for await (const { size } of split().batches(training)) {
      assert.equal(size, 5);
      break;
    }
    const controller = new AbortController();
    const reading = async () => {
      for await (const _ of split().batches({ ...training, signal: controller.signal }))
        controller.abort(new Error('stop'));
    };
    await assert.rejects(reading(), /^Error: stop$/);
    process.off('worker', note);
    assert.deepEqual(
      threads.map(worker => worker.threadId),
      [-1, -1, -1, -1],
    );
  });
  it('reports a module that does not load', async () => {
    const missing = sampledSplit({
      size: 2,
      shape: [1],
      module: beside(import.meta.url, './absent'),
      source: null,
      collate: targets => targets,
      threads: 1,
    });
    await assert.rejects(collect(missing.batches({ batch: 1 })), /^Error: loader thread: .*absent/);
  });
});
