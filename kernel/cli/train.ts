import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { provenance } from '../bench/provenance.ts';
import { disposePenalty, regularizeBy } from '../bench/regularize.ts';
import { find } from '../catalogue.ts';
import { count } from '../graph/count.ts';
import { withoutPath } from '../options.ts';
import { modelOptionsOf } from '../plugin.ts';
import { sparsityOf } from '../prune/sparsity.ts';
import { fit, type Fitted } from '../train/fit.ts';
import type { TrainingProgress } from '../train/progress.ts';
import { sparsifyOptions, trainingOptions } from '../train/training-options.ts';
import { choose } from '../text/choose.ts';
import { json } from '../text/json.ts';
import { duration, metric, table } from '../text/table.ts';
import { choiceOf } from './model-flags.ts';
import type { Describe } from './command.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { addGraphFlags, graphFrom } from './graph-source.ts';
import { commandLine, interruptible } from './interrupt.ts';
import type { Io } from './io.ts';
import { LiveLine } from './live.ts';
import { writeModel } from './write-model.ts';
import { seedSchema } from '../seed.ts';

const runOptions = z.object({
  seed: seedSchema.default(0).describe('seed of initial weights, order and augmentation'),
  checkpointEvery: z.int().positive().default(100).describe('steps between checkpoints within an epoch'),
});

export const train: Describe = async (command, { io, catalogue, argv }) => {
  const known = await catalogue();
  command
    .requiredOption('--dataset <name>', choiceOf('data set', known.datasets))
    .option('--regularizer <name>', choiceOf('regularizer', known.regularizers))
    .option('--criterion <name>', 'the criterion that prunes afterwards: what it scores is made sparse')
    .option('--out <folder>', 'where checkpoints, model.safetensors, model.onnx and train.json are written')
    .option('--no-resume', 'start over where the folder holds a checkpoint');
  addBackendFlags(command, known);
  addFlags(command, runOptions);
  addGraphFlags(command, known, 'Options of models (classes, image and channels: those of the data set):');
  addFlags(command, trainingOptions, 'Options of the training:');
  example(
    command,
    'pruningbench train --model resnet18 --width 0.25 --dataset shapes --epochs 3 --out trained',
    'pruningbench train --load pruned/model.safetensors --dataset shapes:train=2000 --epochs 10 --optimizer sgd:learningRate=0.02 --out tuned',
  );
  command.action(async (given: Given) => {
    const { checkpointEvery } = readFlags(runOptions, given);
    const out = given['out'] as string | undefined;
    const dataset = choose('dataset', known.datasets, given['dataset'] as string);
    const regularizer =
      given['regularizer'] === undefined
        ? undefined
        : choose('regularizer', known.regularizers, given['regularizer'] as string);
    const training = readFlags(regularizer ? sparsifyOptions : trainingOptions, given);
    const task = find('task', known.tasks, dataset.plugin.task);
    const backend = await backendFrom(known, given);
    const data = await dataset.plugin.load(dataset.options);
    const { graph, source } = await graphFrom(known, given, { ...modelOptionsOf(data), seed: training.seed });
    const used = regularizer && { id: regularizer.plugin.id, options: regularizer.options };
    const criterion = given['criterion'] as string | undefined;
    const scores = criterion === undefined ? undefined : choose('criterion', known.criteria, criterion).plugin;
    const penalty = regularizer?.plugin.start(sparsityOf(graph, scores), regularizer.options);
    const show = new TrainingLine(io, task.score, !given['json']);
    const started = performance.now();
    const fitted = await interruptible(
      io,
      () => howToResume(out, argv),
      signal =>
        fit(graph, data, task, {
          ...training,
          signal,
          progress: progress => show.update(progress),
          regularize: penalty && regularizeBy(penalty),
          slots: penalty?.slots,
          ...(out === undefined
            ? {}
            : {
                checkpoint: {
                  folder: out,
                  everySteps: checkpointEvery,
                  resume: given['resume'] !== false,
                  identity: { regularizer: used ?? null, criterion: scores?.id ?? null },
                },
              }),
        }),
    ).finally(() => {
      show.end();
      disposePenalty(penalty);
    });
    const seconds = (performance.now() - started) / 1000;
    const record = {
      version: 1,
      model: source,
      dataset: {
        id: data.id,
        options: withoutPath(dataset.options),
        checksum: data.checksum,
        train: data.train.size,
        test: data.test.size,
      },
      task: task.id,
      score: task.score,
      options: training,
      regularizer: used ?? null,
      ...(scores ? { criterion: scores.id } : {}),
      backend: backend.id,
      size: count(fitted.graph),
      scores: fitted.scores,
      best: fitted.best,
      history: fitted.history,
      versions: provenance().versions,
    };
    const files = out === undefined ? [] : await writeModel(out, known, fitted.graph, 'train', record);
    if (given['json']) return io.out(json({ ...record, resumed: fitted.resumed, seconds, files }));
    io.out(historyText(fitted));
    io.out(`\nbackend ${backend.id}, ${metric(record.size.params)} parameters, ${duration(seconds)}\n`);
    for (const file of files) io.out(`wrote ${file}\n`);
  });
};

function howToResume(out: string | undefined, argv: readonly string[]): string {
  if (out === undefined) return 'stopped; without --out nothing was kept';
  if (!existsSync(join(out, 'last.safetensors'))) return 'stopped before the first checkpoint; nothing was kept';
  const again = argv.filter(word => word !== '--no-resume');
  return `stopped; the last checkpoint is in ${out}. To go on: ${commandLine(again)}`;
}

/** How a training goes: a live line on a terminal, else a line per epoch. */
class TrainingLine {
  readonly #io: Io;
  readonly #score: string;
  readonly #plain: boolean;
  readonly #live: LiveLine;

  constructor(io: Io, score: string, plain: boolean) {
    this.#io = io;
    this.#score = score;
    this.#live = new LiveLine(io);
    this.#plain = plain && !this.#live.visible;
  }

  update(progress: TrainingProgress): void {
    const { epoch, epochs, step, steps, loss, learningRate, score, secondsLeft } = progress;
    const parts = [
      `epoch ${epoch}/${epochs}`,
      `step ${step}/${steps}`,
      `loss ${loss.toFixed(4)}`,
      `rate ${learningRate.toPrecision(3)}`,
      ...(score === undefined ? [] : [`${this.#score} ${score.toFixed(4)}`]),
      `${duration(secondsLeft)} left`,
    ];
    const line = parts.join('  ');
    this.#live.show(line);
    // Only what is reported at the end of an epoch has a score.
    if (this.#plain && score !== undefined) this.#io.err(`${line}\n`);
  }

  end(): void {
    this.#live.clear();
  }
}

function historyText({ history }: Fitted): string {
  const names = Object.keys(history.at(-1)?.scores ?? {});
  const rows = history.map(({ epoch, loss, learningRate, seconds, scores }) => [
    String(epoch),
    loss.toFixed(4),
    learningRate.toPrecision(3),
    ...names.map(name => scores?.[name]?.toFixed(4) ?? ''),
    seconds.toFixed(1),
  ]);
  return table(['epoch', 'training loss', 'rate', ...names, 'seconds'], rows);
}
