import { z } from 'zod';
import { provenance } from '../bench/provenance.ts';
import { find } from '../catalogue.ts';
import { speedupOptions } from '../bench/latency-speedup.ts';
import { compareLatency, type Comparison, type Latency } from '../bench/measure.ts';
import type { Graph } from '../graph/graph.ts';
import { prune as pruneGraph, scoringOf, type Pruned } from '../prune/prune.ts';
import { withoutPath } from '../options.ts';
import { layersOf } from '../graph/layers.ts';
import { modelOptionsOf } from '../plugin.ts';
import { normalizationNames, reductionNames } from '../prune/score.ts';
import { speedupKinds } from '../prune/speedup.ts';
import { choose } from '../text/choose.ts';
import { json } from '../text/json.ts';
import { metric, table } from '../text/table.ts';
import { UsageError } from '../text/usage.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import { choiceOf } from './model-flags.ts';
import type { Describe } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { addGraphFlags, graphFrom } from './graph-source.ts';
import { LiveLine } from './live.ts';
import { writeModel } from './write-model.ts';
import { seedSchema } from '../seed.ts';

const pruneOptions = z.object({
  speedup: z.number().min(1).describe('multiply-adds, or time, before over after, at least'),
  steps: z.int().positive().default(400).describe('step k leaves 1 - k / steps of the units, scored anew at each'),
  count: z
    .enum(speedupKinds)
    .default('plain')
    .describe('what the speed-up is of: multiply-adds, also as Torch-Pruning counts, or measured time'),
  roundTo: z.int().positive().default(1).describe('groups keep a multiple of so many units'),
  reduce: z.enum(reductionNames).optional().describe("how the scores of a unit become one (default: the criterion's)"),
  normalize: z
    .enum(normalizationNames)
    .optional()
    .describe("how groups are made comparable (default: the criterion's)"),
  ignore: z.array(z.string()).default([]).describe('groups that stay whole'),
  seed: seedSchema.default(0).describe('seed of whatever is random'),
});

const calibrationOptions = z.object({
  calibrationBatches: z.int().positive().default(10).describe('batches of training images that a criterion sees'),
  calibrationBatch: z.int().positive().default(128).describe('images in each of them'),
  estimateEvery: z.int().positive().default(1).describe('pruning steps from one look at the data to the next'),
});

const latencyOptions = z.object({
  latencyBatch: z.int().positive().default(1).describe('inputs per pass whose time is measured'),
  latencyThreads: z.int().positive().default(1).describe('threads that compute it'),
  latencyRepeats: z.int().min(0).default(20).describe('passes of which the fastest counts, 0 for none'),
});

