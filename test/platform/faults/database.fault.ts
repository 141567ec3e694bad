import assert from 'node:assert/strict';
import { shortLease } from '../worker/fixture.ts';
import { did, endsAsUsual, onEachDatabase, steppedPlan } from './site.ts';

onEachDatabase('databases', (open, kind) => {
  it('one that crashes while a run is trained, and is started again', async () => {
    // it is back before a lease ends, however slow the machine is
    const site = await open(kind === 'postgres' ? { ...shortLease, heartbeat: 120 } : shortLease);
    const worker = await site.start();
    const plan = steppedPlan({ seeds: [2] });
    await site.submit(plan);
    for (const run of ['base', 'pruned'] as const) {
      await site.withinEpoch(run);
      if (site.server) {
        await site.server.stop('immediate');
        did('stopped PostgreSQL in immediate mode');
        await site.server.up();
        did('started it again');
      } else {
        // the embedded one goes with its process, and so does the training
        await worker.kill();
        did('killed the process with the embedded database');
        await site.start();
        did('started another on its folder');
        break;
      }
    }
    const runs = await endsAsUsual(site, plan);
    if (kind === 'postgres') {
      assert.deepEqual(
        runs.map(({ attempt }) => attempt),
        [1, 1],
      );
      assert.match(await site.watch.log(), /trying again until it is back/);
      const epochs = await site.watch.events<{ stage: string; epoch: number }>('epoch');
      const told = epochs.map(({ stage, epoch }) => `${stage} ${epoch}`);
      assert.deepEqual(
        told,
        ['base 1', 'base 2', 'finetune 1', 'finetune 2'],
        'an epoch was told twice, or not at all',
      );
    }
  });

  for (const days of [1, -1])
    it(`one whose clock jumps by ${days} day`, async () => {
      const site = await open();
      await site.start();
      const plan = steppedPlan({ seeds: [2] });
      await site.submit(plan);
      await site.withinEpoch('base');
      // seen from the database, a jump of the clock is that all it wrote down is so much older
      await site.watch.sql(
        `update pruningbench_queue.job set created_on = created_on - $1::interval, started_on = started_on - $1::interval,
           heartbeat_on = heartbeat_on - $1::interval, start_after = start_after - $1::interval,
           keep_until = keep_until - $1::interval`,
        [`${days} days`],
      );
      did(`moved the queue's times by ${-days} day, as a jump of its clock does`);
      const runs = await endsAsUsual(site, plan);
      did(`${runs[0]!.attempt} attempts at the base model`);
      assert.ok(runs[0]!.attempt <= 2);
    });

  for (const days of [1, -1])
    it(`a worker whose clock jumps by ${days} day`, async () => {
      const site = await open();
      const jump = `const real = Date.now, start = performance.now(), jump = ${days * 86_400_000};
        const now = () => real() + (performance.now() - start > 6000 ? jump : 0);
        globalThis.Date = class extends Date {
          constructor(...given) { given.length === 0 ? super(now()) : super(...given); }
          static now() { return now(); }
        };`;
      const url = `data:text/javascript,${encodeURIComponent(jump)}`;
      await site.start({ env: { NODE_OPTIONS: `--import="${url}"` } });
      const plan = steppedPlan({ seeds: [2] });
      await site.submit(plan);
      const runs = await endsAsUsual(site, plan);
      assert.deepEqual(
        runs.map(({ attempt }) => attempt),
        [1, 1],
      );
    });
});
