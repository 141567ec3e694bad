import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { defineCriterion } from '../../../kernel/plugin.ts';
import { scoringOf } from '../../../kernel/prune/prune.ts';
import { line, temporary } from './run.ts';

const folder = 'test/kernel/cli/fixtures';
const cpu = '--backend cpu';

describe('plugins of one file', () => {
  it('are checked against what all of their kind must do', async () => {
    const { code, out } = await line(`check-plugin ${folder}/own.ts ${cpu}`);
    assert.match(out, /criterion largest\n {2}ok {4}residual: one finite score per unit/);
    assert.match(out, /model two-layers\n {2}ok {4}is for a task there is/);
    // Its split takes no heed of the epoch.
    assert.match(out, /fails order and augmentation .*: another epoch gives the same images/);
    assert.equal(out.match(/fails/g)!.length, 1);
    assert.equal(code, 1);
  });

  it('a check that fails says what was wrong, in JSON too', async () => {
    const { code, out, err } = await line(`check-plugin ${folder}/broken.ts ${cpu} --json`);
    const [result] = JSON.parse(out) as { id: string; error: string }[];
    assert.equal(result!.id, 'greedy');
    assert.match(result!.error, /^group0 keeps 0 of \d+ units$/);
    assert.match(err, /broken.ts: 1 of 1 checks fail/);
    assert.equal(code, 1);
  });

  it('can be named where the built-in ones can', async () => {
    const plugin = `--plugin ${folder}/own.ts`;
    const { out } = await line(`methods ${plugin} --json`);
    const { criteria, strategies } = JSON.parse(out) as Record<string, { id: string }[]>;
    assert.ok(criteria!.some(({ id }) => id === 'largest') && strategies!.some(({ id }) => id === 'halves'));
    const method = '--criterion largest --strategy halves --speedup 1.5';
    const pruned = await line(`prune ${plugin} --model two-layers ${method} ${cpu} --json`);
    assert.deepEqual([pruned.code, pruned.err], [0, '']);
    const train = await line(
      `train --plugin=${folder}/own.ts --model two-layers --dataset still --epochs 1 ${cpu} --json`,
    );
    assert.equal(train.code, 0, train.err);
  });

  const refused: [typed: string, message: RegExp][] = [
    ['methods --plugin nowhere.ts', /plugin nowhere.ts: there is no such file/],
    ['methods --plugin no-such-package', /plugin no-such-package: Cannot find package 'no-such-package'/],
    ['methods --plugin zod', /plugin zod: exports nothing made by defineCriterion/],
    [
      `methods --plugin ${folder}/own.ts --plugin ${folder}/own.ts`,
      /plugin .*own.ts: there is a .* (largest|halves|nothing|still|two-layers) already/,
    ],
  ];
  for (const [typed, message] of refused)
    it(`refuses: ${typed}`, async () => {
      const { code, err } = await line(typed);
      assert.match(err, message);
      assert.equal(code, 1);
    });

  it('a file that does not parse is refused, though the compiler would guess what was meant', async () => {
    const folder = temporary();
    try {
      const file = folder.path('cut-off.ts');
      writeFileSync(
        file,
        "import { defineCriterion } from 'pruningbench';\nexport default defineCriterion({ id: 'bad' );\n",
      );
      const { code, err } = await line(`check-plugin ${file} ${cpu}`);
      assert.match(err, /cut-off\.ts:2:\d+: .*(expected|Expected)/);
      assert.equal(code, 1);
    } finally {
      folder.remove();
    }
  });

  it('parts that a plugin of its kind does not have are refused, and ways to put scores together that are not there', () => {
    const wrong = { id: 'x', element: Math.abs, normalise: 'none' };
    assert.throws(() => defineCriterion(wrong as never), /criterion x: no part normalise \(did you mean normalize\?\)/);
    const criterion = defineCriterion({ id: 'x', element: Math.abs, normalize: 'maen' as never });
    assert.throws(() => scoringOf(criterion), /criterion x: no normalization maen \(did you mean mean\?\)/);
  });

  it('names that the command line could not tell apart from options are refused', () => {
    for (const id of ['a+b', 'a,b', 'a b', 'a:b', ''])
      assert.throws(() => defineCriterion({ id, element: Math.abs }), /a name is letters, digits/);
    assert.throws(
      () => defineCriterion({ id: 'x', element: Math.abs, options: {} as never }),
      /criterion x: its options are no zod schema/,
    );
  });
});
