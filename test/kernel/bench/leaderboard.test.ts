import assert from 'node:assert/strict';
import { hashOf, type Configuration } from '../../../kernel/bench/record.ts';
import { standings } from '../../../kernel/bench/leaderboard.ts';
import { leaderboardTable } from '../../../kernel/bench/tables.ts';
import { protocolSchema, type ProtocolInput } from '../../../kernel/bench/protocol.ts';
import { protocols } from '../../../kernel/bench/protocols.ts';
import { recordOf } from './records.ts';

const pick = <K extends string>(rows: readonly Record<K, unknown>[], ...keys: K[]) =>
  rows.map(row => keys.map(key => row[key]));
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

describe('leaderboard', () => {
  it('ranks within a strategy and speed-up, best first; equal scores share a rank', () => {
    const rows = standings([
      recordOf({ criterion: 'c', score: 0.7 }),
      recordOf({ criterion: 'b', score: 0.8 }),
      recordOf({ criterion: 'a', score: 0.8 }),
      recordOf({ criterion: 'a', score: 0.5, speedup: 4 }),
      recordOf({ criterion: 'a', score: 0.6, strategy: 'local' }),
    ]);
    assert.deepEqual(pick(rows, 'strategy', 'speedup', 'method', 'rank'), [
      ['global', 2, 'a', 1],
      ['global', 2, 'b', 1],
      ['global', 2, 'c', 3],
      ['global', 4, 'a', 1],
      ['local', 2, 'a', 1],
    ]);
  });

  it('derives delta and ratios from what the record holds', () => {
    const [row] = standings([recordOf({ criterion: 'a', score: 0.85, before: 0.3, latency: 4 })]);
    near(row!.base, 90);
    near(row!.before, 30);
    near(row!.score, 85);
    near(row!.delta, -5);
    near(row!.paramsLeft, 50);
    near(row!.macsLeft, 40);
    near(row!.reached, 2.5);
    near(row!.latencyRatio!, 2.5);
    near(row!.stepSeconds, 0.2);
    assert.equal(row!.regularizerSeconds, null);
    assert.deepEqual(pick([row!], 'model', 'runs', 'spread'), [['net x0.5', 1, null]]);
  });

  it('compares latency at the smallest batch, wherever that stands', () => {
    const record = recordOf({ criterion: 'a', score: 0.85, latency: 4 });
    const [one] = record.latency;
    const large = { ...one!, batch: 16, base: 100 };
    near(standings([{ ...record, latency: [large, one!] }])[0]!.latencyRatio!, 2.5);
  });

  it('several seeds give mean and spread', () => {
    const [row] = standings([1, 2, 3].map(seed => recordOf({ criterion: 'a', score: 0.6 + seed / 10, seed })));
    near(row!.score, 80);
    near(row!.spread!, 10);
    assert.equal(row!.runs, 3);
  });

  it("says of a protocol that it is not the package's of its name", () => {
    const names = (...list: ProtocolInput[]) =>
      standings(
        list.map((input, i) => {
          const { configuration: c, ...rest } = recordOf({ criterion: `${i}`, score: 0.8 });
          const configuration = { ...c, protocol: protocolSchema.parse(input) };
          return { ...rest, id: hashOf(configuration), configuration };
        }),
      ).map(row => row.protocol);
    const { quick } = protocols;
    const longer = (epochs: number) => ({ ...quick, finetune: { ...quick.finetune, epochs } });
    assert.deepEqual(names(quick, { ...quick, steps: 400 }), ['quick', 'quick']);
    assert.deepEqual(names(longer(30)), ['quick (changed)']);
    assert.deepEqual(names({ ...quick, finetune: null }), ['quick (changed)']);
    assert.deepEqual(names({ ...quick, name: 'mine', steps: 1 }), ['mine']);
    assert.deepEqual(names(quick, longer(30), longer(31)), [
      'quick',
      'quick (changed):finetune.epochs=30',
      'quick (changed):finetune.epochs=31',
    ]);
  });

  describe('never puts together what differs in', () => {
    const record = (score: number, change: Partial<Configuration> = {}) => {
      const whole = recordOf({ criterion: 'a', score });
      const configuration = { ...whole.configuration, ...change };
      return { ...whole, id: hashOf(configuration), configuration };
    };
    const { configuration: c } = record(1);
    const { protocol, dataset } = c;
    const plugin = (id: string, options: Record<string, unknown>) => ({ id, options });
    const cases: [
      string,
      Partial<Configuration>,
      'model' | 'dataset' | 'protocol' | 'strategy' | 'method',
      string[],
    ][] = [
      [
        'epochs',
        { protocol: { ...protocol, base: { ...protocol.base!, epochs: 5 } } },
        'protocol',
        ['test:base.epochs=100', 'test:base.epochs=5'],
      ],
      [
        'options of the strategy',
        { strategy: plugin('global', { floor: 0.2 }) },
        'strategy',
        ['none', '0.2'].map(at => `global:floor=${at}`),
      ],
      ['multiples', { roundTo: 4 }, 'strategy', ['global:roundTo=1', 'global:roundTo=4']],
      ['options of the criterion', { criterion: plugin('a', { p: [1] }) }, 'method', ['a:p=[1]', 'a:p=none']],
      ['normalization', { normalize: 'max' }, 'method', ['a:normalize=max', 'a:normalize=mean']],
      [
        'options of the model',
        { model: plugin('net', { width: 0.5, classes: 7 }) },
        'model',
        ['net x0.5:classes=7', 'net x0.5:classes=none'],
      ],
      ['backends', { backend: 'onnxruntime' }, 'protocol', ['test:backend=cpu', 'test:backend=onnxruntime']],
      [
        'the data themselves',
        { dataset: { ...dataset, checksum: '1'.repeat(64) } },
        'dataset',
        [`data:checksum=${dataset.checksum.slice(0, 8)}`, 'data:checksum=11111111'],
      ],
      ['images', { dataset: { ...dataset, train: 20 } }, 'dataset', ['data:train=10', 'data:train=20']],
    ];
    for (const [what, change, column, names] of cases)
      it(what, () => {
        const rows = standings([record(0.8), record(0.6, change)]);
        assert.deepEqual(rows.map(row => row[column]).sort(), [...names].sort());
        assert.deepEqual(pick(rows, 'runs', 'spread'), [
          [1, null],
          [1, null],
        ]);
        assert.ok(leaderboardTable([record(0.8), record(0.6, change)]).columns.includes(column));
        assert.equal(standings([record(0.6, change)])[0]![column], standings([record(0.8)])[0]![column]);
      });

    it('an option that criterion and regularizer both have', () => {
      const both = (p: number) => ({ criterion: plugin('a', { p }), regularizer: plugin('b', { p: 2 }) });
      const rows = standings([record(0.8, both(1)), record(0.6, both(2))]);
      assert.deepEqual(pick(rows, 'method', 'runs'), [
        ['a + b:p=1', 1],
        ['a + b:p=2', 1],
      ]);
      const other = { ...both(1), regularizer: plugin('b', { p: 3 }) };
      const [row] = standings([record(0.8, other), record(0.6, both(1))]);
      assert.equal(row!.method, 'a + b:regularizer.p=3');
    });
    it('more than a label can say', () => {
      const rows = standings([record(0.8), record(0.6, { protocol: { ...protocol, finetune: null } })]);
      const names = rows.map(row => row.protocol);
      assert.equal(new Set(names).size, 2);
      for (const name of names) assert.match(name, /^test [0-9a-f]{4}$/);
    });
    it('nothing but seed and base model, which are runs of the same', () => {
      const model = plugin('net', { width: 0.5, seed: 1 });
      const rows = standings([record(0.8), record(0.6, { seed: 1, model, base: 'abc' })]);
      assert.deepEqual(pick(rows, 'model', 'method', 'runs', 'score'), [['net x0.5', 'a', 2, 70]]);
    });
  });

  it('without latency there is no ratio', () =>
    assert.equal(standings([recordOf({ criterion: 'a', score: 1 })])[0]!.latencyRatio, null));
  it('no records give no rows', () => assert.deepEqual(standings([]), []));

  it('as a table it names only columns that tell rows apart', () => {
    const one = leaderboardTable([recordOf({ criterion: 'a', score: 0.8 })]);
    assert.ok(!one.columns.includes('strategy') && !one.columns.includes('spread'));
    const two = leaderboardTable([
      recordOf({ criterion: 'a', score: 0.8 }),
      recordOf({ criterion: 'a', score: 0.8, strategy: 'local' }),
    ]);
    assert.ok(two.columns.includes('strategy'));
  });
});