export const prune: Describe = async (command, { io, catalogue }) => {
  const known = await catalogue();
  command
    .requiredOption('--criterion <name>', choiceOf('criterion', known.criteria))
    .option('--strategy <name>', `${choiceOf('strategy', known.strategies)} (default: protected-global)`)
    .option('--dataset <name>', `for criteria that need data: ${choiceOf('data set', known.datasets)}`)
    .option('--out <folder>', 'where model.safetensors, model.onnx and prune.json are written');
  addBackendFlags(command, known, 'what computes, for criteria with tensors');
  addFlags(command, pruneOptions);
  addFlags(command, latencyOptions);
  addFlags(command, calibrationOptions);
  addGraphFlags(command, known);
  example(
    command,
    'pruningbench prune --model resnet18 --classes 10 --criterion magnitude-l2 --speedup 2 --out pruned',
    'pruningbench prune --load trained/model.safetensors --criterion lamp --strategy protected-global:floor=0.2 --speedup 4',
  );
  command.action(async (given: Given) => {
    const settings = readFlags(pruneOptions, given);
    const { count: kind, ...rest } = settings;
    const { latencyBatch: batch, latencyThreads: threads, latencyRepeats: repeats } = readFlags(latencyOptions, given);
    if (kind === 'latency' && repeats === 0)
      throw new UsageError('--latency-repeats 0: nothing is measured that --count latency could go by');
    const criterion = choose('criterion', known.criteria, given['criterion'] as string);
    const strategy = choose(
      'strategy',
      known.strategies,
      (given['strategy'] as string | undefined) ?? 'protected-global',
    );
    const dataset =
      given['dataset'] === undefined ? undefined : choose('dataset', known.datasets, given['dataset'] as string);
    const { estimate, local, pair, finish } = criterion.plugin;
    if (estimate && !dataset)
      throw new UsageError(`criterion ${criterion.plugin.id} needs data to run the network on: give --dataset NAME`);
    if (!estimate && !finish && dataset)
      throw new UsageError(`--dataset ${given['dataset'] as string}: criterion ${criterion.plugin.id} needs no data`);
    const { calibrationBatches, calibrationBatch, estimateEvery } = readFlags(calibrationOptions, given);
    const computes = (dataset ?? pair ?? local ?? given['backend']) !== undefined;
    const backend = computes ? await backendFrom(known, given) : undefined;
    const data = await dataset?.plugin.load(dataset.options);
    const { graph, source } = await graphFrom(known, given, {
      seed: settings.seed,
      ...(data ? modelOptionsOf(data) : {}),
    });
    const looks = { batches: calibrationBatches, batch: calibrationBatch, every: estimateEvery };
    const calibration = data && { ...looks, split: data.train, task: find('task', known.tasks, data.task) };
    const { reduce, normalize } = scoringOf(criterion.plugin, settings);
    const onnx = find('format', known.formats, 'onnx');
    const measured = { batch, threads, repeats };
    const live = new LiveLine(io);
    const started = performance.now();
    const pruned = await pruneGraph(graph, {
      ...rest,
      ...speedupOptions(kind, graph, rest.speedup, onnx, measured),
      reduce,
      normalize,
      calibration,
      criterion: criterion.plugin,
      criterionOptions: criterion.options,
      strategy: strategy.plugin,
      strategyOptions: strategy.options,
      progress: ({ step, speedup, target }) => live.show(`step ${step}: speed-up ${speedup.toFixed(2)} of ${target}`),
    }).finally(() => live.clear());
    const seconds = (performance.now() - started) / 1000;
    const latency = repeats === 0 ? null : await compareLatency(onnx.write(graph), onnx.write(pruned.graph), measured);
    const record = {
      version: 1,
      model: source,
      criterion: { id: criterion.plugin.id, options: criterion.options },
      strategy: { id: strategy.plugin.id, options: strategy.options },
      options: { ...settings, reduce, normalize },
      ...(data && dataset
        ? {
            dataset: { id: data.id, options: withoutPath(dataset.options), checksum: data.checksum },
            calibration: looks,
          }
        : {}),
      backend: backend?.id ?? null,
      before: pruned.before,
      after: pruned.after,
      speedup: pruned.speedup,
      steps: pruned.trace.length,
      groups: pruned.groups,
      versions: provenance().versions,
    };
    const out = given['out'] as string | undefined;
    const files = out === undefined ? [] : await writeModel(out, known, pruned.graph, 'prune', record);
    if (given['json']) return io.out(json({ ...record, latency, seconds, files }));
    io.out(layersText(graph, pruned));
    io.out(
      `\n${totalsText(pruned, latency)}\n${kind} speed-up ${pruned.speedup.toFixed(3)} after ${pruned.trace.length} steps, ${seconds.toFixed(1)} s\n`,
    );
    for (const file of files) io.out(`wrote ${file}\n`);
  });
};

function layersText(before: Graph, { graph: after }: Pruned): string {
  const small = new Map(layersOf(after).map(layer => [layer.id, layer]));
  const rows = layersOf(before).map(({ id, shape, macs }) => {
    const layer = small.get(id)!;
    const share = `${((100 * layer.macs) / macs).toFixed(0)}%`;
    return [id, shape.join(' x '), layer.shape.join(' x '), metric(macs), metric(layer.macs), share];
  });
  return table(['layer', 'kernel', 'pruned', 'MACs', 'pruned', 'left'], rows);
}

function totalsText({ before, after }: Pruned, latency: Comparison | null): string {
  const milliseconds = ({ minMs }: Latency) => `${minMs.toPrecision(3)} ms`;
  const row = (name: string, a: number, b: number) => [name, metric(a), metric(b), `${((100 * b) / a).toFixed(1)}%`];
  return table(
    ['total', 'before', 'after', 'left'],
    [
      row('parameters', before.params, after.params),
      row('MACs', before.macs, after.macs),
      row('MACs, compatible', before.macsCompatible, after.macsCompatible),
      ...(latency
        ? [
            [
              `latency, batch ${latency.base.batch}`,
              milliseconds(latency.base),
              milliseconds(latency.pruned),
              `${(100 / latency.ratio).toFixed(1)}%`,
            ],
          ]
        : []),
    ],
  );
}
