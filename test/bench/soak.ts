/*
 * Trains for 2,000 steps, reading every loss, and for 2,000 more reading none, and says whether memory stays flat: exits
 * with 1 where it grew, tensors were left behind, or graphs are compiled again and again. Run: npm run soak [-- steps=2000]
 */
import * as tf from '@tensorflow/tfjs';
import { register, report } from '../../plugins/backends/onnxruntime/index.ts';
import { batch, resnet, step } from '../plugins/backends/onnxruntime/models.ts';

const steps = Number(process.argv.find(a => a.startsWith('steps='))?.slice(6) ?? 2000);
register({ threads: 2 });
await tf.setBackend('onnxruntime');
tf.env().set('PROD', true);

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const network = resnet(16, [1, 1]);
const optimizer = tf.train.momentum(0.01, 0.9);
const data = [batch(16, 16, 1), batch(16, 16, 2), batch(7, 16, 3)];

const { gc } = globalThis;
if (!gc) throw new Error('run it with node --expose-gc');

/** Megabytes held by JavaScript, arrays included, and resident in all, after a collection. */
const measure = () => {
  gc();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { js: (heapUsed + arrayBuffers) / 2 ** 20, resident: rss / 2 ** 20 };
};
/** What may come and go: V8 and the C library keep freed pages for a while. A kilobyte a step in JavaScript is too much. */
const slack = { js: steps / 1024, resident: 96 };

let grew = false;
for (const reads of [true, false]) {
  const started = performance.now();
  const samples: ReturnType<typeof measure>[] = [];
  let tensors = 0;
  for (let i = 0; i < steps; i++) {
    // A partial batch now and then, as at the end of an epoch.
    const { x, labels } = data[i % 50 === 49 ? 2 : i % 2]!;
    const loss = step(network, optimizer, x, labels);
    if (reads) await loss.data();
    loss.dispose();
    if (i === Math.floor(steps / 4)) ({ numTensors: tensors } = tf.memory());
    if (i % 20 > 0) continue;
    // The event loop turns, as it does for whoever waits for data.
    await new Promise(setImmediate);
    samples.push(measure());
  }
  const quarter = (i: number, key: 'js' | 'resident') =>
    median(samples.slice((samples.length * i) / 4, (samples.length * (i + 1)) / 4).map(sample => sample[key]));
  const left = tf.memory().numTensors - tensors;
  const { compiles, cached } = report();
  const ms = (performance.now() - started) / steps;
  const change = (key: 'js' | 'resident') => `${quarter(1, key).toFixed(1)} to ${quarter(3, key).toFixed(1)} MB`;
  console.log(
    `${steps} steps, ${reads ? 'every loss read' : 'nothing read'}, ${ms.toFixed(1)} ms each; second quarter to last: ` +
      `JavaScript ${change('js')}, resident ${change('resident')}; ${left} tensors left behind; ` +
      `${compiles} graphs compiled so far, ${cached} held`,
  );
  const tooMuch = (key: 'js' | 'resident') => quarter(3, key) > quarter(1, key) + slack[key];
  grew ||= tooMuch('js') || tooMuch('resident') || left > 0 || compiles > 6;
}
console.log(grew ? 'memory grew' : 'memory stays flat');
process.exit(grew ? 1 : 0);
