import assert from 'node:assert/strict';
import { reporter, type TrainingProgress } from '../../../kernel/train/progress.ts';

describe('progress', () => {
  it('leaves out what comes within a tenth of a second, not what must be seen, and estimates the rest', () => {
    let now = 0;
    const seen: TrainingProgress[] = [];
    const report = reporter(
      p => seen.push(p),
      { epochs: 2, steps: 20, from: 4 },
      () => now,
    );
    for (const [time, step, always] of [
      [1000, 5, false],
      [1050, 6, false],
      [1099, 7, true],
      [1150, 8, false],
      [3000, 10, false],
    ] as const) {
      now = time;
      report({ epoch: 1, step, loss: 1, learningRate: 0.1 }, always);
    }
    assert.deepEqual(
      seen.map(p => p.step),
      [5, 7, 10],
    );
    // Six steps in three seconds, ten are left.
    assert.equal(seen[2]!.secondsLeft, 5);
  });
});
