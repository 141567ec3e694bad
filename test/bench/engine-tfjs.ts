/*
 * One workload of engine.ts on a tfjs backend: times in ms, what they were spent on, and peak memory in MB, as JSON on
 * the last line of stdout. Usage: engine-tfjs.ts WORKLOAD BACKEND STEPS THREADS WIDTHS.json [PROFILE]
 */
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { Network } from '../../kernel/graph/run.ts';
import type { Graph } from '../../kernel/graph/graph.ts';
import { createOptimizer } from '../../kernel/train/optimizer.ts';
import { register, report } from '../../plugins/backends/onnxruntime/index.ts';
import * as pb from '../../plugins/index.ts';
import * as models from '../plugins/backends/onnxruntime/models.ts';
import { normal } from '../plugins/backends/onnxruntime/cases.ts';

const [workload, backend, steps, threads, widths, profile] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string?,
];

/** Something with variables that makes outputs from images. */
interface Model {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  forward(x: tf.Tensor4D, training: boolean): tf.Tensor;
}

const ofGraph = (graph: Graph): Model => {
  const network = new Network(graph);
  const variables = new Map([...network.variables].filter(([, { trainable }]) => trainable));
  return { variables, forward: (x, training) => network.apply(x, { training })[0]! };
};
const ofNetwork = (network: models.Network): Model => ({
  variables: new Map(network.variables.map((variable, i) => [String(i), variable])),
  forward: (x, training) => network.forward(x, training),
});
const resnet = async (name: string, options: pb.Options, pruned: boolean) => {
  const graph = pb.build(name, options);
  if (!pruned) return ofGraph(graph);
  const { graph: cut } = await pb.prune(graph, { criterion: 'magnitude-l2', speedup: 2 });
  writeFileSync(widths, JSON.stringify(widthsOf(cut)));
  return ofGraph(cut);
};

/** Inputs and outputs of the layers, under the names they have in PyTorch. */
function widthsOf(graph: Graph): Record<string, [number, number]> {
  const found: Record<string, [number, number]> = {};
  for (const { id, parameters } of graph.nodes) {
    const name = parameters['kernel'] ?? parameters['scale'];
    const shape = name === undefined ? [] : graph.parameters.get(name)!.shape;
    if (shape.length > 0) found[id] = [shape.at(-2) ?? shape[0]!, shape.at(-1)!];
  }
  return found;
}

const crossEntropy = (y: tf.Tensor) => {
  const labels = tf.tensor1d(
    Array.from({ length: y.shape[0]! }, (_, i) => i % 10),
    'int32',
  );
  return models.crossEntropy(y as tf.Tensor2D, labels);
};
const sgd = { kind: 'sgd', learningRate: 0.01, momentum: 0.9, nesterov: false, weightDecay: 0, decay: 'all' } as const;
const adamw = {
  kind: 'adamw',
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.05,
  decay: 'all',
} as const;

const cifar = { classes: 10 };
const imagenet = { classes: 1000 };
const vit = () => ofNetwork(models.vit({ size: 224, patch: 16, channels: 384, heads: 6, depth: 12, classes: 1000 }));
const training = {
  resnet18: [() => resnet('resnet18', cifar, false), 64, 32, sgd, crossEntropy],
  'resnet18-pruned': [() => resnet('resnet18', cifar, true), 64, 32, sgd, crossEntropy],
  resnet50: [() => resnet('resnet50', imagenet, false), 8, 224, sgd, crossEntropy],
  'vit-small': [vit, 8, 224, adamw, crossEntropy],
  yolov8n: [() => ofNetwork(models.yolo()), 2, 640, sgd, (y: tf.Tensor) => tf.mean(tf.square(y))],
} as const;
const inference: Record<string, readonly [pruned: boolean, batch: number]> = {
  'resnet50-1': [false, 1],
  'resnet50-8': [false, 8],
  'resnet50-pruned-1': [true, 1],
  'resnet50-pruned-8': [true, 8],
};

await pb.useBackend(backend, { threads: Number(threads) });
if (profile) {
  tf.removeBackend(backend);
  register({ threads: Number(threads), profile });
  await tf.setBackend(backend);
}
tf.env().set('PROD', true);

const times: number[] = [];
const recording: number[] = [];
/** Times calls, and the part before their result is asked for. */
async function measure(count: number, call: () => tf.Tensor): Promise<void> {
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    const result = call();
    recording.push(performance.now() - started);
    await result.data();
    times.push(performance.now() - started);
    result.dispose();
  }
}

if (workload in training) {
  const [make, batch, size, options, loss] = training[workload as keyof typeof training];
  const { variables, forward } = await make();
  const optimizer = createOptimizer(options, variables);
  const x = normal([batch, size, size, 3]) as tf.Tensor4D;
  await measure(Number(steps), () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => loss(forward(x, true)) as tf.Scalar, [...variables.values()]);
      optimizer.step(
        Object.fromEntries([...variables].map(([name, variable]) => [name, grads[variable.name]!])),
        options.learningRate,
      );
      return value;
    }),
  );
} else {
  const [pruned, batch] = inference[workload]!;
  const { forward } = await resnet('resnet50', imagenet, pruned);
  const x = normal([batch, 224, 224, 3]) as tf.Tensor4D;
  await measure(Number(steps), () => tf.tidy(() => forward(x, false)));
}
const peak = process.resourceUsage().maxRSS / 2 ** 10;
const details = backend === 'onnxruntime' ? report() : undefined;
if (profile) tf.removeBackend(backend);
console.log(JSON.stringify({ version: tf.version.tfjs, times, recording, peak, report: details }));
