import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { bench, type BenchProgress, type Trained } from '../bench/bench.ts';
import { evaluationBatch } from '../bench/protocol.ts';
import { provenance } from '../bench/provenance.ts';
import type { RunRecord } from '../bench/record.ts';
import { find, type Catalogue } from '../catalogue.ts';
import type { Graph } from '../graph/graph.ts';
import { parseOptions } from '../options.ts';
import type { Data, Model } from '../plugin.ts';
import type { Normalization } from '../prune/normalize.ts';
import type { Reduction } from '../prune/score.ts';
import { graphDigest } from '../train/checkpoint.ts';
import { evaluate } from '../train/evaluate.ts';
import { entryProblems } from './check.ts';
import {
  differenceOf,
  differencesOf,
  verificationSchema,
  type Difference,
  type Entry,
  type PluginSource,
  type Verification,
} from './entry.ts';
import { outcomeOf, rerunOf, toleranceOf } from './outcome.ts';
import { codeOfSources, pluginsOf, sourceText } from './plugin-source.ts';

export interface VerifyOptions {
  readonly by: string;
  /** With the plugins that the entry needs. */
  readonly catalogue: Catalogue;
  /** Where those plugins come from. */
  readonly plugins?: readonly PluginSource[];
  /** Where the data lie; without it they are looked for as always. */
  readonly datasetPath?: string | undefined;
  /** The data themselves, loaded. */
  readonly data?: Data | undefined;
  /** The base model, where the entry's was given; else it is trained anew. */
  readonly base?: Graph | undefined;
  /** Makes the model with the weights that the entry began with. */
  readonly withWeights?: ((model: Model) => Model) | undefined;
  /** Seeds to run again (default: all of the entry). */
  readonly seeds?: readonly number[] | undefined;
  /** Points by which the mean score may differ (default: twice the spread, see `toleranceOf`). */
  readonly tolerance?: number | undefined;
  /** Folder for what is to go on when it was stopped; `removeRuns` removes it once the verification is written. */
  readonly out?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: BenchProgress) => void) | undefined;
}

/**
 * Runs an entry again from its own records, with the backend that is selected, and says what came of it. Throws where
 * it cannot be run: for an entry that is not valid, other data, plugins that are not there, another base model.
 */
export async function verify(entry: Entry, options: VerifyOptions): Promise<Verification> {
  const { catalogue, seeds, by, plugins = [], tolerance = toleranceOf(entry.records) } = options;
  if (!(tolerance >= 0 && tolerance < Infinity))
    throw new RangeError(`tolerance ${tolerance}: must be 0 or more points, and finite`);
  const name = verificationSchema.shape.by.safeParse(by);
  if (!name.success) throw new Error(`by ${JSON.stringify(by)}: ${name.error.issues[0]!.message}`);
  const [problem] = entryProblems(entry, catalogue);
  if (problem !== undefined) throw new Error(`entry ${entry.id}: ${problem}`);
  const known = entry.records.map(({ configuration }) => configuration.seed);
  const foreign = seeds?.find(seed => !known.includes(seed));
  if (foreign !== undefined) throw new Error(`entry ${entry.id}: no seed ${foreign}, it has ${known.join(', ')}`);
  const records = entry.records.filter(({ configuration }) => seeds?.includes(configuration.seed) ?? true);
  if (records.length === 0) throw new Error(`entry ${entry.id}: no seed to run`);
  needPlugins(entry, catalogue);
  const data = await dataOf(entry, options);

  const made: RunRecord[] = [];
  for (const record of records) made.push(await runAgain(entry, record, data, options));
  const runs = made.map(rerunOf);
  const here = provenance();
  return {
    created: new Date().toISOString(),
    by,
    outcome: outcomeOf(entry.records, runs, tolerance),
    tolerance,
    runs,
    differences: [
      ...pluginDifferences(entry, plugins),
      ...made.flatMap((record, i) => differencesOf(records[i]!.configuration, record.configuration)).filter(first),
      ...differencesOf(machine(records[0]!.provenance), machine(here)),
    ],
    provenance: here,
  };
}

/** Records and checkpoints of an entry's runs lie apart from all others: a verification rests on runs made for it. */
const runsOf = ({ id }: Entry, out: string): string => join(out, `verify-${id}`);

/** Removes what a verification kept in `out`, so that the next one does not rest on the same runs. */
export const removeRuns = (entry: Entry, out: string): Promise<void> =>
  rm(runsOf(entry, out), { recursive: true, force: true });

