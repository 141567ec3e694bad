import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { count } from '../graph/count.ts';
import { lockFolderSoon } from '../folder-lock.ts';
import type { Graph } from '../graph/graph.ts';
import { withCode, type PluginCode } from '../plugin-code.ts';
import type { Criterion, Data, Format, Model, Regularizer, Strategy, Task } from '../plugin.ts';
import type { Normalization } from '../prune/normalize.ts';
import { prune } from '../prune/prune.ts';
import { sparsityOf } from '../prune/sparsity.ts';
import type { Reduction } from '../prune/score.ts';
import { graphDigest } from '../train/checkpoint.ts';
import { evaluate } from '../train/evaluate.ts';
import { recalibrate } from '../train/recalibrate.ts';
import { fit, type CheckpointOptions, type Fitted, type FitOptions } from '../train/fit.ts';
import type { TrainingProgress } from '../train/progress.ts';
import { makeFolder } from '../train/write-atomically.ts';
import type { TrainingOptions } from '../train/training-options.ts';
import { speedupOptions } from './latency-speedup.ts';
import { compareLatency } from './measure.ts';
import { modelOptionsFor, plannedRuns, type PlannedRun } from './planned-runs.ts';
import { evaluationBatch, protocolSchema, type ProtocolInput } from './protocol.ts';
import { readPruned, writePruned, type TimedPruned } from './pruned-file.ts';
import { provenance } from './provenance.ts';
import { hashOf, methodName, otherCode, readRecord, writeRecord, type RunRecord } from './record.ts';
import { disposePenalty, penaltySeconds, regularizeBy } from './regularize.ts';

/** A row of the leaderboard: a criterion, with a regularizer before it or not. */
export interface Method {
  readonly criterion: Criterion;
  readonly criterionOptions?: unknown;
  readonly regularizer?: Regularizer | undefined;
  readonly regularizerOptions?: unknown;
  readonly reduce?: Reduction | undefined;
  readonly normalize?: Normalization | undefined;
}

export interface BenchOptions {
  readonly model: Model;
  readonly modelOptions?: Readonly<Record<string, unknown>>;
  readonly data: Data;
  /** The options the data were loaded with, for the record. */
  readonly datasetOptions?: Readonly<Record<string, unknown>>;
  readonly task: Task;
  readonly methods: readonly Method[];
  readonly strategies: readonly { readonly strategy: Strategy; readonly options?: unknown }[];
  readonly speedups: readonly number[];
  readonly protocol: ProtocolInput;
  /** A trained base model; without it the protocol's training makes one. */
  readonly base?: Trained | undefined;
  readonly seed?: number;
  readonly roundTo?: number;
  /** Folder for records, base models and checkpoints. A run that is found there is not repeated. */
  readonly out?: string | undefined;
  /** Code of plugins that are not the package's: what was made with other code of theirs is made again. */
  readonly code?: PluginCode | undefined;
  /** Told why a run is made again whose record is in `out`. */
  readonly onAgain?: ((reason: string) => void) | undefined;
  /** When trainings write to `out` beside the end of every epoch, and who is told of the files. */
  readonly checkpoint?: Pick<CheckpointOptions, 'everySteps' | 'due' | 'written'> | undefined;
  /** Writes the files whose latency is measured. */
  readonly format: Format;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: BenchProgress) => void) | undefined;
  /** Called for each record as it comes, those that were found too. */
  readonly onRecord?: ((record: RunRecord) => void) | undefined;
  /** Given the models of each record that is made, before it is written; of those that were found, there are none. */
  readonly onModels?: ((models: BenchModels, record: RunRecord) => void | Promise<void>) | undefined;
}

/** The models of a record: before pruning, and as it ends. */
export interface BenchModels {
  readonly base: Graph;
  readonly pruned: Graph;
}

