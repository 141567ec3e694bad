import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { did, endsAsUsual, onEachDatabase, steppedPlan } from './site.ts';

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

onEachDatabase('lost workers', open => {
  for (const kind of ['base', 'pruned'] as const)
    it(`one that is killed within an epoch of a ${kind} run`, async () => {
      const site = await open();
      const first = await site.start();
      const plan = steppedPlan();
      await site.submit(plan);
      const run = await site.withinEpoch(kind);
      const [child] = await first.children();
      await first.kill();
      did(`killed the worker (SIGKILL) after its checkpoint at a step within an epoch`);
      while (alive(child!)) await sleep(20);
      did('its training process has ended with it');
      await site.start();
      const runs = await endsAsUsual(site, plan);
      assert.equal(runs.find(({ id }) => id === run.id)!.attempt, 2);
      // the epoch that was over is not trained again
      const epochs = await site.watch.events<{ stage: string; epoch: number; run: string }>('epoch');
      const own = epochs.filter(({ run: id, stage }) => id === run.id && stage !== 'prune');
      assert.deepEqual(new Set(own.map(({ epoch }) => epoch)), new Set([1, 2]));
    });

  it('a training process that is killed, as one without memory is', async () => {
    const site = await open();
    const worker = await site.start();
    const plan = steppedPlan();
    await site.submit(plan);
    const run = await site.withinEpoch('base');
    const [child] = await worker.children();
    process.kill(child!, 'SIGKILL');
    did('killed the training process (SIGKILL)');
    const runs = await endsAsUsual(site, plan);
    assert.equal(runs[0]!.id, run.id);
    assert.equal(runs[0]!.attempt, 2);
    assert.match(await site.watch.log(), /to be gone on with: the training process ended by SIGKILL/);
  });
});