const first = ({ what }: Difference, at: number, all: readonly Difference[]): boolean =>
  all.findIndex(other => other.what === what) === at;

/** What of a machine can change numbers. */
const machine = ({ versions, commit, hardware: { cpu, platform } }: RunRecord['provenance']) => ({
  versions,
  commit,
  cpu,
  platform,
});

function needPlugins(entry: Entry, catalogue: Catalogue): void {
  for (const { kind, id, list } of pluginsOf(entry.records[0]!.configuration)) {
    if (catalogue[list].some(known => known.id === id)) continue;
    const source = entry.plugins.find(({ provides }) => provides.includes(`${kind} ${id}`));
    throw new Error(`entry ${entry.id}: ${kind} ${id} comes from ${sourceText(source)}, which has to be given`);
  }
}

function pluginDifferences({ plugins }: Entry, given: readonly PluginSource[]): Difference[] {
  return plugins.flatMap(source => {
    const same = given.find(({ provides }) => source.provides.some(name => provides.includes(name)));
    const [entry, here] = [sourceText(source), sourceText(same)];
    return entry === here ? [] : [differenceOf(`plugin ${source.provides.join(', ')}`, entry, here)];
  });
}

async function dataOf(entry: Entry, { catalogue, data: given, datasetPath }: VerifyOptions): Promise<Data> {
  const { dataset } = entry.records[0]!.configuration;
  const plugin = find('dataset', catalogue.datasets, dataset.id);
  const at = datasetPath === undefined ? {} : { path: datasetPath };
  const data = given ?? (await plugin.load(parseOptions(plugin, { ...dataset.options, ...at })));
  if (data.checksum !== dataset.checksum)
    throw new Error(
      `entry ${entry.id}: its ${dataset.id} has the checksum ${dataset.checksum}, the data here have ${data.checksum}`,
    );
  return data;
}

async function runAgain(
  entry: Entry,
  { configuration: c, created }: RunRecord,
  data: Data,
  { catalogue, plugins = [], base: graph, withWeights, out: folder, signal, progress }: VerifyOptions,
): Promise<RunRecord> {
  const out = folder === undefined ? undefined : runsOf(entry, folder);
  const task = find('task', catalogue.tasks, c.task);
  const digest = graph && graphDigest(graph);
  if (c.base !== (digest ?? null))
    throw new Error(
      `entry ${entry.id}: its base model ${c.base === null ? 'is trained by the protocol' : `was given, with the digest ${c.base}`}; ` +
        (digest === undefined ? 'none is given here' : `the one given here has ${digest}`),
    );
  const plain = find('model', catalogue.models, c.model.id);
  const { weights } = c.model.options;
  if ((weights === undefined) !== (withWeights === undefined))
    throw new Error(
      `entry ${entry.id}: its base model began with ${weights === undefined ? 'no weights' : `the weights ${String(weights)}`}, ` +
        `${withWeights ? 'some' : 'none'} are given here`,
    );
  const model = withWeights ? withWeights(plain) : plain;
  if (withWeights) {
    const here = (parseOptions(model, c.model.options) as { weights: string }).weights;
    if (here !== weights)
      throw new Error(`entry ${entry.id}: its weights are ${String(weights)}, those given here are ${here}`);
  }
  await tf.ready();
  const base: Trained | undefined = graph && {
    graph,
    scores: await evaluate(graph, data.test, task, { batch: evaluationBatch(c.protocol), signal }),
    history: [],
  };
  const [record] = await bench({
    model,
    modelOptions: c.model.options,
    data,
    datasetOptions: c.dataset.options,
    task,
    methods: [
      {
        criterion: find('criterion', catalogue.criteria, c.criterion.id),
        criterionOptions: c.criterion.options,
        reduce: c.reduce as Reduction,
        normalize: c.normalize as Normalization,
        ...(c.regularizer
          ? {
              regularizer: find('regularizer', catalogue.regularizers, c.regularizer.id),
              regularizerOptions: c.regularizer.options,
            }
          : {}),
      },
    ],
    strategies: [{ strategy: find('strategy', catalogue.strategies, c.strategy.id), options: c.strategy.options }],
    speedups: [c.speedup],
    protocol: c.protocol,
    seed: c.seed,
    roundTo: c.roundTo,
    base,
    out,
    code: codeOfSources(plugins),
    format: find('format', catalogue.formats, 'onnx'),
    signal,
    progress,
  });
  if (record!.created === created)
    throw new Error(
      `entry ${entry.id}: ${out} has its own record of seed ${c.seed}, made ${created}: nothing was run again`,
    );
  return record!;
}
