import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../../../kernel/random.ts';
import { shortLease } from '../worker/fixture.ts';
import { did, endsAsUsual, onEachDatabase, steppedPlan, usual } from './site.ts';

onEachDatabase('ends of runs', open => {
  it('cancelled while queued, while running, and about when they are done', async () => {
    const site = await open();
    const made = join(site.folder, 'made');
    await writeFile(made, '');
    const child = new URL('./trivial-child.mjs', import.meta.url).href;
    await site.start({ child, env: { FAULTS_MADE: made } });
    const seeds = Array.from({ length: 40 }, (_, i) => i);
    await site.submit(steppedPlan({ protocol: { name: 'none', base: null }, seeds }));
    const source = random(0, 'cancel');
    const all = await site.watch.all();
    const queued = all.filter(({ position }) => position >= 30);
    for (const { id } of queued) assert.equal(await site.cancel(id), 'cancelled');
    did('cancelled 10 that were queued');
    for (const { id } of all.filter(({ position }) => position < 30)) {
      await site.watch.until(runs => runs.find(run => run.id === id)!.state !== 'queued');
      await sleep(source.integer(1500));
      await site.cancel(id);
    }
    const runs = await site.watch.until(runs => runs.every(({ state }) => state === 'done' || state === 'cancelled'));
    const states = await site.watch.events<{ state: string }>('state');
    for (const { id, state, result, cancelling } of runs) {
      const own = states.filter(({ run }) => run === id).map(({ state }) => state);
      const ends = own.filter(state => state === 'done' || state === 'cancelled');
      assert.deepEqual([ends, result !== null, cancelling], [[state], state === 'done', false]);
      if (queued.some(run => run.id === id)) assert.deepEqual(own, ['cancelled']);
    }
    const done = runs.filter(({ state }) => state === 'done').length;
    did(`cancelled 30 at some moment of their time: ${done} were done before, ${30 - done} were not`);
  });

  it('longer than the cap of a ticket', async function () {
    // long enough for several tickets, however slow the machine is
    this.timeout(1_800_000);
    const plan = steppedPlan({
      seeds: [4],
      datasetOptions: { train: 512, test: 32 },
      protocol: { name: 'long', base: { epochs: 12, batch: 8 } },
    });
    const { seconds } = await usual(plan);
    const cap = Math.ceil(Math.max(8, seconds / 2));
    did(`the base model alone takes ${seconds.toFixed(0)} s; tickets are good for ${cap} s`);
    const site = await open({ ...shortLease, cap });
    await site.start({ every: 2 });
    await site.submit(plan);
    const [base] = await endsAsUsual(site, plan);
    assert.ok(base!.attempt >= 2);
    const states = await site.watch.events<{ state: string; reason?: string; run: string }>('state');
    const again = states.filter(({ run, state, reason }) => run === base!.id && state === 'queued' && reason);
    assert.ok(again.length >= 1);
    for (const { reason } of again) assert.equal(reason, 'it goes on under another ticket');
  });
});
