/**
 * `npm run test:interop`: models that the real Python packages wrote are read, compared with ONNX Runtime on the
 * original file, pruned to half their multiply-adds, trained a step, written again and read again. Prints one row a file.
 * Names on the command line choose files. Needs Python 3; test/interop/setup.sh makes the environment and the files.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { count } from '../../kernel/graph/count.ts';
import type { Graph } from '../../kernel/graph/graph.ts';
import { groups } from '../../kernel/graph/groups.ts';
import { loadWeights } from '../../kernel/graph/load-weights.ts';
import { Network } from '../../kernel/graph/run.ts';
import { random } from '../../kernel/random.ts';
import { decodeSafetensors } from '../../kernel/safetensors.ts';
import { table } from '../../kernel/text/table.ts';
import { build, prune, useBackend } from '../../plugins/api.ts';
import { onnx } from '../../plugins/formats/index.ts';

interface Entry {
  readonly name: string;
  readonly failed?: string;
  readonly opset: number;
  readonly exporter: string;
  readonly zoo: string | null;
  readonly parameters: number;
  /** Values of the batch norms that become biases where an exporter folds them. */
  readonly norms: number;
  readonly shape: readonly [number, number, number];
  readonly refused?: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = join(here, '..', '..', '.interop');
const models = join(cache, 'models');
const written = join(cache, 'written');
const tolerance = 1e-4;

if (!existsSync(join(models, 'index.json'))) execFileSync('sh', [join(here, 'setup.sh')], { stdio: 'inherit' });
mkdirSync(written, { recursive: true });
await useBackend();

const entries = Object.values(JSON.parse(readFileSync(join(models, 'index.json'), 'utf8')) as Record<string, Entry>);
const chosen = process.argv.slice(2);
const wanted = entries.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
const rows: string[][] = [];
const faults: string[] = [];
const refusals: string[] = [];
const toCheck: string[] = [];

for (const entry of wanted) {
  const fault = (what: string) => void faults.push(`${entry.name}: ${what}`);
  const row = [entry.name, `${entry.exporter} ${entry.opset}`];
  rows.push(row);
  if (entry.failed) {
    fault(`was not written: ${entry.failed}`);
    continue;
  }
  const bytes = readFileSync(join(models, `${entry.name}.onnx`));
  const sizes = { height: entry.shape[1], width: entry.shape[2] };
  if (entry.refused) {
    refusals.push(`${entry.name} is refused: ${refusal(entry, bytes, fault)}`);
    row.push('refused');
    continue;
  }
  try {
    const graph = onnx.read!(bytes, { sizes });
    row.push(...(await checkFile(entry, bytes, graph, fault)));
  } catch (error) {
    fault((error as Error).stack!);
  }
  process.stderr.write(`${row.join('  ')}\n`);
}

if (toCheck.length > 0)
  execFileSync(
    join(cache, 'venv', 'bin', 'python'),
    ['-c', 'import onnx, sys\nfor f in sys.argv[1:]: onnx.checker.check_model(f, full_check=True)', ...toCheck],
    { stdio: 'inherit' },
  );
const heading = [
  'file',
  'written by',
  'difference',
  'parameters',
  'groups',
  'units',
  'zoo',
  'weights',
  'pruned',
  'loss',
  'written',
  'folded',
];
process.stdout.write(
  `${table(
    heading,
    rows.map(row => heading.map((_, i) => row[i] ?? '')),
  )}\n`,
);
for (const text of refusals) process.stdout.write(`${text}\n`);
for (const text of faults) process.stdout.write(`FAILED ${text}\n`);
process.stdout.write(
  `${wanted.length - new Set(faults.map(text => text.split(':')[0])).size} passed, ${new Set(faults.map(text => text.split(':')[0])).size} failed\n`,
);
if (faults.length > 0) process.exitCode = 1;
else rmSync(written, { recursive: true });

function refusal(entry: Entry, bytes: Uint8Array, fault: (what: string) => void): string {
  try {
    onnx.read!(bytes);
    fault('was not refused');
    return 'read';
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes(entry.refused!)) fault(message);
    return message;
  }
}

