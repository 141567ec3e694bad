import assert from 'node:assert/strict';
import { bench } from '../../../kernel/bench/bench.ts';
import { hashOf, readRecords, writeRecord, type RunRecord } from '../../../kernel/bench/record.ts';
import { entryProblems, problems } from '../../../kernel/leaderboard/check.ts';
import { entryId, type Entry, type PluginSource } from '../../../kernel/leaderboard/entry.ts';
import { entriesOf, type Submission } from '../../../kernel/leaderboard/submit.ts';
import { removeRuns, verify, type VerifyOptions } from '../../../kernel/leaderboard/verify.ts';
import { defineCriterion, type Data } from '../../../kernel/plugin.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { shapes } from '../../../datasets/index.ts';
import { magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { onnx } from '../../../plugins/formats/index.ts';
import { local } from '../../../plugins/strategies/index.ts';
import { classification } from '../../../plugins/tasks/index.ts';
import { catalogue } from '../cli/catalogue.ts';
import { temporary } from '../cli/run.ts';
import { tiny } from '../tiny-model.ts';
import { problemText } from '../../../kernel/leaderboard/store.ts';
import { stored } from './entries.ts';

const own = defineCriterion({ id: 'own', element: Math.abs });
const source: PluginSource = { kind: 'file', name: 'own.ts', sha256: 'a'.repeat(64), provides: ['criterion own'] };
const withOwn = { ...catalogue, criteria: [...catalogue.criteria, own] };

type Mutable<T> = { -readonly [K in keyof T]: Mutable<T[K]> };

/** Entries with other content have another id. */
const rehashed = (entry: Entry): Entry => ({ ...entry, id: entryId(entry) });

describe('entries of real runs', function () {
  this.timeout(120_000);
  let data: Data;
  let records: RunRecord[];
  let ownRecords: RunRecord[];
  let entry: Entry;
  const options = { train: 64, test: 32 };
  const submission: Submission = { by: 'A. Name', division: 'open', recipe: 'one epoch' };

  before(async () => {
    data = await shapes.load(parseOptions(shapes, options));
    const training = { epochs: 1, batch: 32 };
    const run = (criterion: typeof own, seed: number) =>
      bench({
        model: tiny,
        data,
        datasetOptions: parseOptions(shapes, options) as unknown as Record<string, unknown>,
        task: classification,
        methods: [{ criterion }],
        strategies: [{ strategy: local }],
        speedups: [2],
        protocol: { name: 'short', base: training, finetune: training, steps: 20, latency: { repeats: 0 } },
        seed,
        format: onnx,
      });
    records = [...(await run(magnitudeL2 as typeof own, 0)), ...(await run(magnitudeL2 as typeof own, 1))];
    ownRecords = await run(own, 0);
    [entry] = entriesOf(records, submission, [], [], catalogue) as [Entry];
  });

  describe('submitted', () => {
    it('make one entry with all seeds, which is valid', () => {
      assert.deepEqual(entry.records, records);
      assert.deepEqual(problems([stored(entry)], catalogue), []);
    });
    it('twice in one submission count once', () =>
      assert.equal(entriesOf([...records, ...records], submission, [], [], catalogue)[0]!.records.length, 2));
    const refused: [what: string, run: () => unknown, message: RegExp][] = [
      ['nothing', () => entriesOf([], submission, [], [], catalogue), /no records to submit/],
      [
        'what is an entry already',
        () => entriesOf(records, submission, [], [stored(entry)], catalogue),
        /is in boards\/.*json already; to run it again is to verify that entry/,
      ],
      [
        'a recipe of its own to the closed division',
        () => entriesOf(records, { by: 'A' }, [], [], catalogue),
        /^Error: not submitted: closed division: protocol short is none of quick, .*paper.* \(magnitude-l2-local-2x\)$/,
      ],
      [
        'no recipe to the open division',
        () => entriesOf(records, { by: 'A', division: 'open' }, [], [], catalogue),
        /open division: no recipe is stated/,
      ],
      [
        'a criterion that nobody has',
        () => entriesOf(ownRecords, submission, [], [], catalogue),
        /criterion own is not the package's, and no plugin of the entry has it/,
      ],
      [
        'a correction without a reason',
        () => entriesOf(records, { ...submission, supersedes: entry.id }, [], [stored(entry)], catalogue),
        /why is [0-9a-f]{12} superseded\?/,
      ],
      [
        'a correction of nothing',
        () => entriesOf(records, { ...submission, supersedes: '0'.repeat(12), reason: '-' }, [], [], catalogue),
        /no entry 000000000000 to supersede/,
      ],
      [
        'a correction of something else',
        () =>
          entriesOf(
            ownRecords,
            { ...submission, supersedes: entry.id, reason: '-' },
            [source],
            [stored(entry)],
            withOwn,
          ),
        /is of tiny, shapes, own, none, local, 2; [0-9a-f]{12}, which it supersedes, is of tiny, shapes, magnitude-l2/,
      ],
      [
        'a protocol whose name no file can have',
        () =>
          entriesOf(
            records.map(record => ({
              ...record,
              configuration: {
                ...record.configuration,
                protocol: { ...record.configuration.protocol, name: 'my recipe' },
              },
            })),
            submission,
            [],
            [],
            catalogue,
          ),
        /submission: records\.0\.configuration\.protocol\.name: "my recipe": a name is letters/,
      ],
      [
        'a name with a bell',
        () => entriesOf(records, { ...submission, by: '\u0007' }, [], [], catalogue),
        /submission: by: /,
      ],
    ];
    for (const [what, run, message] of refused) it(`refuses ${what}`, () => void assert.throws(run, message));
    it('tells all that is wrong, a line for each, and how many entries it is wrong with', () => {
      const other = records.map(record => ({
        ...record,
        configuration: { ...record.configuration, speedup: 1.5 },
        latency: [{ batch: 1, base: 0, pruned: 1, repeats: 1, threads: 1 }],
      }));
      for (const record of other) record.id = hashOf(record.configuration);
      assert.throws(
        () => entriesOf([...records, ...other], { by: 'A', division: 'open' }, [], [], catalogue),
        ({ message }: Error) => {
          const [head, ...lines] = message.split('\n  ');
          assert.equal(head, 'not submitted');
          assert.equal(lines[0], 'open division: no recipe is stated (magnitude-l2-local-2x and 1 more)');
          assert.deepEqual(
            lines.slice(1),
            other.map(({ id }) => `run ${id}: a latency is not above 0 (magnitude-l2-local-1.5x)`),
          );
          return true;
        },
      );
    });
    it('a correction may be of the same runs', () => {
      const [corrected] = entriesOf(
        records,
        { ...submission, recipe: 'one epoch of each', supersedes: entry.id, reason: 'said better' },
        [],
        [stored(entry)],
        catalogue,
      );
      assert.deepEqual(problems([entry, corrected!].map(stored), catalogue), []);
    });
  });

  describe('checked', () => {
    const found = (change: (record: Mutable<RunRecord>) => void, again = rehashed): string => {
      const copy = structuredClone(entry);
      change(copy.records[0]! as Mutable<RunRecord>);
      return entryProblems(again(copy), catalogue).join('; ');
    };
    const cases: [what: string, change: (record: Mutable<RunRecord>) => void, message: RegExp][] = [
      ['multiply-adds', r => void r.pruned.macs--, /pruned\.macs is \d+, the graph has \d+/],
      ['parameters', r => void (r.base.params += 1), /base\.params is \d+, the graph has \d+/],
      ['units kept', r => void r.groups[1]!.kept.pop(), /pruned\.params is \d+, the graph has \d+/],
      ['a unit kept twice', r => void (r.groups[1]!.kept = [1, 1]), /are not rising numbers below 8/],
      ['a unit there is not', r => void (r.groups[1]!.kept = [8]), /are not rising numbers below 8/],
      ['a group there is not', r => void (r.groups[1]!.id = 'x'), /group x: 8 units, model tiny has none/],
      ['a group that is gone', r => void r.groups.splice(1, 1), /group a: none units, model tiny has 8/],
      ['a protected group that is cut', r => void r.groups.at(-1)!.kept.pop(), /stays whole .*, but keeps \d+ of \d+/],
      ['no such model option', r => void (r.configuration.model.options['depth'] = 3), /model tiny: no option depth/],
      ['another configuration', r => void (r.configuration.roundTo = 2), /its configuration has the id/],
      [
        'a score above one',
        r => void (r.pruned.scores['accuracy'] = 97.5),
        /pruned: accuracy is 97.5, expected a share/,
      ],
      ['a score that is not there', r => void delete r.pruned.scores['accuracy'], /pruned: accuracy is not there/],
      ['epochs', r => void r.pruned.history.push(r.pruned.history[0]!), /fine-tuning: 2 epochs, its protocol has 1/],
      [
        'a speed-up that was not reached',
        r => void (r.configuration.speedup = 9),
        /a speed-up of \d\.\d+, 9 was asked for/,
      ],
      ['a seed that is there twice', r => void (r.configuration.seed = 1), /seeds 1, 1: one is there twice/],
      ['runs of two methods', r => void (r.configuration.reduce = 'sum'), /differ in more than their seed/],
    ];
    for (const [what, change, message] of cases) it(`tells ${what}`, () => assert.match(found(change), message));
    it('tells any change, by the id', () =>
      assert.match(
        found(
          record => void (record.pruned.scores = { accuracy: 0.99 }),
          copy => copy,
        ),
        /its content has [0-9a-f]{12}: an entry is not changed but superseded/,
      ));
    it('tells a file in the wrong place, and one run in two entries', () => {
      const twin = rehashed({ ...entry, by: 'B' });
      const all = problems([stored(entry), { ...stored(twin), file: 'boards/x.json' }], catalogue)
        .map(problemText)
        .join('\n');
      assert.match(all, /entry boards\/x\.json: its file should be tiny-shapes\/magnitude-l2-local-2x-/);
      assert.match(all, /entry boards\/x\.json: run [0-9a-f]{12} is in boards\/tiny-shapes.* too/);
    });
  });

  describe('run again', () => {
    const again = (change: Partial<VerifyOptions> = {}, of = entry) =>
      verify(of, { by: 'B. Name', catalogue, ...change });

    it('with the same seeds are reproduced', async () => {
      const verification = await again();
      assert.equal(verification.outcome, 'reproduced');
      assert.deepEqual(
        verification.runs.map(({ seed, score }) => [seed, score]),
        records.map(({ configuration, pruned }) => [configuration.seed, pruned.scores['accuracy']]),
      );
      assert.deepEqual(
        verification.differences.filter(({ what }) => what !== 'commit'),
        [],
      );
      const verified = { ...entry, verifications: [verification] };
      assert.deepEqual(problems([stored(verified)], catalogue), []);
      const boasting = {
        ...verified,
        verifications: [{ ...verification, runs: [{ ...verification.runs[0]!, score: 0 }] }],
      };
      assert.match(
        entryProblems(boasting, catalogue).join(),
        /verification 0: says reproduced, its numbers say differs/,
      );
    });

    /** The entry as if its scores had been so many points higher. */
    const better = (points: number): Entry => {
      const copy = structuredClone(entry);
      for (const record of copy.records)
        record.pruned.scores = { accuracy: record.pruned.scores['accuracy']! + points / 100 };
      return rehashed(copy);
    };
    it('within the tolerance are re-run, and otherwise differ', async () => {
      const one = { seeds: [0], tolerance: 2 };
      const { outcome, tolerance } = await again(one, better(1.5));
      assert.deepEqual([outcome, tolerance], ['re-run', 2]);
      assert.equal((await again(one, better(2.5))).outcome, 'differs');
    });

    it('with another backend say so, with both names', async () => {
      const copy = structuredClone(entry);
      for (const record of copy.records) {
        record.configuration.backend = 'tensorflow';
        record.provenance.versions['node'] = '1.2.3';
        record.id = hashOf(record.configuration);
      }
      const { differences } = await again({ seeds: [0] }, rehashed(copy));
      assert.deepEqual(
        differences.filter(({ what }) => what !== 'commit'),
        [
          { what: 'backend', entry: 'tensorflow', here: 'cpu' },
          { what: 'versions.node', entry: '1.2.3', here: process.versions.node },
        ],
      );
    });

    it('with a plugin need it, and tell another file of it', async () => {
      const [of] = entriesOf(ownRecords, submission, [source], [], withOwn) as [Entry];
      assert.deepEqual(of.plugins, [source]);
      await assert.rejects(
        again({}, of),
        /criterion own comes from file own\.ts, sha256 aaaaaaaaaaaa, which has to be given/,
      );
      const given = { catalogue: withOwn, plugins: [{ ...source, sha256: 'b'.repeat(64) }] };
      const { outcome, differences } = await again(given, of);
      assert.equal(outcome, 'reproduced');
      assert.deepEqual(differences[0], {
        what: 'plugin criterion own',
        entry: 'file own.ts, sha256 aaaaaaaaaaaa',
        here: 'file own.ts, sha256 bbbbbbbbbbbb',
      });
    });

    describe('with a folder', () => {
      const folder = temporary();
      const out = folder.path('run');
      after(() => folder.remove());
      /** Labels of what was trained, one for each run. */
      const trained = async (change: Partial<VerifyOptions> = {}) => {
        let runs = 0;
        await again({
          out,
          progress: ({ stage, training }) => void (stage === 'finetune' && training?.ended && runs++),
          ...change,
        });
        return runs;
      };

      it('do not rest on the records of the entry, which may lie there', async () => {
        for (const record of records) await writeRecord(out, record);
        assert.equal(await trained(), records.length);
        assert.deepEqual(
          await readRecords(out),
          [...records].sort((a, b) => (a.id < b.id ? -1 : 1)),
        );
      });
      it('rest on runs of their own once only, when those are removed', async () => {
        assert.equal(await trained(), 0);
        await removeRuns(entry, out);
        assert.equal(await trained({ seeds: [0] }), 1);
      });
      it('go on where they were stopped', async () => {
        await removeRuns(entry, out);
        const controller = new AbortController();
        const progress: VerifyOptions['progress'] = ({ stage, training }) =>
          void (stage === 'finetune' && training?.ended && controller.abort(new Error('stopped')));
        await assert.rejects(again({ out, signal: controller.signal, progress }), /stopped/);
        const stages = new Set<string>();
        await again({ out, seeds: [0], progress: ({ stage, training }) => void (training && stages.add(stage)) });
        assert.deepEqual([...stages], []);
      });
      it('refuse a record of the entry itself', async () => {
        const [record] = records;
        await writeRecord(folder.path('forged', `verify-${entry.id}`), record!);
        await assert.rejects(
          again({ out: folder.path('forged') }),
          /its own record of seed 0, made .*: nothing was run again/,
        );
      });
    });

    const refused: [what: string, change: () => Partial<VerifyOptions>, message: RegExp][] = [
      [
        'other data',
        () => ({ data: { ...data, checksum: 'other' } }),
        /its shapes has the checksum [0-9a-f]{64}, the data here have other/,
      ],
      [
        'a base model that was not given',
        () => ({ base: tiny.build(parseOptions(tiny, {}) as never) }),
        /is trained by the protocol; the one given here has [0-9a-f]{64}/,
      ],
      ['weights that were not given', () => ({ withWeights: model => model }), /began with no weights, some are given/],
      ['a seed that it has not', () => ({ seeds: [7] }), /no seed 7, it has 0, 1/],
      ['no seed', () => ({ seeds: [] }), /no seed to run/],
      ['a tolerance without bounds', () => ({ tolerance: Infinity }), /tolerance Infinity: must be 0 or more points/],
      ['a name that is too long', () => ({ by: 'x'.repeat(81) }), /by "x{81}": Too big/],
      ['a tolerance below 0', () => ({ tolerance: -1 }), /tolerance -1: must be 0 or more/],
    ];
    for (const [what, change, message] of refused) it(`refuse ${what}`, () => assert.rejects(again(change()), message));
    it('refuse an entry that is not valid', () =>
      assert.rejects(again({}, { ...entry, by: 'Somebody else' }), /its content has/));
  });
});
