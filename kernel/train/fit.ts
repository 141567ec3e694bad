import { setImmediate } from 'node:timers/promises';
import type { z } from 'zod';
import { inputShape, type Graph } from '../graph/graph.ts';
import { Network } from '../graph/run.ts';
import type { Batch, Data, Task } from '../plugin.ts';
import { graphDigest, type Identity } from './checkpoint.ts';
import { evaluate } from './evaluate.ts';
import { learningRates } from './learning-rate.ts';
import { Losses } from './losses.ts';
import { createOptimizer, type NamedVariables, type Optimizer } from './optimizer.ts';
import { reporter, type TrainingProgress } from './progress.ts';
import { RunFiles, type Best, type EpochRecord, type RunState } from './run-state.ts';
import { trainStep, type Regularize } from './step.ts';
import { trainingOptions, type TrainingOptions } from './training-options.ts';

export interface CheckpointOptions {
  /** Where `last.safetensors` is kept, and `best.safetensors` where that is wanted; a run that is found there goes on. */
  readonly folder: string;
  /** Write also within epochs, each time after so many steps. */
  readonly everySteps?: number | undefined;
  /** Write also within epochs where this says so; it is asked after every step. */
  readonly due?: (() => boolean) | undefined;
  /** Told of every file when it is complete. */
  readonly written?: ((path: string) => void) | undefined;
  /** False starts over. */
  readonly resume?: boolean;
  /** What else the result depends on, such as the options of a regularizer; plain JSON. */
  readonly identity?: Identity;
}

export interface FitOptions extends z.input<typeof trainingOptions> {
  readonly signal?: AbortSignal | undefined;
  /** Called about ten times a second at most, and at the end of every epoch. */
  readonly progress?: ((progress: TrainingProgress) => void) | undefined;
  readonly regularize?: Regularize | undefined;
  /** State of the regularizer, to be kept in checkpoints. */
  readonly slots?: NamedVariables | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
}

export interface Fitted {
  readonly graph: Graph;
  readonly history: readonly EpochRecord[];
  /** The task's numbers of the weights that are returned: those of the last epoch, or of the best. */
  readonly scores: Readonly<Record<string, number>>;
  readonly best: Best;
  /** Whether it went on from a checkpoint. */
  readonly resumed: boolean;
}

/**
 * Trains a graph. The result follows from graph, data, options and backend alone, whether the run was interrupted or
 * not. Throws the signal's reason where it is aborted, and where a loss is not finite; the last checkpoint stays then.
 */
export async function fit<T>(graph: Graph, data: Data<T>, task: Task<T>, options: FitOptions = {}): Promise<Fitted> {
  options.signal?.throwIfAborted();
  const run = new Run(graph, data, task, options);
  try {
    const resumed = await run.resume();
    while (run.epoch < run.settings.epochs) {
      await run.train();
      await run.finishEpoch();
    }
    return { ...(await run.result()), resumed };
  } finally {
    run.dispose();
  }
}

class Run<T> {
  readonly settings: TrainingOptions;
  readonly #options: FitOptions;
  readonly #data: Data<T>;
  readonly #task: Task<T>;
  readonly #network: Network;
  readonly #optimizer: Optimizer;
  readonly #files: RunFiles | undefined;
  readonly #stepsPerEpoch: number;
  readonly #rate: (step: number) => number;
  #losses: Losses;
  #report: ReturnType<typeof reporter> = () => {};
  #state: RunState = { epoch: 0, step: 0, losses: { sum: 0, images: 0 }, updates: 0, history: [] };
  #started = performance.now();
  /** The best weights, where there is no file for them. */
  #best: Graph | undefined;

