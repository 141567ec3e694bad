import assert from 'node:assert/strict';
import { learningRates, scheduleOptions } from '../../../kernel/train/learning-rate.ts';

type Given = Parameters<typeof scheduleOptions.parse>[0];

/** Rates of all steps, or of the first step of every epoch. */
const rates = (given: Given, epochs: number, stepsPerEpoch: number): number[] => {
  const rate = learningRates(scheduleOptions.parse(given), 0.1, epochs, stepsPerEpoch);
  return Array.from({ length: epochs * stepsPerEpoch }, (_, step) => rate(step));
};
const close = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${i}: ${value}, not ${expected[i]}`));
};

describe('learning rate', () => {
  it('falls at milestones, between epochs', () => {
    const schedule = { kind: 'milestones', milestones: [2, 3], gamma: 0.5 };
    close(rates(schedule, 4, 2), [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]);
  });
  it('reads milestones below 1 as shares: 60 and 80 of 100 epochs by default', () => {
    const all = rates({ kind: 'milestones' }, 100, 1);
    close([all[59]!, all[60]!, all[79]!, all[80]!, all[99]!], [0.1, 0.01, 0.01, 0.001, 0.001]);
  });
  it('stays where there are no milestones', () => {
    close(rates({ kind: 'milestones', milestones: [] }, 3, 1), [0.1, 0.1, 0.1]);
  });
  it('follows a cosine down to the final share', () => {
    const half = (x: number) => 0.5 * (1 + Math.cos(Math.PI * x));
    close(
      rates({ kind: 'cosine' }, 2, 2),
      [0, 0.25, 0.5, 0.75].map(x => 0.1 * half(x)),
    );
    close(rates({ kind: 'cosine', final: 0.2 }, 1, 2), [0.1, 0.1 * (0.2 + 0.8 * 0.5)]);
  });
  it('falls along a line to its last share', () => {
    close(rates({ kind: 'linear', final: 0.2 }, 2, 2), [0.1, 0.08, 0.06, 0.04]);
    close(rates({ kind: 'linear', warmup: 1 }, 2, 2), [0.05, 0.1, 0.1, 0.05]);
  });
  it('rises linearly in the warm-up, and the cosine begins after it', () => {
    close(rates({ kind: 'cosine', warmup: 1 }, 2, 4), [
      0.025,
      0.05,
      0.075,
      0.1,
      0.1,
      ...[0.25, 0.5, 0.75].map(x => 0.05 * (1 + Math.cos(Math.PI * x))),
    ]);
    close(
      rates({ kind: 'milestones', milestones: [1], warmup: 0.5 }, 2, 4),
      [0.05, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01],
    );
  });
});
