import assert from 'node:assert/strict';
import fc from 'fast-check';
import { estimateOf, type Workload } from '../../../kernel/bench/estimate.ts';
import { protocolSchema } from '../../../kernel/bench/protocol.ts';

const training = { epochs: 10, batch: 8 };
const protocol = protocolSchema.parse({
  name: 'test',
  base: training,
  sparsify: { ...training, epochs: 3, evaluateEvery: 0 },
  finetune: { ...training, epochs: 4, evaluateEvery: 2 },
  steps: 100,
  calibration: { batches: 2, batch: 8, every: 10 },
});
const workload: Workload = { protocol, train: 90, test: 30, seeds: 1, regularized: 0, runs: [] };

describe('estimate of a benchmark', () => {
  it('counts passes: a training, its evaluations at a third, runs at their speed-up', () => {
    assert.equal(estimateOf(1, workload).base, 10 * (90 + 10));
    assert.equal(estimateOf(1, { ...workload, seeds: 2, regularized: 3 }).sparsify, 3 * (3 * 90 + 10));
    const runs = [{ speedup: 2, data: false }];
    const { prune, finetune } = estimateOf(1, { ...workload, runs });
    assert.deepEqual([prune, finetune], [0, (4 * 90 + 2 * 10) / 2]);
  });

  it('looks at the data as often as the schedule does', () => {
    // Half of the units are a quarter of the multiply-adds: 50 of 100 steps, a look every 10.
    const { prune } = estimateOf(1, { ...workload, runs: [{ speedup: 4, data: true }] });
    assert.equal(prune, (5 * 16) / 2);
  });

  it('a model that is taken as it is, is scored once', () => {
    const { base } = estimateOf(1, { ...workload, protocol: { ...protocol, base: null } });
    assert.equal(base, 10);
  });

  it('adds what every training and run take however small they are', () => {
    const runs = [{ speedup: 2, data: false }];
    const of = (more: Partial<Workload>) => estimateOf(0, { ...workload, ...more });
    const { overhead: one, total } = of({});
    assert.ok(one > 0);
    assert.equal(total, one);
    assert.equal(of({ seeds: 2, regularized: 3, runs }).overhead, 6 * one);
    assert.equal(of({ protocol: { ...protocol, base: null }, runs }).overhead, one);
  });

  it('goes with the time of a step, and more work takes longer', () =>
    fc.assert(
      fc.property(
        fc.double({ min: 1e-4, max: 10, noNaN: true }),
        fc.array(fc.record({ speedup: fc.double({ min: 1, max: 8, noNaN: true }), data: fc.boolean() })),
        (seconds, runs) => {
          const steps = (perImage: number, more: Workload['runs'] = []) => {
            const { total, overhead } = estimateOf(perImage, { ...workload, runs: [...runs, ...more] });
            return total - overhead;
          };
          assert.ok(Math.abs(steps(seconds) - seconds * steps(1)) <= 1e-9 * seconds * steps(1));
          assert.ok(steps(1, [{ speedup: 2, data: false }]) > steps(1));
        },
      ),
    ));
});