export interface BenchProgress {
  /** Runs that are done, of how many. */
  readonly run: number;
  readonly runs: number;
  readonly stage: 'base' | 'sparsify' | 'prune' | 'finetune' | 'measure';
  /** What is running, as in `lamp, protected-global, 2x`. */
  readonly label: string;
  /** Share of the stage that is done, from 0 to 1. */
  readonly fraction: number;
  /** State of the training, in stages that train. */
  readonly training?: TrainingProgress;
  /** Estimate for all runs, from those that are done; NaN before the first. */
  readonly secondsLeft: number;
}

/**
 * Runs the benchmark: trains the base model once, then for every method, strategy and speed-up sparsifies (where the
 * method has a regularizer), groups, prunes, fine-tunes, evaluates and measures. Returns the records, which are written
 * to `out` as they come; what is found there is not repeated.
 */
export async function bench(options: BenchOptions): Promise<RunRecord[]> {
  return new Bench(options).run();
}

/** Trains the base model of a benchmark; what is in `out` is not trained again. */
export async function trainBase(options: BenchOptions): Promise<Trained> {
  return new Bench(options).base();
}

/**
 * Trains the base model of a benchmark, and trains it on under the regularizer of its first method; what is in `out` is
 * not trained again. Throws where the method has no regularizer.
 */
export async function trainSparsified(options: BenchOptions): Promise<Trained> {
  return new Bench(options).sparsified();
}

/** A graph with the scores and the history of its training, as `fit` returns it. */
export interface Trained {
  readonly graph: Graph;
  readonly scores: Readonly<Record<string, number>>;
  readonly history: Fitted['history'];
}

class Bench {
  readonly #options: BenchOptions;
  readonly #seed: number;
  readonly #protocol;
  readonly #modelOptions: Record<string, unknown>;
  readonly #records: RunRecord[] = [];
  readonly #durations: number[] = [];
  readonly #sparsified = new Map<string, Promise<Trained & { regularizerSeconds: number }>>();
  #runs = 0;
  #base: Trained | undefined;

  constructor(options: BenchOptions) {
    const { model, task, seed = 0 } = options;
    if (model.task !== task.id) throw new Error(`model ${model.id} is for ${model.task}, the task is ${task.id}`);
    this.#options = options;
    this.#seed = seed;
    this.#protocol = protocolSchema.parse(options.protocol);
    this.#base = options.base;
    this.#modelOptions = modelOptionsFor(options);
  }