async function checkFile(
  entry: Entry,
  bytes: Uint8Array,
  graph: Graph,
  fault: (what: string) => void,
): Promise<string[]> {
  const difference = await differenceTo(bytes, graph);
  if (!(difference <= tolerance)) fault(`outputs differ by ${difference}`);
  const { params, macs } = count(graph);
  const fused = entry.parameters - entry.norms;
  if (params !== entry.parameters && params !== fused)
    fault(`${params} parameters, PyTorch has ${entry.parameters} (${fused} folded)`);
  const free = groups(graph).filter(group => !group.protected);
  const units = free.reduce((n, group) => n + group.units, 0);
  const zoo = entry.zoo ? zooGraph(entry) : undefined;
  let same = '';
  let weights = '';
  if (zoo) {
    const theirs = groups(zoo).filter(group => !group.protected);
    const key = (list: readonly { units: number }[]) =>
      list
        .map(group => group.units)
        .sort((a, b) => a - b)
        .join();
    same = key(theirs) === key(free) ? 'same' : `${theirs.length} / ${theirs.reduce((n, group) => n + group.units, 0)}`;
    if (same !== 'same') fault(`groups of ${free.length} / ${units}, the zoo's ${entry.zoo} has ${same}`);
    weights = await weightsOf(entry, bytes, graph, zoo, fault);
  }
  const pruned = await prune(graph, { criterion: 'magnitude-l2', speedup: 2, steps: 10 });
  const speedup = macs / count(pruned.graph).macs;
  if (!(speedup >= 2)) fault(`pruned ${speedup} times`);
  const loss = trainStep(pruned.graph);
  if (!Number.isFinite(loss)) fault(`loss ${loss}`);
  return [
    difference.toExponential(1),
    String(params),
    String(free.length),
    String(units),
    same,
    weights,
    `${speedup.toFixed(2)}x`,
    loss.toPrecision(3),
    ...(await rewritten(entry, pruned.graph, fault)),
  ];
}

function zooGraph({ zoo, shape }: Entry): Graph {
  return build(zoo!, zoo!.startsWith('yolo') ? { image: shape[1] } : { classes: 1000, image: shape[1] });
}

/** The zoo's model with the same weights: its outputs against those of the file. */
async function weightsOf(
  entry: Entry,
  bytes: Uint8Array,
  graph: Graph,
  zoo: Graph,
  fault: (what: string) => void,
): Promise<string> {
  try {
    const { tensors } = decodeSafetensors(readFileSync(join(models, `${entry.name}.safetensors`)));
    const loaded = loadWeights(zoo, tensors);
    const difference = entry.zoo!.startsWith('yolo')
      ? differenceOfHeads(graph, loaded)
      : await differenceTo(bytes, loaded);
    if (!(difference <= tolerance)) fault(`with the same weights the zoo's outputs differ by ${difference}`);
    return difference.toExponential(1);
  } catch (error) {
    fault((error as Error).message);
    return 'failed';
  }
}

/** A detector's file decodes boxes, the zoo's network does not: what its last convolutions give in both. */
function differenceOfHeads(a: Graph, b: Graph): number {
  const only = [2, 3].flatMap(branch => [0, 1, 2].map(scale => `model.22.cv${branch}.${scale}.2`));
  return tf.tidy(() => {
    const x = samples(1, Object.values(a.inputs)[0]!, 3);
    const [p, q] = [a, b].map(graph => {
      const network = new Network(graph);
      const values = network.apply(x, { only });
      network.dispose();
      return values;
    }) as [tf.Tensor[], tf.Tensor[]];
    const relative = p.map((y, i) => tf.div(tf.max(tf.abs(tf.sub(y, q[i]!))), tf.max(tf.abs(y))).dataSync()[0]!);
    return Math.max(...relative);
  });
}

