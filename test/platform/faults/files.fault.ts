import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { random } from '../../../kernel/random.ts';
import { artifactKey } from '../../../plugins/platform/store/store.ts';
import { did, endsAsUsual, onEachDatabase, steppedPlan, type Site } from './site.ts';

/** A file system of a size, such as `1m`; undefined, and a printed reason, where one cannot be mounted. */
function mounted(folder: string, size: string): ((size: string) => void) | undefined {
  const mount = (...options: string[]) => spawnSync('mount', [...options, folder], { encoding: 'utf8' });
  const { status, stderr, error } = mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs');
  if (status === 0) return size => void mount('-o', `remount,size=${size}`);
  console.log(`        skipped: no file system can be mounted here: ${error?.message ?? stderr.trim()}`);
  return undefined;
}

onEachDatabase('full disks', open => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) {
      spawnSync('umount', ['-l', folder]);
      await rm(folder, { recursive: true });
    }
  });

  for (const [whose, use] of [
    ["a worker's", (folder: string) => ({ folder: join(folder, 'worker') })],
    ['that of the store', (folder: string) => ({ store: join(folder, 'store') })],
  ] as const)
    it(`${whose}, when a checkpoint is written`, async function () {
      const site = await open();
      const folder = await mkdtemp(join(tmpdir(), 'pruningbench-small-'));
      folders.push(folder);
      const resize = mounted(folder, '1m');
      if (!resize) return this.skip();
      await site.start(use(folder));
      const plan = steppedPlan({ seeds: [3] });
      await site.submit(plan);
      const [base, pruned] = await site.watch.until(
        runs => runs.every(({ state }) => state === 'failed'),
        () => true,
      );
      did(`failed: ${base!.reason}`);
      assert.match(base!.reason!, /ENOSPC|no space left/);
      assert.match(pruned!.reason!, /whose model it begins with, failed: .*(ENOSPC|no space left)/);
      assert.match(await site.watch.log(), /failed: .*(ENOSPC|no space left)/);
      resize('200m');
      did('made the disk larger');
      assert.equal(await site.retry(pruned!.id), 'waiting');
      await endsAsUsual(site, plan);
    });
});

/** The file of the last checkpoint of a run in the store, while nobody works. */
async function checkpointOf(site: Site, run: string): Promise<string> {
  // the embedded database is there with a process only
  const looking = await site.start({ workers: 0 });
  const [artifact] = await site.watch.sql<{ sha256: string }>(
    `select sha256 from pruningbench.artifacts where run = $1 and name like 'models/%/last.safetensors'`,
    [run],
  );
  await looking.stop();
  return join(site.folder, 'store', artifactKey(run, artifact!.sha256));
}

onEachDatabase('damaged checkpoints', open => {
  it('of the run itself: cut off, changed, gone', async () => {
    const site = await open();
    const plan = steppedPlan({ seeds: [3] });
    for (const damage of ['cut off', 'changed', 'gone'] as const) {
      const worker = await site.start();
      if (damage === 'cut off') await site.submit(plan);
      const { id } = await site.withinEpoch('base');
      await worker.stop();
      const file = await checkpointOf(site, id);
      const bytes = await readFile(file);
      if (damage === 'cut off') await truncate(file, bytes.length - 1000);
      else if (damage === 'gone') await rm(file);
      else {
        bytes[bytes.length - 1000]! ^= 1;
        await writeFile(file, bytes);
      }
      did(`stopped the worker; its checkpoint: ${damage}`);
    }
    await site.start();
    await endsAsUsual(site, plan);
    const log = await site.watch.log();
    for (const reason of [
      /left out: it has \d+ bytes, not \d+/,
      /left out: its checksum is wrong/,
      /left out: .* not in/,
    ])
      assert.match(log, reason);
  });

  it('of the run whose model it begins with', async () => {
    const site = await open();
    const plan = steppedPlan({ seeds: [3] });
    const worker = await site.start();
    await site.submit(plan);
    await site.withinEpoch('pruned');
    const [base] = await site.watch.all();
    await worker.stop();
    const file = await checkpointOf(site, base!.id);
    await truncate(file, 100);
    did('cut off the checkpoint of the base model');
    await site.start();
    await endsAsUsual(site, plan);
    assert.match(await site.watch.log(), /training: base model\n {2}again: the model of the run before is not there/);
  });
});

onEachDatabase('damaged data', open => {
  const before = process.env['PRUNINGBENCH_DATA'];
  afterEach(() => {
    if (before === undefined) delete process.env['PRUNINGBENCH_DATA'];
    else process.env['PRUNINGBENCH_DATA'] = before;
  });

  it('a file that is cut off, then one with a label that is none', async () => {
    const site = await open();
    const folder = join(site.folder, 'data', 'cifar-10-batches-bin');
    await mkdir(folder, { recursive: true });
    process.env['PRUNINGBENCH_DATA'] = join(site.folder, 'data');
    const source = random(0, 'damaged data');
    const records = (count: number) =>
      Buffer.concat(
        Array.from({ length: count }, (_, i) =>
          Uint8Array.from({ length: 3073 }, (_, at) => (at === 0 ? i % 10 : source.integer(256))),
        ),
      );
    const train = records(64);
    const file = join(folder, 'data_batch_1.bin');
    await writeFile(join(folder, 'test_batch.bin'), records(32));
    const mislabelled = Buffer.from(train);
    mislabelled[3073] = 10;
    await site.start();
    const plan = steppedPlan({ dataset: 'cifar10', datasetOptions: {} });
    for (const [bytes, reason] of [
      [
        train.subarray(0, -10),
        /cifar10: data_batch_1.bin has 196662 bytes, expected a multiple of the record size 3073/,
      ],
      [mislabelled, /cifar10: data_batch_1.bin, record 1: label is 10, expected less than 10/],
    ] as const) {
      await writeFile(file, bytes);
      const known = await site.watch.all();
      if (known.length === 0) await site.submit(plan);
      else await site.retry(known.at(-1)!.id);
      const [base] = await site.watch.until(
        runs => runs.every(({ state }) => state === 'failed'),
        () => true,
      );
      did(`failed: ${base!.reason}`);
      assert.match(base!.reason!, reason);
      assert.match(await site.watch.log(), reason);
    }
    await writeFile(file, train);
    did('repaired the file');
    await site.retry((await site.watch.all()).at(-1)!.id);
    await endsAsUsual(site, plan);
  });
});
