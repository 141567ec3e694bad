import assert from 'node:assert/strict';
import { temporary } from '../kernel/cli/run.ts';
import { tiny } from '../kernel/tiny-model.ts';
import {
  bench,
  checkPlugin,
  defineCriterion,
  leaderboards,
  load,
  submit,
  useBackend,
  verify,
} from '../../plugins/index.ts';

/** What a notebook's cells do, one after the other. */
describe('a criterion that was written in a cell', function () {
  this.timeout(120_000);
  const folder = temporary();
  after(() => folder.remove());

  it('goes through contract check, run, record, submission and verification', async () => {
    await useBackend('cpu');
    const variety = defineCriterion({ id: 'variety', element: weight => Math.abs(weight) ** 1.5 });
    const checks = await checkPlugin(variety);
    assert.ok(checks.rows.length > 3 && checks.rows.every(({ result }) => result === 'ok'));

    const data = await load('shapes', { train: 64, test: 32 });
    const training = { epochs: 1, batch: 32 };
    const records = await bench({
      model: tiny,
      data,
      methods: [variety],
      protocol: { name: 'short', base: training, finetune: training, steps: 20, latency: { repeats: 0 } },
      progress: () => {},
    });
    assert.deepEqual(records[0]!.configuration.dataset.options, { seed: 0, train: 64, test: 32, noise: 0.05 });

    const options = { plugins: [variety, tiny], leaderboards: folder.path() };
    const [entry] = await submit(records, { by: 'A. Name', division: 'open', recipe: 'short', ...options });
    assert.deepEqual(
      entry!.entry.plugins.map(({ kind, name }) => [kind, name]),
      [
        ['cell', 'criterion variety'],
        ['cell', 'model tiny'],
      ],
    );
    const { outcome, differences } = await verify(entry!, options);
    assert.equal(outcome, 'reproduced');
    assert.deepEqual(
      differences.filter(({ what }) => what !== 'commit'),
      [],
    );
    const [row] = (await leaderboards(folder.path())).rows;
    assert.deepEqual([row!['method'], row!['status'], row!['by']], ['variety', 'reproduced', 'A. Name']);

    // The same name, but other code.
    const other = defineCriterion({ id: 'variety', element: weight => Math.abs(weight) });
    const again = await verify(entry!, { ...options, plugins: [other, tiny], write: false });
    assert.equal(again.differences[0]!.what, 'plugin criterion variety');
    assert.notEqual(again.outcome, 'reproduced');
  });

  it('is run again where its function was changed, though its record is there', async () => {
    await useBackend('cpu');
    const data = await load('shapes', { train: 64, test: 32 });
    const training = { epochs: 1, batch: 32 };
    const told: string[] = [];
    const run = (element: (weight: number) => number) =>
      bench({
        model: tiny,
        data,
        methods: ['lamp', defineCriterion({ id: 'changing', element })],
        protocol: { name: 'short', base: training, finetune: null, steps: 20, latency: { repeats: 0 } },
        out: folder.path('run'),
        progress: () => {},
        onAgain: reason => told.push(reason),
      });
    const [lamp, first] = await run(weight => Math.abs(weight));
    assert.deepEqual(await run(weight => Math.abs(weight)), [lamp, first]);
    assert.deepEqual(told, []);
    const [same, second] = await run(weight => 1 / (1 + Math.abs(weight)));
    assert.deepEqual(same, lamp);
    assert.equal(second!.id, first!.id);
    assert.notDeepEqual(second!.groups, first!.groups);
    assert.match(told.join(), /^changing, protected-global, 2x is made again: .* other code of criterion changing$/);
  });

  it('that breaks the contract is told with its failure', async () => {
    const broken = defineCriterion({ id: 'broken', element: () => NaN });
    await assert.rejects(checkPlugin(broken), /criterion broken: \d of \d checks fail; residual: /);
  });

  it('that has the name of another is refused, as on the command line', async () => {
    const again = defineCriterion({ id: 'lamp', element: Math.abs });
    await assert.rejects(checkPlugin(again), /^Error: there is a criterion lamp already$/);
  });
});
