/*
 * Time of a training step of ResNet-18 for CIFAR (11.2 M parameters, batch 64, SGD with momentum) on the onnxruntime
 * backend, beside PyTorch eager where `python3` (or the interpreter that PYTHON names) can import torch.
 * Run: npx tsx test/bench/engine.ts [steps=7] [threads=2] [batch=64] [width=64] [blocked=1]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { register, report } from '../../plugins/backends/onnxruntime/index.ts';
import { batch, resnet, step } from '../plugins/backends/onnxruntime/models.ts';

const argument = (name: string, otherwise: number) =>
  Number(process.argv.find(a => a.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise);
const steps = argument('steps', 7);
const threads = argument('threads', 2);
const size = argument('batch', 64);
const profile = process.argv.find(a => a.startsWith('profile='))?.slice(8);
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

register({ threads, blocked: argument('blocked', 1) === 1, ...(profile ? { profile } : {}) });
await tf.setBackend('onnxruntime');
tf.env().set('PROD', true);
const network = resnet(argument('width', 64), [2, 2, 2, 2]);
const optimizer = tf.train.momentum(0.01, 0.9);
const data = [batch(size, 32, 1), batch(size, 32, 2)];

const times: number[] = [];
const recording: number[] = [];
for (let i = 0; i < steps + 2; i++) {
  const { x, labels } = data[i % 2]!;
  const before = report();
  const started = performance.now();
  const loss = step(network, optimizer, x, labels);
  const recorded = performance.now();
  const [value] = await loss.data();
  const total = performance.now() - started;
  loss.dispose();
  const { time, last, compiles } = report();
  const spent = (key: keyof typeof time) => (time[key] - before.time[key]).toFixed(1);
  console.log(
    `step ${i}: ${total.toFixed(0)} ms, record ${(recorded - started).toFixed(1)}, key ${spent('key')}, ` +
      `lower ${spent('lower')}, session ${spent('session')}, feed ${spent('feed')}, run ${spent('run')}; ` +
      `nodes ${last.nodes}, onnx ${last.onnxNodes}, in ${last.inputs}, out ${last.outputs} ` +
      `(${(last.outputBytes / 2 ** 20).toFixed(0)} MB), compiles ${compiles}, loss ${value!.toFixed(5)}`,
  );
  if (i < 2) continue;
  times.push(total);
  recording.push(recorded - started);
}
const ours = median(times);
console.log(
  `onnxruntime: ${ours.toFixed(0)} ms (best ${Math.min(...times).toFixed(0)}), recording ${median(recording).toFixed(0)} ms`,
);
console.log(
  `memory: ${(process.resourceUsage().maxRSS / 2 ** 10).toFixed(0)} MB at most, fallbacks`,
  report().fallbacks,
);
if (profile) {
  tf.removeBackend('onnxruntime');
  process.exit(0);
}

const script = fileURLToPath(new URL('engine_torch.py', import.meta.url));
const python = process.env['PYTHON'] ?? 'python3';
const torch = spawnSync(python, [script, String(steps), String(threads), String(size)], { encoding: 'utf8' });
if (torch.status !== 0) {
  console.log(`torch is absent: ${python} cannot import it, so there is nothing to compare with`);
} else {
  const result = JSON.parse(torch.stdout) as { version: string; default: number; channels_last: number };
  const best = Math.min(result.default, result.channels_last);
  console.log(
    `torch ${result.version}: default ${result.default.toFixed(0)} ms, channels_last ${result.channels_last.toFixed(0)} ms`,
  );
  console.log(`ratio to torch's better layout: ${(ours / best).toFixed(2)}`);
}
