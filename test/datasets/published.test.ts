import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { publishedChecks } from '../../datasets/paper/inconsistencies.ts';
import { inconsistencies } from '../../datasets/paper/inconsistencies.ts';
import { parseRows, publishedRows, type PublishedRow } from '../../datasets/paper/published.ts';
import { criteriaAlone, partsOf } from '../../kernel/bench/analysis/result.ts';
import { find } from '../../kernel/catalogue.ts';
import { catalogue } from '../../plugins/catalogue.ts';

const rows = publishedRows();
const file = fileURLToPath(new URL('../../datasets/paper/leaderboards.csv', import.meta.url));
const lines = readFileSync(file, 'utf8').trim().split('\n');
const with_ = (change: (cells: string[]) => void, line = 2): string => {
  const cells = lines[line - 1]!.split(',');
  change(cells);
  return [lines[0], cells.join(',')].join('\n');
};

describe('published rows', () => {
  it('are all of the file, number by number', () => {
    assert.equal(rows.length, 339);
    for (const row of rows) {
      const [, , speedup, , , rank, base, score, delta, millions, percent, step, regularize] =
        lines[row.line - 1]!.split(',');
      const { printed } = row;
      assert.deepEqual(
        [row.speedup, printed.rank, row.base, row.score, printed.delta, printed.paramsMillions, row.paramsLeft],
        [speedup, rank, base, score, delta, millions, percent].map(Number),
      );
      assert.deepEqual(
        [row.stepSeconds, row.regularizerSeconds],
        [Number(step), regularize === '' ? null : Number(regularize)],
      );
      assert.equal(row.params, 1e6 * printed.paramsMillions);
    }
  });

  it('have names that the catalogue knows', () => {
    for (const { model, dataset, strategy, criterion, regularizer, method } of rows) {
      find('model', catalogue.models, model);
      find('dataset', catalogue.datasets, dataset);
      find('strategy', catalogue.strategies, strategy);
      find('criterion', catalogue.criteria, criterion);
      if (regularizer !== null) find('regularizer', catalogue.regularizers, regularizer);
      assert.deepEqual(partsOf({ method }), { criterion, regularizer });
    }
  });

  it('name every method of the catalogue', () => {
    const ids = (key: 'criterion' | 'regularizer') => [...new Set(rows.map(row => row[key]))].filter(id => id !== null);
    assert.deepEqual(ids('criterion').sort(), catalogue.criteria.map(({ id }) => id).sort());
    assert.deepEqual(ids('regularizer').sort(), catalogue.regularizers.map(({ id }) => id).sort());
  });

  it('have a regularizer time where they have a regularizer', () => {
    for (const row of rows) assert.equal(row.regularizer === null, row.regularizerSeconds === null);
    assert.equal(criteriaAlone(rows).length, 240);
  });

  for (const [what, change, message] of [
    ['an unknown method', cells => (cells[3] = 'Magnitude'), /line 2: importance is "Magnitude"/],
    ['an empty number', cells => (cells[7] = ''), /line 2: pruned_score is ""/],
    ['a score beyond 100', cells => (cells[7] = '783'), /line 2: pruned_score is "783"/],
    ['a time below 0', cells => (cells[11] = '-1'), /line 2: step_seconds is "-1"/],
  ] as [string, (cells: string[]) => void, RegExp][])
    it(`name line, column and value of ${what}`, () => assert.throws(() => parseRows(with_(change)), message));

  it('are found from the build', function () {
    const built = fileURLToPath(new URL('../../dist/datasets/paper/published.js', import.meta.url));
    assert.ok(existsSync(built), 'npm run build makes dist');
    const script = `import(${JSON.stringify(new URL(`file://${built}`).href)}).then(m => console.log(m.publishedRows().length))`;
    assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim(), '339');
  });

  it('are in the package', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    });
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
    assert.ok(files.some(({ path }) => path === 'datasets/paper/leaderboards.csv'));
  }).timeout(120_000);
});

describe('inconsistencies', () => {
  const found = inconsistencies(rows);
  const of = (check: keyof typeof publishedChecks) => found.filter(one => one.check === check);
  const sound = rows.filter(({ line }) => !found.some(one => one.lines.includes(line)));

  it('find the four deltas that contradict their scores', () =>
    assert.deepEqual(
      of('delta').map(({ lines, printed, otherwise }) => [lines[0], printed, otherwise]),
      [
        [62, '-0.69', '-0.71'],
        [175, '-33.954', '-33.934'],
        [209, '-10.664', '-10.644'],
        [214, '-11.192', '-11.092'],
      ],
    ));

  it('find what else is off', () => {
    assert.deepEqual(
      of('parameters').map(({ lines }) => lines[0]),
      [178, 234, 252, 255, 272, 333],
    );
    assert.deepEqual(
      of('rank').map(({ lines }) => lines),
      [
        [184, 185],
        [234, 235],
        [296, 297],
      ],
    );
    assert.deepEqual(
      of('tie').map(({ lines }) => lines),
      [
        [56, 57],
        [108, 109],
        [161, 162],
      ],
    );
    assert.deepEqual(
      of('growth').map(({ lines }) => lines),
      [
        [314, 290],
        [320, 304],
      ],
    );
    assert.deepEqual(
      of('twins').map(({ model }) => model),
      ['yolov8m', 'resnet50'],
    );
  });

  it('are none in sound rows', () => assert.deepEqual(inconsistencies(sound), []));

  const damaged = (change: (row: PublishedRow) => Partial<PublishedRow>) => {
    // One whose neighbours are far, so that a small change is one of a single number.
    const row = sound.find(({ line }) => line === 22)!;
    return inconsistencies(sound.map(one => (one === row ? { ...one, ...change(one) } : one)));
  };
  it('are as many as numbers are changed', () => {
    const cases: [string, (row: PublishedRow) => Partial<PublishedRow>][] = [
      ['delta', ({ printed }) => ({ printed: { ...printed, delta: printed.delta + 0.02 } })],
      ['delta', ({ printed }) => ({ printed: { ...printed, delta: -printed.delta } })],
      ['parameters', ({ paramsLeft }) => ({ paramsLeft: paramsLeft + 0.1 })],
      ['rank', ({ printed }) => ({ printed: { ...printed, rank: printed.rank + 2 } })],
    ];
    for (const [check, change] of cases) {
      const all = damaged(change);
      assert.ok(all.length > 0 && all.every(one => one.check === check), `${check}: ${JSON.stringify(all)}`);
    }
  });

  it('leave room for rounding', () => {
    assert.deepEqual(
      damaged(({ printed }) => ({ printed: { ...printed, delta: printed.delta + 0.01 } })),
      [],
    );
    assert.deepEqual(
      damaged(({ paramsLeft }) => ({ paramsLeft: paramsLeft + 0.01 })),
      [],
    );
  });
});
