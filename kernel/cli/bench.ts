import { Option } from 'commander';
import { z } from 'zod';
import { modelWithWeights } from '../bench/model-with-weights.ts';
import { bench as run, type BenchProgress } from '../bench/bench.ts';
import { dataOrStandIn, estimateBench, estimateNotes, type BenchEstimate } from '../bench/estimate.ts';
import { profileNames, type ProfileName } from '../bench/experiment.ts';
import type { Plan } from '../bench/plan.ts';
import { protocolSchema, type Protocol } from '../bench/protocol.ts';
import { protocolLabel, protocolNamed, protocols } from '../bench/protocols.ts';
import { methodName, type RunRecord } from '../bench/record.ts';
import { leaderboardTable } from '../bench/tables.ts';
import { find, type Catalogue } from '../catalogue.ts';
import { withoutPath } from '../options.ts';
import { modelOptionsOf } from '../plugin.ts';
import { codeIn } from '../plugin-code.ts';
import { choose, chooseMethod, chooseStrategy } from '../text/choose.ts';
import { json } from '../text/json.ts';
import { specOf, textOf } from '../text/schema.ts';
import { duration, table } from '../text/table.ts';
import { usage, UsageError } from '../text/usage.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import { addModelFlags, choiceOf, chooseModel } from './model-flags.ts';
import type { Describe } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { commandLine, interruptible } from './interrupt.ts';
import type { Io } from './io.ts';
import { readFrom } from './graph-source.ts';
import { LiveLine } from './live.ts';
import { read } from './read.ts';
import { seedSchema } from '../seed.ts';

const epochs = z.int().positive().optional();
const benchOptions = z.object({
  speedups: z.array(z.number().min(1)).min(1).default([2]).describe('multiply-adds before over after, at least'),
  seeds: z.array(seedSchema).min(1).default([0]).describe('everything is run once for each'),
  protocol: z
    .string()
    .default('quick')
    .describe(`${Object.keys(protocols).join(', ')}, or a JSON file`),
  baseEpochs: epochs.describe("epochs of the base model (default: the protocol's)"),
  sparsifyEpochs: epochs.describe("epochs under a regularizer (default: the protocol's)"),
  finetuneEpochs: z.int().min(0).optional().describe("epochs after pruning, 0 for none (default: the protocol's)"),
  batch: z.int().positive().optional().describe("images per step in all of them (default: the protocol's)"),
  roundTo: z.int().positive().default(1).describe('groups keep a multiple of so many units'),
});
type BenchFlags = z.infer<typeof benchOptions>;

