import { planSchema } from '../../../kernel/bench/plan.ts';
import { protocols } from '../../../kernel/bench/protocols.ts';
import { Fixture } from './fixture.ts';

// The page to look at, with runs that are done, that go on and that have failed: `npx tsx test/platform/web/demo.ts`.

/** Fills a fixture with something of everything; returns ids by what they are. */
export async function fill(fixture: Fixture) {
  const common = { model: 'resnet18', modelOptions: { width: 0.125 }, dataset: 'shapes', protocol: protocols.quick };
  const grid = fixture.submit({
    title: 'Three criteria on shapes',
    plans: [
      planSchema.parse({ ...common, methods: ['magnitude-l2', 'lamp', 'random'], speedups: [2, 4], seeds: [0, 1] }),
    ],
  });
  for (const id of fixture.idsOf(grid.id, 'base')) {
    fixture.begin(id);
    for (let epoch = 1; epoch <= 8; epoch++) fixture.epoch(id, 'base', epoch, 8, 0.94 - 0.8 * Math.exp(-epoch / 2));
    await fixture.finish(id);
  }
  const done = fixture.idsOf(grid.id, 'pruned');
  for (const id of done) {
    fixture.begin(id);
    for (let epoch = 1; epoch <= 3; epoch++) fixture.epoch(id, 'finetune', epoch, 3, 0.9 - 0.3 / epoch);
    await fixture.finish(id);
  }
  const second = fixture.submit({
    title: 'With a regularizer',
    plans: [
      planSchema.parse({
        ...common,
        methods: ['magnitude-l2 + group-norm', 'taylor', 'hrank', 'fpgm'],
        speedups: [2, 3],
      }),
    ],
  });
  const [base] = fixture.idsOf(second.id, 'base') as [string];
  fixture.begin(base);
  await fixture.finish(base);
  const [running, failed, cancelled] = fixture.idsOf(second.id, 'pruned').slice(1) as [string, string, string];
  fixture.begin(running);
  fixture.epoch(running, 'finetune', 1, 3, 0.71);
  fixture.begin(failed);
  fixture.epoch(failed, 'finetune', 1, 3, 0.22);
  fixture.fail(failed, 'the loss is NaN in epoch 2 of fine-tuning: a smaller learning rate may help');
  fixture.cancel(cancelled);
  return {
    grid: grid.id,
    second: second.id,
    base,
    done: done[0]!,
    several: done.slice(0, 5),
    running,
    failed,
    cancelled,
  };
}

if (process.argv[1]?.endsWith('demo.ts')) {
  const fixture = await Fixture.start(Number(process.env['PORT'] ?? 0));
  const { running } = await fill(fixture);
  console.log(`the page is at ${fixture.url}`);
  let epoch = 1;
  setInterval(() => {
    if (epoch < 40) fixture.epoch(running, 'finetune', ++epoch, 40, 0.9 - 0.5 / epoch);
  }, 4000);
}
