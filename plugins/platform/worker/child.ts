import { join, relative, sep } from 'node:path';
import { useBackend } from '../../../kernel/backend.ts';
import {
  bench,
  trainBase,
  trainSparsified,
  type BenchOptions,
  type BenchProgress,
  type Trained,
} from '../../../kernel/bench/bench.ts';
import { find, type Catalogue } from '../../../kernel/catalogue.ts';
import { chooseMethod, chooseStrategy } from '../../../kernel/text/choose.ts';
import { extended } from '../../../kernel/extensions.ts';
import { codeIn } from '../../../kernel/plugin-code.ts';
import { count } from '../../../kernel/graph/count.ts';
import { parseOptions } from '../../../kernel/options.ts';
import type { Task } from '../../../kernel/plugin.ts';
import { catalogue as own } from '../../catalogue.ts';
import type { TrainedResult } from '../api.ts';
import type { Compute, FromChild, Order, ToChild } from './messages.ts';
import { writeResultFiles } from './result-files.ts';
import { uploadedModel } from './uploaded-model.ts';

// The process that trains: started by a supervisor, it makes one run. What it prints is the run's log; its arguments are
// what `--plugin` named.

const plugins = process.argv.slice(2);

const tell = (message: FromChild): Promise<void> =>
  new Promise(resolve => process.send!(message, undefined, undefined, () => resolve()));

/** Stops a run where its supervisor wants it. */
class Stop {
  readonly #controller = new AbortController();
  #pausing = false;
  /** Whether a checkpoint will be asked for soon. */
  training = false;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get pausing(): boolean {
    return this.#pausing;
  }

  now(): void {
    this.#controller.abort(new Error('stopped'));
  }

  atCheckpoint(): void {
    this.#pausing = true;
    if (!this.training) this.now();
  }
}

async function select(catalogue: Catalogue, compute: Compute): Promise<FromChild> {
  const { id, version, skipped } = await useBackend(catalogue.backends, compute.backend, compute);
  const others = skipped.map(({ id, reason }) => `; ${id} is not there: ${reason}`).join('');
  console.log(`backend ${id}, TensorFlow.js ${version}${others}`);
  return { kind: 'backend', backend: id };
}

async function run(catalogue: Catalogue, order: Order, stop: Stop): Promise<FromChild> {
  const { kind, out, compute } = order;
  await select(catalogue, compute);
  const options = await benchOptions(catalogue, order, stop);
  const { data, task } = options;
  console.log(`data set ${data.id}: ${data.train.size} training and ${data.test.size} test images`);
  const files = join(out, 'files');
  if (kind === 'pruned') {
    let names: string[] = [];
    const [record] = await bench({
      ...options,
      onModels: async ({ base, pruned }, record) => {
        names = await writeResultFiles(files, base, pruned, record);
      },
    });
    return { kind: 'done', result: record, files: names };
  }
  const trained = await (kind === 'base' ? trainBase : trainSparsified)(options);
  const names = await writeResultFiles(files, trained.graph, trained.graph);
  return { kind: 'done', result: resultOf(trained, task), files: names };
}

const resultOf = ({ graph, scores }: Trained, { score }: Task): TrainedResult => ({ score, scores, ...count(graph) });

async function benchOptions(
  catalogue: Catalogue,
  { plan, kind, needs, out, upload, every }: Order,
  stop: Stop,
): Promise<BenchOptions> {
  const dataset = find('dataset', catalogue.datasets, plan.dataset);
  if ('path' in plan.datasetOptions)
    throw new Error(
      `data set ${dataset.id}: no option path here: workers have their data where PRUNINGBENCH_DATA says`,
    );
  const datasetOptions = parseOptions(dataset, plan.datasetOptions) as Record<string, unknown>;
  const task = find('task', catalogue.tasks, dataset.task);
  const model = upload ? await uploadedModel(plan.model, task.id, upload) : find('model', catalogue.models, plan.model);
  if (!plan.protocol.base && !upload)
    throw new Error(`protocol ${plan.protocol.name} trains no base model, and ${model.id} has no weights of its own`);
  let written = performance.now();
  return {
    model,
    modelOptions: plan.modelOptions,
    data: await dataset.load(datasetOptions),
    datasetOptions,
    task,
    methods: plan.methods.map(method => chooseMethod(catalogue, method)),
    strategies: plan.strategies.map(strategy => chooseStrategy(catalogue, strategy)),
    speedups: plan.speedups,
    protocol: plan.protocol,
    seed: plan.seeds[0]!,
    roundTo: plan.roundTo,
    out,
    code: await codeIn(plugins),
    onAgain: console.log,
    format: find('format', catalogue.formats, 'onnx'),
    signal: stop.signal,
    checkpoint: {
      due: () => stop.pausing || performance.now() - written > 1000 * every,
      written(path) {
        written = performance.now();
        void tell({ kind: 'checkpoint', name: relative(out, path).split(sep).join('/') });
        if (stop.pausing) stop.now();
      },
    },
    progress: reporter(task, needs ? (kind === 'pruned' ? ['base', 'sparsify'] : ['base']) : [], stop),
  };
}

/** Tells how a run goes. `made` are the stages that others should have been through. */
function reporter(task: Task, made: readonly BenchProgress['stage'][], stop: Stop) {
  let last: BenchProgress['stage'] | undefined;
  return ({ stage, label, fraction, training }: BenchProgress): void => {
    stop.training = training !== undefined && training.step < training.steps;
    if (stage !== last) {
      console.log(`${names[stage]}: ${label}`);
      if (made.includes(stage) && stop.training)
        console.log('  again: the model of the run before is not there, or of another backend, data or training');
      last = stage;
    }
    const { epoch, epochs, loss, secondsLeft, ended } = training ?? {};
    const numbers = Object.entries({ epoch, epochs, loss, secondsLeft }).filter(([, value]) => Number.isFinite(value));
    void tell({ kind: 'progress', progress: { stage, fraction, ...Object.fromEntries(numbers) } });
    if (ended) void tell({ kind: 'epoch', stage, epoch: ended, score: task.score });
  };
}

const names: Record<BenchProgress['stage'], string> = {
  base: 'training',
  sparsify: 'training under the regularizer',
  prune: 'pruning',
  finetune: 'fine-tuning',
  measure: 'measuring',
};

function start(): void {
  const stop = new Stop();
  // the supervisor is gone
  process.on('disconnect', () => process.exit(1));
  // those to the whole group are the supervisor's to answer
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  process.on('message', (message: ToChild) => {
    if (message.kind === 'stop') return message.how === 'pause' ? stop.atCheckpoint() : stop.now();
    void extended(own, plugins)
      .then(known => (message.kind === 'probe' ? select(known, message.compute) : run(known, message.order, stop)))
      .catch((error: unknown): FromChild => {
        if (stop.signal.aborted) return { kind: 'stopped' };
        console.error(error instanceof Error ? error.stack : error);
        return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
      })
      .then(tell)
      .finally(() => process.exit(0));
  });
}

start();
