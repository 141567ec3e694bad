import assert from 'node:assert/strict';
import { planSchema } from '../../../kernel/bench/plan.ts';
import { protocols } from '../../../kernel/bench/protocols.ts';
import type { RunDetail } from '../../../plugins/platform/api.ts';
import { delta, differing, measuresOf, settingsOf } from '../../../plugins/platform/web/compare/comparison.ts';
import { beside, paperTable } from '../../../plugins/platform/web/leaderboards/boards.ts';
import { curveOfCsv, curveOfEvents, curveOfRecord } from '../../../plugins/platform/web/run/curves.ts';
import { entryRows, paperRows, records } from './material.ts';

const plan = (changes: object) =>
  planSchema.parse({ model: 'resnet18', dataset: 'shapes', methods: ['lamp'], protocol: protocols.quick, ...changes });
const run = (changes: object, record: RunDetail['record'] = null) => ({
  plan: plan(changes),
  resources: 'cpu' as const,
  record,
});

describe('comparison of runs', () => {
  it('has the settings that differ, and no others', () => {
    const other = structuredClone(plan({}).protocol);
    other.finetune!.epochs = 7;
    const settings = [run({}), run({ speedups: [4], modelOptions: { width: 0.5 } }), run({ protocol: other })].map(
      settingsOf,
    );
    assert.deepEqual(differing(settings), [
      { name: 'speedup', values: ['2', '4', '2'] },
      { name: 'protocol.finetune.epochs', values: [3, 3, 7] },
      { name: 'model.width', values: [undefined, 0.5, undefined] },
    ]);
    assert.deepEqual(differing([settings[0]!, settings[0]!]), []);
  });

  it('names the machine only where machines differ', () => {
    const [first, second] = records;
    const elsewhere = structuredClone(second!);
    elsewhere.provenance.hardware.cpu = 'another';
    const names = (list: ReturnType<typeof run>[]) => differing(list.map(settingsOf)).map(({ name }) => name);
    assert.deepEqual(names([run({}, first!), run({})]), [], 'one that is not done has no machine yet');
    assert.ok(names([run({}, first!), run({}, elsewhere)]).includes('hardware.cpu'));
  });

  it('measures what records say', () => {
    const [first, second] = records;
    const measures = measuresOf([run({}, first!), run({}), run({}, second!)]);
    const values = (name: string) => measures.find(one => one.name === name)!.values;
    assert.deepEqual(values('score'), [
      100 * first!.pruned.scores['accuracy']!,
      null,
      100 * second!.pruned.scores['accuracy']!,
    ]);
    assert.deepEqual(values('speed-up in multiply-adds')[0], first!.base.macs / first!.pruned.macs);
    assert.deepEqual(values('latency, batch 16')[2], second!.latency[1]!.pruned);
    assert.deepEqual(measuresOf([run({})]), []);
  });

  it('has points as differences of scores, and percent as those of the rest', () => {
    assert.equal(delta({ unit: '%', values: [90, 92.5] }, 1, 0), 2.5);
    assert.equal(delta({ unit: 'ms', values: [4, 3] }, 1, 0), -25);
    assert.equal(delta({ unit: 'ms', values: [4, 3] }, 0, 0), null);
    assert.equal(delta({ unit: 'ms', values: [null, 3] }, 1, 0), null);
    assert.equal(delta({ unit: 'count', values: [0, 3] }, 1, 0), null);
  });
});

describe('curves of a run', () => {
  it('of a record follow one another', () => {
    const [record] = records;
    const points = curveOfRecord(record!);
    assert.deepEqual(
      points.map(({ at }) => at),
      points.map((_, i) => i + 1),
    );
    assert.deepEqual([...new Set(points.map(({ stage }) => stage))], ['base', 'finetune']);
    assert.equal(points.at(-1)!.score, record!.pruned.scores['accuracy']);
  });

  it('have each epoch once, as the last attempt told it', () => {
    const epoch = (attempt: number, epoch: number, loss: number, stage = 'finetune') => ({
      ...{ stage, epoch, loss, learningRate: 0.1, seconds: 1, at: '2026-01-01T00:00:00.000Z', attempt },
    });
    const told = [epoch(1, 1, 3, 'base'), epoch(1, 1, 2), epoch(1, 2, 1.5), epoch(2, 2, 1.4), epoch(2, 3, 1)];
    const points = curveOfEvents(told);
    assert.deepEqual(
      points.map(({ at, stage, epoch, loss, score }) => [at, stage, epoch, loss, score]),
      [
        [1, 'base', 1, 3, null],
        [2, 'finetune', 1, 2, null],
        [3, 'finetune', 2, 1.4, null],
        [4, 'finetune', 3, 1, null],
      ],
    );
    const csv = [
      '"attempt",stage,epoch,loss,learningRate,score,seconds,at',
      ...told.map(({ attempt, stage, epoch, loss, at }) => [attempt, `"${stage}"`, epoch, loss, 0.1, '', 1, at].join()),
    ].join('\r\n');
    assert.deepEqual(curveOfCsv(csv), points);
    assert.deepEqual(curveOfCsv(''), []);
  });
});

describe("leaderboards beside the paper's", () => {
  it('join methods at the speed-ups that both have', () => {
    const theirs = paperRows.filter(({ model, dataset }) => model === 'resnet18' && dataset === 'cifar100');
    const rows = beside(entryRows, theirs);
    assert.deepEqual([...new Set(rows.map(({ speedup }) => speedup))], [2, 4]);
    const lamp = rows.find(({ method, speedup }) => method === 'lamp' && speedup === 2)!;
    assert.equal(lamp.own!.source, 'entries');
    assert.equal(lamp.published!.source, 'paper');
    const methods = new Set(theirs.map(({ method }) => method));
    assert.equal(rows.length, 2 * methods.size, 'each method of the paper is there once');
  });

  it('are held against the same network where there is one', () => {
    const paper = (model: string, dataset: string) => ({ model, dataset, sources: ['paper' as const] });
    const papers = [paper('vgg19', 'cifar100'), paper('resnet18', 'imagenet'), paper('resnet18', 'cifar100')];
    assert.equal(paperTable(paper('resnet18', 'imagenet'), papers), papers[1]);
    assert.equal(paperTable(paper('resnet18 x0.125', 'shapes'), papers), papers[2]);
    assert.equal(paperTable(paper('densenet121', 'shapes'), papers), papers[0]);
  });
});
