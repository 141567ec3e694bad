import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../../../plugins/platform/run.ts';
import { shortLease } from '../worker/fixture.ts';
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

onEachDatabase('stopped workers', (open, kind) => {
  it('one that is stopped past its lease, and continued', async () => {
    const site = await open();
    const first = await site.start();
    const plan = steppedPlan({ seeds: [1] });
    await site.submit(plan);
    const run = await site.withinEpoch('base');
    first.signal('SIGSTOP');
    did('stopped the worker (SIGSTOP), not its training process');
    if (kind === 'postgres') {
      await site.start();
      await site.watch.until(runs => runs[0]!.attempt === 2);
      did('its run was given to another worker');
    } else {
      // the database is in the process that does not run: no time passes that it could see
      await sleep(1000 * (shortLease.heartbeat + 2));
    }
    first.signal('SIGCONT');
    did('continued it');
    const runs = await endsAsUsual(site, plan);
    assert.ok(first.alive);
    if (kind === 'postgres') {
      assert.equal(runs[0]!.attempt, 2);
      const dropped = new RegExp(`run ${run.id}, attempt 1: dropped: `);
      await until(() => first.said.some(line => dropped.test(line)));
      did(first.said.find(line => dropped.test(line))!);
    }
  });

  it('two of four that race for 400 runs, killed', async function () {
    this.timeout(1_800_000);
    const site = await open();
    const child = new URL('./trivial-child.mjs', import.meta.url).href;
    const made = path.join(site.folder, 'made');
    await writeFile(made, '');
    const start = (workers: number) => site.start({ child, workers, env: { FAULTS_MADE: made } });
    // of the embedded database there is one process, which has all four
    const processes = kind === 'postgres' ? [] : [await start(4)];
    const seeds = Array.from({ length: 400 }, (_, i) => i);
    await site.submit(steppedPlan({ protocol: { name: 'none', base: null }, seeds }));
    if (kind === 'postgres') processes.push(...(await Promise.all([1, 1, 1, 1].map(start))));
    const doneRuns = (runs: readonly Run[]) => runs.filter(({ state }) => state === 'done').length;
    let killed = 0;
    for (const after of [50, 150]) {
      await site.watch.until(runs => doneRuns(runs) >= after);
      await processes[killed]!.kill();
      killed++;
      did(`killed a process of workers after ${after} runs`);
      if (kind === 'pglite') processes.push(await start(4));
    }
    const runs = await site.watch.done();
    assert.equal(runs.length, 400);
    const states = await site.watch.events<{ state: string }>('state');
    const ends = states.filter(({ state }) => state === 'done').map(({ run }) => run);
    assert.equal(ends.length, 400, 'a run ended twice, or not at all');
    assert.equal(new Set(ends).size, 400);
    for (const { result, spec } of runs) assert.equal((result as { seed: number }).seed, spec.seeds[0]);
    const again = runs.filter(({ attempt }) => attempt > 1).length;
    // each of those that were killed had one run at most
    assert.ok(again <= (kind === 'postgres' ? 2 : 8), `${again} runs were made again`);
    const starts = (await readFile(made, 'utf8')).trim().split('\n').length;
    did(`400 runs done once each; ${again} were given out twice, ${starts} trainings were begun`);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}
