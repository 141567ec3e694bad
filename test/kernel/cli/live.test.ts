import assert from 'node:assert/strict';
import { LiveLine } from '../../../kernel/cli/live.ts';

describe('a live line', () => {
  const logged = (steps: readonly [seconds: number, text: string, stage: string][], columns?: number, log = true) => {
    let [now, written] = [0, ''];
    const line = new LiveLine({ err: text => void (written += text), columns }, { log, now: () => 1000 * now });
    for (const [seconds, text, stage] of steps) {
      now = seconds;
      line.show(text, stage);
    }
    return written;
  };

  it('in a log has the first text, what a stage begins with that lasts, and one a minute', () =>
    assert.equal(
      logged([
        [0, 'a 0%', 'a'],
        [20, 'a 10%', 'a'],
        [61, 'a 20%', 'a'],
        [63, 'b 0%', 'b'],
        [64, 'c 0%', 'c'],
        [72, 'c 10%', 'c'],
        [100, 'c 50%', 'c'],
        [140, 'c 90%', 'c'],
      ]),
      'a 0%\na 20%\nc 10%\nc 90%\n',
    ));
  it('is written over on a terminal, cut to its width', () =>
    assert.equal(
      logged(
        [
          [0, 'abcdef', 'a'],
          [1, 'xyz', 'a'],
        ],
        5,
      ),
      '\r\x1b[Kabcd\r\x1b[Kxyz',
    ));
  it('is nothing where there is neither', () => assert.equal(logged([[0, 'a', 'a']], undefined, false), ''));
});