export const bench: Describe = async (command, { io, catalogue, plugins, argv }) => {
  const known = await catalogue();
  command
    .option('--dataset <name>', choiceOf('data set', known.datasets))
    .option(
      '--experiment <name>',
      `all that follows as in an experiment of the paper, where it is not given: ${known.experiments.map(({ id }) => id).join(', ')}`,
    )
    .addOption(new Option('--profile <name>', 'size of the experiment').choices([...profileNames]).default('smoke'))
    .option('--estimate', 'say how long what is left of it takes on this machine, and do not run it')
    .option('--out <folder>', 'where records, base models and checkpoints are kept; what is there is not repeated')
    .option(
      '--methods <names>',
      `criteria, or criterion+regularizer, apart by spaces or commas; all (the default): ${known.criteria.map(({ id }) => id).join(', ')}`,
    )
    .option(
      '--strategies <names>',
      `all, or of ${known.strategies.map(({ id }) => id).join(', ')} (default: protected-global)`,
    );
  addBackendFlags(command, known);
  addFlags(command, benchOptions);
  addModelFlags(command, known, 'Options of models (classes, image and channels are those of the data set):');
  example(
    command,
    'pruningbench bench --model resnet18 --width 0.25 --dataset shapes --out runs/shapes',
    'pruningbench bench --model resnet18 --width 0.5 --dataset cifar10:path=cifar-10-batches-bin --strategies all --speedups 2,4 --out runs/cifar10',
    'pruningbench bench --model resnet18 --dataset shapes --methods lamp,bn-scale+bn-scale --protocol paper --out runs/paper',
  );
  command.action(async (typed: Given) => {
    const plan = planOf(typed, known);
    const given: Given = {
      methods: 'all',
      strategies: 'protected-global',
      ...(plan ? flagsOf(plan, typed) : {}),
      ...typed,
    };
    const flags = readFlags(benchOptions, given);
    if (given['out'] === undefined && !given['estimate'])
      throw new UsageError('no folder for the records: give --out FOLDER');
    for (const flag of ['model', 'dataset'])
      if (given[flag] === undefined) throw new UsageError(`no ${flag}: give --${flag} NAME, or --experiment NAME`);
    const methods = namesOf('--methods', given['methods'] as string, known.criteria).map(name =>
      chooseMethod(known, name),
    );
    const strategies = namesOf('--strategies', given['strategies'] as string, known.strategies).map(spec =>
      chooseStrategy(known, spec),
    );
    const protocol = await protocolOf(flags, typed['protocol'] === undefined ? plan?.protocol : undefined);
    if (!protocol.base && given['weights'] === undefined && !given['estimate'])
      throw new UsageError(`protocol ${protocol.name} trains no base model: give --weights FILE`);
    const dataset = choose('dataset', known.datasets, given['dataset'] as string);
    const task = find('task', known.tasks, dataset.plugin.task);
    const backend = await backendFrom(known, given);
    const { data, assumed } = given['estimate']
      ? await dataOrStandIn(dataset.plugin, dataset.options)
      : { data: await dataset.plugin.load(dataset.options), assumed: null };
    const fixed = { ...modelOptionsOf(data), seed: flags.seeds[0] };
    const model = chooseModel(known, given, fixed);
    for (const [key, value] of Object.entries(fixed))
      if (key in model.options && model.options[key] !== value)
        throw new UsageError(
          `model ${model.plugin.id}: option ${key} ${String(model.options[key])}: ` +
            (key === 'seed' ? 'seeds are given by --seeds' : `data set ${data.id} has ${value}`),
        );
    const weights = given['weights'] as string | undefined;
    const plugin =
      weights === undefined ? model.plugin : await readFrom(weights, bytes => modelWithWeights(model.plugin, bytes));
    const out = given['out'] as string;
    const code = await codeIn(plugins);
    if (given['estimate']) {
      const { seed: _, ...modelOptions } = model.options;
      const datasetOptions = withoutPath(dataset.options);
      const { speedups, seeds, roundTo } = flags;
      const runs = { model: plugin, modelOptions, data, datasetOptions, task, methods, strategies, speedups, roundTo };
      const estimate = await estimateBench({ ...runs, protocol, seeds, out, code, assumed });
      return io.out(given['json'] ? json(estimate) : estimateText(estimate, backend.id));
    }
    const show = new BenchLine(io, flags.seeds.length, !given['json']);
    const records: RunRecord[] = [];
    show.say(
      `${model.plugin.id} on ${data.id}, protocol ${protocolLabel(protocol)}, backend ${backend.id}; records in ${out}`,
    );
    await interruptible(
      io,
      `stopped; what is done is in ${out}. The same command goes on from there: ${commandLine(argv)}`,
      async signal => {
        for (const seed of flags.seeds)
          await run({
            model: plugin,
            modelOptions: { ...model.options, seed },
            data,
            datasetOptions: withoutPath(dataset.options),
            task,
            methods,
            strategies,
            speedups: flags.speedups,
            protocol,
            seed,
            roundTo: flags.roundTo,
            out,
            code,
            onAgain: reason => show.say(reason),
            format: find('format', known.formats, 'onnx'),
            signal,
            progress: progress => show.update(progress),
            onRecord(record) {
              if (records.some(({ id }) => id === record.id)) return;
              records.push(record);
              show.record(record);
            },
          });
      },
    ).finally(() => show.end());
    if (given['json']) return io.out(json({ backend: backend.id, out, records: records.map(({ id }) => id) }));
    io.out(`${String(leaderboardTable(records))}\n`);
    io.out(`backend ${backend.id}; records in ${out}\n`);
  });
};

function estimateText(estimate: BenchEstimate, backend: string): string {
  const stages = ['base', 'sparsify', 'prune', 'finetune', 'overhead', 'total'] as const;
  const rows = stages.map(stage => [stage, duration(estimate[stage])]);
  return `${table(['stage', 'time'], rows)}\n${[...estimateNotes(estimate), `backend ${backend}`].join('\n')}\n`;
}

/** Names apart by spaces or commas; what follows one of them and has an equals sign is an option of the name. */
function namesOf(flag: string, text: string, all: readonly { readonly id: string }[]): string[] {
  if (text === 'all') return all.map(({ id }) => id);
  const names = text
    .trim()
    .replace(/\s*\+\s*/g, '+')
    .split(/[\s,]+(?=[A-Za-z])(?![\w-]+=)/);
  if (names.join('') === '') throw new UsageError(`${flag}: no names`);
  return names.filter(Boolean);
}