  constructor(graph: Graph, data: Data<T>, task: Task<T>, options: FitOptions) {
    const { signal: _, progress: _p, regularize: _r, slots, checkpoint, ...given } = options;
    this.settings = trainingOptions.parse(given);
    const { batch, dropLast, epochs, optimizer, schedule } = this.settings;
    if (data.task !== task.id) throw new Error(`fit: data set ${data.id} is for ${data.task}, the task is ${task.id}`);
    const shape = inputShape(graph);
    if (shape.join() !== data.shape.join())
      throw new RangeError(
        `fit: images of ${data.id} are [${data.shape.join(', ')}], ${graph.name} reads [${shape.join(', ')}]`,
      );
    const { size } = data.train;
    this.#stepsPerEpoch = dropLast ? Math.floor(size / batch) : Math.ceil(size / batch);
    if (this.#stepsPerEpoch === 0)
      throw new RangeError(`fit: ${size} training images of ${data.id} make no batch of ${batch}`);
    this.#rate = learningRates(schedule, optimizer.learningRate, epochs, this.#stepsPerEpoch);
    this.#options = options;
    this.#data = data;
    this.#task = task;
    this.#losses = new Losses(this.#place);
    this.#network = new Network(graph);
    const trainable = [...this.#network.variables].filter(([, variable]) => variable.trainable);
    this.#optimizer = createOptimizer(optimizer, new Map(trainable));
    if (!checkpoint) return;
    const identity = {
      graph: { name: graph.name, sha256: graphDigest(graph) },
      data: { id: data.id, sha256: data.checksum, train: size, test: data.test.size },
      task: task.id,
      options: this.settings,
      more: checkpoint.identity ?? {},
    };
    this.#files = new RunFiles(checkpoint, identity, this.#network, this.#optimizer, slots);
  }

  /** Epochs that are complete. */
  get epoch(): number {
    return this.#state.epoch;
  }

  /** Goes on from the last checkpoint, if there is one. */
  async resume(): Promise<boolean> {
    const found = this.#options.checkpoint?.resume === false ? undefined : await this.#files?.restore('last');
    if (found) this.#state = found;
    this.#losses = new Losses(this.#place, this.#state.losses);
    const { epoch, step } = this.#state;
    const steps = this.settings.epochs * this.#stepsPerEpoch;
    const from = epoch * this.#stepsPerEpoch + step;
    this.#report = reporter(this.#options.progress, { epochs: this.settings.epochs, steps, from });
    return found !== undefined;
  }

  /** The rest of the epoch's steps. */
  async train(): Promise<void> {
    this.#started = performance.now();
    const { signal, checkpoint } = this.#options;
    const { batch, seed, epochs, augment, dropLast } = this.settings;
    const { epoch, step: skip } = this.#state;
    const request = { batch, seed, epoch, epochs, shuffle: true, augment, dropLast, ...(signal ? { signal } : {}) };
    let done = 0;
    for await (const samples of this.#data.train.batches(request)) {
      if (done++ < skip) continue;
      await this.#step(samples, epoch * this.#stepsPerEpoch + done - 1);
      await setImmediate();
      signal?.throwIfAborted();
      const due = (checkpoint?.everySteps && done % checkpoint.everySteps === 0) || checkpoint?.due?.();
      if (due && done < this.#stepsPerEpoch) {
        await this.#losses.flush();
        const losses = this.#losses.total;
        await this.#files!.save('last', { ...this.#state, step: done, losses, updates: this.#optimizer.steps });
        signal?.throwIfAborted();
      }
    }
    await this.#losses.flush();
    if (done !== this.#stepsPerEpoch)
      throw new Error(`fit: epoch ${epoch + 1} of ${this.#data.id} had ${done} batches, not ${this.#stepsPerEpoch}`);
  }

  async #step(samples: Batch<T>, step: number): Promise<void> {
    const { epochs } = this.settings;
    const learningRate = this.#rate(step);
    const moment = { epoch: this.epoch, epochs, step, steps: epochs * this.#stepsPerEpoch };
    const loss = trainStep(
      { network: this.#network, task: this.#task, optimizer: this.#optimizer, regularize: this.#options.regularize },
      samples,
      learningRate,
      moment,
    );
    await this.#losses.add(step, samples.size, loss);
    this.#report({ epoch: this.epoch + 1, step: step + 1, loss: this.#losses.smooth, learningRate });
  }

  /** Scores, records and saves what the epoch came to. */
  async finishEpoch(): Promise<void> {
    const epoch = this.epoch + 1;
    const { sum, images } = this.#losses.total;
    const step = epoch * this.#stepsPerEpoch;
    const loss = sum / images;
    const learningRate = this.#rate(step - 1);
    const scores = await this.#scores(epoch);
    const score = scores?.[this.#task.score];
    const seconds = (performance.now() - this.#started) / 1000;
    const record = { epoch, loss, learningRate, seconds, ...(scores ? { scores } : {}) };
    const { best, history } = this.#state;
    const better = score !== undefined && !(best && best.score >= score);
    this.#losses.reset();
    this.#state = {
      epoch,
      step: 0,
      losses: this.#losses.total,
      updates: this.#optimizer.steps,
      history: [...history, record],
      ...(better ? { best: { epoch, score } } : best ? { best } : {}),
    };
    if (better && this.settings.keep === 'best') {
      if (this.#files) await this.#files.save('best', this.#state);
      else this.#best = await this.#network.snapshot();
    }
    await this.#files?.save('last', this.#state);
    this.#report({ epoch, step, loss, learningRate, ...(score === undefined ? {} : { score }), ended: record }, true);
  }

  async #scores(epoch: number): Promise<Readonly<Record<string, number>> | undefined> {
    const { batch, epochs, evaluateEvery } = this.settings;
    if (epoch !== epochs && (evaluateEvery === 0 || epoch % evaluateEvery !== 0)) return undefined;
    const { signal } = this.#options;
    const scores = await evaluate(this.#network, this.#data.test, this.#task, { batch, signal });
    if (scores[this.#task.score] === undefined)
      throw new Error(
        `task ${this.#task.id}: its meter gives ${Object.keys(scores).join(', ')}, not ${this.#task.score}`,
      );
    return scores;
  }

  async result(): Promise<Omit<Fitted, 'resumed'>> {
    const { history, best } = this.#state;
    const { keep, epochs } = this.settings;
    if (keep === 'best' && this.#files && !(await this.#files.restore('best')))
      throw new Error(`fit: the file of the best weights, of epoch ${best!.epoch}, is gone`);
    const graph = this.#best ?? (await this.#network.snapshot());
    const returned = history[(keep === 'best' ? best!.epoch : epochs) - 1]!;
    return { graph, history, scores: returned.scores!, best: best! };
  }

  dispose(): void {
    this.#losses.dispose();
    this.#optimizer.dispose();
    this.#network.dispose();
  }

  /** Where a step is, for messages. */
  readonly #place = (step: number): string => {
    const epoch = Math.floor(step / this.#stepsPerEpoch);
    return `step ${step + 1} (epoch ${epoch + 1}, batch ${step - epoch * this.#stepsPerEpoch + 1})`;
  };
}
