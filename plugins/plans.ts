import { readFile } from 'node:fs/promises';
import { dataOrStandIn, estimateBench, estimateNotes, type BenchEstimate } from '../kernel/bench/estimate.ts';
import type { Experiment, ProfileName } from '../kernel/bench/experiment.ts';
import { modelWithWeights } from '../kernel/bench/model-with-weights.ts';
import { protocolLabel } from '../kernel/bench/protocols.ts';
import { planSchema, runsOf, type Plan, type PlanInput } from '../kernel/bench/plan.ts';
import type { RunRecord } from '../kernel/bench/record.ts';
import { find } from '../kernel/catalogue.ts';
import { withExtensions } from '../kernel/extensions.ts';
import { duration } from '../kernel/text/table.ts';
import { table, type Table } from '../kernel/jupyter/table.ts';
import type { Model } from '../kernel/plugin.ts';
import { parseOptions, withoutPath } from '../kernel/options.ts';
import { codeOf } from '../kernel/plugin-code.ts';
import { chooseMethod, chooseStrategy } from '../kernel/text/choose.ts';
import { bench, load, type BenchChoice } from './api.ts';
import { ready } from './backend-choice.ts';
import { catalogue } from './catalogue.ts';
import { extensionsOf, type PluginChoice } from './plugin-choice.ts';

/** A plan, and the experiment of the paper that it is of. */
export interface ExperimentPlan extends Plan, Pick<Experiment, 'id' | 'title' | 'published'> {
  readonly profile: ProfileName;
}

export interface ExperimentChoice extends Partial<PlanInput> {
  readonly profile?: ProfileName;
  /** Folder of the data set, where it is one of files. */
  readonly path?: string | undefined;
}

/**
 * An experiment of the paper, as in `experiment('resnet18-cifar100', { profile: 'laptop' })`; what else is given takes
 * the place of what the profile says.
 */
export function experiment(
  name: string | Experiment,
  { profile = 'smoke', path, ...changes }: ExperimentChoice = {},
): ExperimentPlan {
  const { id, title, published, profiles } = find('experiment', catalogue.experiments, name);
  const planned = profiles[profile] as Plan | undefined;
  if (!planned)
    throw new Error(`experiment ${id}: no profile ${String(profile)} (there are ${Object.keys(profiles).join(', ')})`);
  // Options are those of one data set.
  const kept =
    changes.dataset === undefined || changes.dataset === planned.dataset ? planned : { ...planned, datasetOptions: {} };
  const plan = planSchema.parse({ ...kept, ...changes });
  const datasetOptions = { ...plan.datasetOptions, ...(path === undefined ? {} : { path }) };
  return { ...plan, datasetOptions, id, title, published, profile };
}

/** What a plan says, line by line. */
export function planTable(plan: Plan & Partial<ExperimentPlan>): Table {
  const { protocol, methods, strategies, speedups, seeds } = plan;
  const spec = (id: string, options: object) =>
    [id, ...Object.entries(options).map(([key, value]) => `${key}=${String(value)}`)].join(' ');
  const epochs = (training: { epochs: number } | null) =>
    training ? `${training.epochs} ${training.epochs === 1 ? 'epoch' : 'epochs'}` : 'none';
  const rows: [string, string][] = [
    ['model', spec(plan.model, plan.modelOptions)],
    ['data set', spec(plan.dataset, withoutPath(plan.datasetOptions))],
    ['protocol', protocolLabel(protocol)],
    ['training of the base model', epochs(protocol.base)],
    ['sparsify, where a method has a regularizer', epochs(protocol.sparsify)],
    ['fine-tuning', epochs(protocol.finetune)],
    ['strategies', strategies.join(', ')],
    ['speed-ups', `${speedups.map(speedup => `${speedup}x`).join(', ')} in ${what[protocol.count]}`],
    ['methods', methods.join(', ')],
    ['seeds', seeds.join(', ')],
    ['runs', String(runsOf(plan))],
  ];
  return table(
    rows.map(([plan, value]) => ({ plan, value })),
    {
      ...(plan.title === undefined ? {} : { caption: `${plan.title}: ${plan.profile}` }),
      headings: { plan: '', value: '' },
    },
  );
}
const what = { plain: 'multiply-adds', compatible: "multiply-adds, Torch-Pruning's count", latency: 'time' } as const;

export interface PlanOptions {
  /** A safetensors file with weights of PyTorch for the model, needed where the protocol trains no base model. */
  readonly weights?: string | undefined;
  /** Plugins of one's own that the plan names, as in `[variety]` or `['variety.ts']`. */
  readonly plugins?: readonly PluginChoice[];
}

/** The plugins that a plan names, and the code of those that are not the package's. */
async function pluginsOf(plan: Plan, { weights, plugins = [] }: PlanOptions) {
  const own = (await Promise.all(plugins.map(extensionsOf))).flat();
  const known = withExtensions(catalogue, own);
  const model: Model = find('model', known.models, plan.model);
  return {
    model: weights === undefined ? model : modelWithWeights(model, await readFile(weights)),
    dataset: find('dataset', known.datasets, plan.dataset),
    methods: plan.methods.map(method => chooseMethod(known, method)),
    strategies: plan.strategies.map(strategy => chooseStrategy(known, strategy)),
    code: codeOf(own, catalogue),
  };
}

/**
 * How long a plan takes on this machine, as measured in a few training steps; runs that are done in `out` are not counted.
 * Neither data nor weights need be there: without a data set its published sizes are assumed, and `text` says so.
 */
export async function estimatePlan(
  plan: Plan,
  { out, ...choice }: PlanOptions & Pick<BenchChoice, 'out'> = {},
): Promise<BenchEstimate & { text: string }> {
  await ready();
  const { dataset, ...plugins } = await pluginsOf(plan, choice);
  const options = parseOptions(dataset, plan.datasetOptions);
  const { data, assumed } = await dataOrStandIn(dataset, options);
  const { modelOptions, speedups, seeds, roundTo, protocol } = plan;
  const estimate = await estimateBench({
    ...plugins,
    modelOptions,
    data,
    datasetOptions: withoutPath(options as Record<string, unknown>),
    task: find('task', catalogue.tasks, data.task),
    ...{ speedups, seeds, roundTo, protocol, out, assumed },
  });
  return { ...estimate, text: [`about ${duration(estimate.total)}`, ...estimateNotes(estimate)].join('\n') };
}

/** Runs a plan, for each of its seeds; what is in `out` already is not repeated. */
export async function runPlan(
  plan: Plan,
  {
    weights,
    plugins: own,
    ...options
  }: PlanOptions & Pick<BenchChoice, 'out' | 'signal' | 'progress' | 'onRecord'> = {},
): Promise<RunRecord[]> {
  const { dataset, ...plugins } = await pluginsOf(plan, { weights, plugins: own });
  if (!plan.protocol.base && catalogue.models.includes(plugins.model))
    throw new Error(
      `protocol ${plan.protocol.name} trains no base model: give weights, a safetensors file for ${plan.model}`,
    );
  const data = await load(dataset, plan.datasetOptions);
  const records: RunRecord[] = [];
  const { modelOptions, speedups, roundTo, protocol } = plan;
  const choice = { ...plugins, data, modelOptions, speedups, roundTo, protocol };
  for (const seed of plan.seeds) records.push(...(await bench({ ...choice, seed, ...options })));
  return records;
}