/** The pruned graph written, plain and folded: equal outputs in ONNX Runtime, and the same graph when read again. */
async function rewritten(entry: Entry, graph: Graph, fault: (what: string) => void): Promise<string[]> {
  const results: string[] = [];
  for (const fold of [false, true]) {
    const bytes = onnx.write(graph, { fold });
    const path = join(written, `${entry.name}${fold ? '-folded' : ''}.onnx`);
    writeFileSync(path, bytes);
    toCheck.push(path);
    const difference = await differenceTo(bytes, graph);
    if (!(difference <= tolerance)) fault(`written, it differs by ${difference}`);
    results.push(difference.toExponential(1));
    if (fold) continue;
    const again = onnx.read!(bytes);
    const change = firstDifference(graph, again);
    if (change) fault(`read again, it is another graph: ${change}`);
    if (count(again).params !== count(graph).params) fault(`read again, it has ${count(again).params} parameters`);
  }
  return results;
}

/** Nodes by position, since those that only rearrange are called after their readers. */
function firstDifference(a: Graph, b: Graph): string | undefined {
  const texts = [a, b].map(graph => {
    const positions = new Map(graph.nodes.map(({ id }, i) => [id, i]));
    return graph.nodes.map(({ op, inputs, attributes, parameters }) =>
      JSON.stringify([
        op,
        inputs.map(id => positions.get(id) ?? id),
        attributes,
        Object.entries(parameters).map(([role, name]) => [role, graph.parameters.get(name)!.shape]),
      ]),
    );
  }) as [string[], string[]];
  const at = texts[0].findIndex((text, i) => text !== texts[1][i]);
  return at < 0 ? undefined : `${a.nodes[at]!.id} ${texts[0][at]} and ${b.nodes[at]?.id} ${texts[1][at]}`;
}

function trainStep(graph: Graph): number {
  const network = new Network(graph);
  const [shape] = Object.values(graph.inputs);
  const optimizer = tf.train.sgd(1e-6);
  const loss = tf.tidy(() => {
    const x = samples(2, shape!, 7);
    const cost = optimizer.minimize(
      () =>
        network
          .apply(x, { training: true })
          .map(y => tf.mean(tf.square(y)))
          .reduce((a, b) => tf.add(a, b)) as tf.Scalar,
      true,
      network.trainable,
    )!;
    return cost.dataSync()[0]!;
  });
  network.dispose();
  optimizer.dispose();
  return loss;
}

function samples(batch: number, shape: readonly number[], seed: number): tf.Tensor {
  const source = random(seed, 'interop');
  const size = batch * shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => source.uniform()),
    [batch, ...shape],
  );
}

/** Greatest difference of all outputs between a file in ONNX Runtime and a graph, relative to the largest value. */
async function differenceTo(bytes: Uint8Array, graph: Graph): Promise<number> {
  const session = await ort.InferenceSession.create(bytes);
  const network = new Network(graph);
  const [meta] = session.inputMetadata as readonly { name: string; shape: readonly (number | string)[] }[];
  const batch = typeof meta!.shape[0] === 'number' ? meta!.shape[0] : 2;
  const first = <T extends tf.Tensor>(x: T) => (x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x);
  const x = samples(batch, Object.values(graph.inputs)[0]!, 3);
  const fed = tf.tidy(() => first(x.clone()));
  const results = await session.run({
    [meta!.name]: new ort.Tensor('float32', fed.dataSync() as Float32Array, fed.shape),
  });
  const outputs = network.apply(x);
  let worst = 0;
  session.outputNames.forEach((name, i) => {
    const expected = results[name]!;
    const actual = tf.tidy(() => first(outputs[i]!.clone()));
    if (actual.shape.join() !== expected.dims.join()) worst = Infinity;
    const [a, b] = [actual.dataSync(), expected.data as Float32Array];
    let [difference, largest] = [0, 0];
    for (let j = 0; j < b.length; j++) {
      difference = Math.max(difference, Math.abs(a[j]! - b[j]!));
      largest = Math.max(largest, Math.abs(b[j]!));
    }
    worst = Math.max(worst, Number.isFinite(difference) && largest > 0 ? difference / largest : Infinity);
    actual.dispose();
  });
  tf.dispose([x, fed, outputs]);
  network.dispose();
  await session.release();
  return worst;
}