  async #ready(): Promise<void> {
    const { out } = this.#options;
    await tf.ready();
    if (out !== undefined) await makeFolder(out);
  }

  async base(): Promise<Trained> {
    await this.#ready();
    return (this.#base ??= await this.#trainBase());
  }

  async sparsified(): Promise<Trained> {
    await this.#ready();
    const [run] = plannedRuns(this.#options);
    if (!run?.method.regularizer) throw new Error(`method ${run?.method.criterion.id} has no regularizer`);
    return this.#sparsify(await this.base(), run, methodName(run.configuration));
  }

  async run(): Promise<RunRecord[]> {
    const { out, onRecord, onAgain } = this.#options;
    await this.#ready();
    const runs = plannedRuns(this.#options);
    this.#runs = runs.length;
    for (const run of runs) {
      this.#options.signal?.throwIfAborted();
      const there = out === undefined ? undefined : await readRecord(out, run.id);
      const changed = there ? otherCode(there, run.code) : [];
      if (changed.length > 0)
        onAgain?.(`${run.label} is made again: its record in ${out} was made with other code of ${changed.join(', ')}`);
      const found = changed.length > 0 ? undefined : there;
      const record = found ?? (await this.#one(run));
      if (!found && out !== undefined) await writeRecord(out, record);
      this.#records.push(record);
      onRecord?.(record);
    }
    return this.#records;
  }

  async #one(run: PlannedRun): Promise<RunRecord> {
    const { id, label, configuration, method, code } = run;
    const { data, task, signal } = this.#options;
    const base = (this.#base ??= await this.#trainBase());
    const started = performance.now();
    const sparsified = method.regularizer ? await this.#sparsify(base, run, label) : undefined;
    const from = sparsified ?? base;
    const pruned = await this.#prune(from.graph, run);
    const before = await evaluate(pruned.graph, data.test, task, { batch: evaluationBatch(this.#protocol), signal });
    const recalibrated = await this.#recalibrated(pruned.graph);
    const finetuned = this.#protocol.finetune
      ? await this.#train('finetune', pruned.graph, this.#protocol.finetune, label)
      : { graph: pruned.graph, scores: before, history: [] };
    const latency = await this.#latency(base.graph, finetuned.graph, label);
    this.#durations.push((performance.now() - started) / 1000);
    const record: RunRecord = {
      version: 1,
      id,
      created: new Date().toISOString(),
      configuration,
      score: task.score,
      base: {
        ...count(base.graph),
        scores: base.scores,
        history: base.history,
      },
      sparsified: sparsified ? { scores: sparsified.scores, history: sparsified.history } : null,
      pruned: {
        ...pruned.after,
        before,
        recalibrated,
        scores: finetuned.scores,
        history: finetuned.history,
      },
      groups: pruned.groups.map(group => ({ ...group, kept: [...group.kept] })),
      latency,
      seconds: {
        prune: pruned.seconds,
        steps: pruned.trace.length,
        finetune: finetuned.history.reduce((sum, { seconds }) => sum + seconds, 0),
        regularizer: sparsified?.regularizerSeconds ?? null,
      },
      provenance: { ...provenance(), ...withCode(code) },
    };
    await this.#options.onModels?.({ base: base.graph, pruned: finetuned.graph }, record);
    return record;
  }

  /** What is pruned already is found in `out`: it may have taken long, and where time is measured it comes out anew. */
  async #prune(
    graph: Graph,
    { configuration, method, strategy: { strategy, options: strategyOptions }, label, code }: PlannedRun,
  ): Promise<TimedPruned> {
    const { data, task, out, signal, checkpoint } = this.#options;
    const identity = { configuration, graph: graphDigest(graph), ...withCode(code) };
    const path = out && join(out, 'models', `prune-${hashOf(identity)}`, 'pruned.safetensors');
    const found = path && (await readPruned(path, identity));
    if (found) return found;
    const {
      count: kind,
      latency: { batches, ...timing },
    } = this.#protocol;
    const started = performance.now();
    const pruned = await prune(graph, {
      criterion: method.criterion,
      criterionOptions: method.criterionOptions,
      strategy,
      strategyOptions,
      speedup: configuration.speedup,
      steps: this.#protocol.steps,
      reduce: configuration.reduce as Reduction,
      normalize: configuration.normalize as Normalization,
      roundTo: configuration.roundTo,
      ...speedupOptions(kind, graph, configuration.speedup, this.#options.format, {
        ...timing,
        batch: batches[0]!,
        signal,
      }),
      seed: this.#seed,
      calibration: { split: data.train, task, ...this.#protocol.calibration },
      ...(signal ? { signal } : {}),
      progress: ({ speedup, target }) =>
        this.#report('prune', label, Math.min(1, Math.log(speedup) / Math.log(Math.max(target, 1.0001)))),
    });
    const timed = { ...pruned, seconds: (performance.now() - started) / 1000 };
    if (!path) return timed;
    const kept = await writePruned(path, identity, timed);
    checkpoint?.written?.(path);
    return kept;
  }

  async #trainBase(): Promise<Trained> {
    const { data, task, model, signal } = this.#options;
    const graph = model.build(this.#modelOptions);
    const { base } = this.#protocol;
    if (base) return this.#train('base', graph, base, 'base model');
    return {
      graph,
      scores: await evaluate(graph, data.test, task, { batch: evaluationBatch(this.#protocol), signal }),
      history: [],
    };
  }

  /** Scores of a pruned graph after recalibration; fine-tuning starts without it, as in the paper. */
  async #recalibrated(graph: Graph): Promise<Readonly<Record<string, number>> | null> {
    const { data, task, signal } = this.#options;
    const { recalibration: batches } = this.#protocol;
    const batch = evaluationBatch(this.#protocol);
    if (batches === 0 || !graph.nodes.some(({ op }) => op === 'batch-norm')) return null;
    const recalibrated = await recalibrate(graph, data.train, { batches, batch, seed: this.#seed, signal });
    return evaluate(recalibrated, data.test, task, { batch, signal });
  }

  async #train(
    stage: BenchProgress['stage'],
    graph: Graph,
    { ...training }: TrainingOptions,
    label: string,
    extra: Pick<FitOptions, 'regularize' | 'slots'> & { identity?: unknown } = {},
  ): Promise<Trained> {
    const { data, task, out, signal, checkpoint, code = {} } = this.#options;
    const { identity, ...hooks } = extra;
    const dataCode = code[`dataset ${data.id}`];
    const key = hashOf([
      graphDigest(graph),
      data.checksum,
      data.train.size,
      data.test.size,
      training,
      this.#seed,
      tf.getBackend(),
      identity ?? null,
      ...(dataCode === undefined ? [] : [dataCode]),
    ]);
    const folder = out === undefined ? undefined : join(out, 'models', `${stage}-${key}`);
    // Of two that train the same at once, one would end with the best weights that the other has come to.
    const unlock = folder === undefined ? undefined : await lockFolderSoon(folder);
    try {
      const fitted = await fit(graph, data, task, {
        ...training,
        seed: this.#seed,
        signal,
        progress: progress => this.#report(stage, label, progress.step / progress.steps, progress),
        ...hooks,
        ...(folder === undefined
          ? {}
          : { checkpoint: { ...checkpoint, folder, identity: { more: identity ?? null } } }),
      });
      return { graph: fitted.graph, scores: fitted.scores, history: fitted.history };
    } finally {
      await unlock?.();
    }
  }

  #sparsify(base: Trained, { configuration: { regularizer, seed }, method, code }: PlannedRun, label: string) {
    const sparsity = sparsityOf(base.graph, method.criterion);
    const members = sparsity.groups.map(group => group.members.map(({ parameter, axis }) => `${parameter}@${axis}`));
    const regularizerCode = code[`regularizer ${regularizer!.id}`];
    const identity = {
      regularizer,
      members: hashOf(members),
      ...(regularizerCode === undefined ? {} : { code: regularizerCode }),
    };
    const key = hashOf([identity, seed]);
    const known = this.#sparsified.get(key);
    if (known) return known;
    const result = (async () => {
      const penalty = method.regularizer!.start(sparsity, regularizer!.options);
      const hooks = { regularize: regularizeBy(penalty), slots: penalty.slots, identity };
      try {
        const trained = await this.#train('sparsify', base.graph, this.#protocol.sparsify, label, hooks);
        return { ...trained, regularizerSeconds: await penaltySeconds(penalty, trained.graph) };
      } finally {
        disposePenalty(penalty);
      }
    })();
    this.#sparsified.set(key, result);
    return result;
  }

  async #latency(base: Graph, pruned: Graph, label: string): Promise<RunRecord['latency']> {
    const { format, signal } = this.#options;
    const { batches, repeats, threads } = this.#protocol.latency;
    if (repeats === 0) return [];
    const [a, b] = [format.write(base), format.write(pruned)];
    const results: RunRecord['latency'] = [];
    for (const batch of batches) {
      this.#report('measure', label, results.length / batches.length);
      const { base: first, pruned: second } = await compareLatency(a, b, {
        batch,
        repeats,
        threads,
        signal,
      });
      results.push({ batch, base: first.minMs, pruned: second.minMs, repeats, threads: first.threads });
    }
    return results;
  }

  #report(stage: BenchProgress['stage'], label: string, fraction: number, training?: TrainingProgress): void {
    const done = this.#durations.length;
    const perRun = this.#durations.reduce((a, b) => a + b, 0) / done;
    this.#options.progress?.({
      run: this.#records.length,
      runs: this.#runs,
      stage,
      label,
      fraction,
      ...(training ? { training } : {}),
      secondsLeft: done ? perRun * (this.#runs - this.#records.length) : NaN,
    });
  }
}
