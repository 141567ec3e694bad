import { readFile } from 'node:fs/promises';
import { dataOrStandIn, estimateBench, estimateNotes, type BenchEstimate } from '../kernel/bench/estimate.ts';
import type { Experiment, ProfileName } from '../kernel/bench/experiment.ts';
import { modelWithWeights } from '../kernel/bench/model-with-weights.ts';
import { protocolLabel } from '../kernel/bench/protocols.ts';
import { planSchema, runsOf, type Plan, type PlanInput } from '../kernel/bench/plan.ts';
import type { RunRecord } from '../kernel/bench/record.ts';
import { find } from '../kernel/catalogue.ts';
import { duration } from '../kernel/text/table.ts';
import { table, type Table } from '../kernel/jupyter/table.ts';
import type { Model } from '../kernel/plugin.ts';
import { parseOptions, withoutPath } from '../kernel/options.ts';
import { bench, load, methodOf, strategyOf, type BenchChoice } from './api.ts';
import { ready } from './backend-choice.ts';
import { catalogue } from './catalogue.ts';

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
}

async function modelOf(plan: Plan, weights: string | undefined): Promise<Model> {
  const model = find('model', catalogue.models, plan.model);
  return weights === undefined ? model : modelWithWeights(model, await readFile(weights));
}

/**
 * How long a plan takes on this machine, as measured in a few training steps; runs that are done in `out` are not counted.
 * Neither data nor weights need be there: without a data set its published sizes are assumed, and `text` says so.
 */
export async function estimatePlan(
  plan: Plan,
  { weights, out }: PlanOptions & Pick<BenchChoice, 'out'> = {},
): Promise<BenchEstimate & { text: string }> {
  await ready();
  const dataset = find('dataset', catalogue.datasets, plan.dataset);
  const options = parseOptions(dataset, plan.datasetOptions);
  const { data, assumed } = await dataOrStandIn(dataset, options);
  const { modelOptions, speedups, seeds, roundTo, protocol } = plan;
  const estimate = await estimateBench({
    model: await modelOf(plan, weights),
    modelOptions,
    data,
    datasetOptions: withoutPath(options as Record<string, unknown>),
    task: find('task', catalogue.tasks, data.task),
    methods: plan.methods.map(methodOf),
    strategies: plan.strategies.map(strategyOf),
    ...{ speedups, seeds, roundTo, protocol, out, assumed },
  });
  return { ...estimate, text: [`about ${duration(estimate.total)}`, ...estimateNotes(estimate)].join('\n') };
}

/** Runs a plan, for each of its seeds; what is in `out` already is not repeated. */
export async function runPlan(
  plan: Plan,
  { weights, ...options }: PlanOptions & Pick<BenchChoice, 'out' | 'signal' | 'progress' | 'onRecord'> = {},
): Promise<RunRecord[]> {
  if (!plan.protocol.base && weights === undefined)
    throw new Error(
      `protocol ${plan.protocol.name} trains no base model: give weights, a safetensors file for ${plan.model}`,
    );
  const model = await modelOf(plan, weights);
  const data = await load(plan.dataset, plan.datasetOptions);
  const records: RunRecord[] = [];
  const { modelOptions, methods, strategies, speedups, roundTo, protocol } = plan;
  // A plan names plugins of the package only; a model with weights is a value of its own.
  const choice = { model, data, modelOptions, methods, strategies, speedups, roundTo, protocol, code: {} };
  for (const seed of plan.seeds) records.push(...(await bench({ ...choice, seed, ...options })));
  return records;
}