/** What the experiment is at the profile that is asked for. */
function planOf(given: Given, { experiments }: Catalogue): Plan | undefined {
  const name = given['experiment'] as string | undefined;
  if (name === undefined) return undefined;
  return usage(() => find('experiment', experiments, name)).profiles[given['profile'] as ProfileName];
}

/** A plan as flags; another model or data set has options of its own. */
function flagsOf(plan: Plan, typed: Given): Given {
  const modelOptions = Object.entries(plan.modelOptions).map(([key, value]) => [key, textOf(value)]);
  return {
    ...(typed['model'] === undefined ? { model: plan.model, ...Object.fromEntries(modelOptions) } : {}),
    dataset: specOf(plan.dataset, plan.datasetOptions),
    methods: plan.methods.join(),
    strategies: plan.strategies.join(),
    speedups: plan.speedups.join(),
    seeds: plan.seeds.join(),
    roundTo: String(plan.roundTo),
  };
}

async function protocolOf(
  { protocol: name, baseEpochs, sparsifyEpochs, finetuneEpochs, batch }: BenchFlags,
  planned?: Protocol,
): Promise<Protocol> {
  const input = planned ?? (name.endsWith('.json') ? await jsonIn(name) : usage(() => protocolNamed(name)));
  const parsed = protocolSchema.safeParse(input);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new UsageError([`protocol ${name}`, path.join('.'), message].filter(Boolean).join(': '));
  }
  const { base, sparsify, finetune, ...rest } = parsed.data;
  if (finetuneEpochs && !finetune)
    throw new UsageError(`--finetune-epochs ${finetuneEpochs}: protocol ${name} has no fine-tuning`);
  if (baseEpochs && !base) throw new UsageError(`--base-epochs ${baseEpochs}: protocol ${name} trains no base model`);
  const changed = <T extends { epochs: number; batch: number }>(training: T, epochs = training.epochs): T => ({
    ...training,
    epochs,
    batch: batch ?? training.batch,
  });
  return {
    ...rest,
    base: base && changed(base, baseEpochs),
    sparsify: changed(sparsify, sparsifyEpochs),
    finetune: finetuneEpochs === 0 || !finetune ? null : changed(finetune, finetuneEpochs),
  };
}

async function jsonIn(file: string): Promise<unknown> {
  const text = (await read(file)).toString();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`protocol ${file}: not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** How a benchmark goes: a live line on a terminal, in a log a line now and then, and a line for every result. */
class BenchLine {
  readonly #io: Io;
  readonly #seeds: number;
  readonly #plain: boolean;
  readonly #live: LiveLine;
  readonly #started = performance.now();

  constructor(io: Io, seeds: number, plain: boolean) {
    this.#io = io;
    this.#seeds = seeds;
    this.#plain = plain;
    this.#live = new LiveLine(io, { log: plain });
  }

  /** A line that stays, while none is live. */
  say(text: string): void {
    if (this.#plain) this.#io.err(`${text}\n`);
  }

  get #elapsed(): string {
    return duration((performance.now() - this.#started) / 1000);
  }

  update({ run, runs, stage, label, fraction, training, secondsLeft }: BenchProgress): void {
    const parts = [
      `run ${run + 1} of ${runs}${this.#seeds > 1 ? ' of this seed' : ''}`,
      label,
      `${stage} ${(100 * fraction).toFixed(0)}%`,
      ...(training ? [`loss ${training.loss.toFixed(3)}`, `${duration(training.secondsLeft)} left of it`] : []),
      ...(Number.isFinite(secondsLeft) ? [`${duration(secondsLeft)} left`] : []),
    ];
    const text = parts.join('  ');
    this.#live.show(this.#live.visible ? text : `${this.#elapsed}  ${text}`, `${run} ${stage}`);
  }

  record({ configuration, score, pruned }: RunRecord): void {
    this.#live.clear();
    if (!this.#plain) return;
    const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
    const { strategy, speedup, seed } = configuration;
    this.#io.err(
      `${this.#elapsed}  ${methodName(configuration)}, ${strategy.id}, ${speedup}x${this.#seeds > 1 ? `, seed ${seed}` : ''}: ` +
        [
          `${score} ${percent(pruned.before[score]!)}`,
          ...(pruned.recalibrated ? [`recalibrated ${percent(pruned.recalibrated[score]!)}`] : []),
          ...(configuration.protocol.finetune ? [`fine-tuned ${percent(pruned.scores[score]!)}`] : []),
        ].join(', ') +
        '\n',
    );
  }

  end(): void {
    this.#live.clear();
  }
}
