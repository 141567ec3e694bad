import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { OnnxruntimeBackend } from '../../../../plugins/backends/onnxruntime/backend.ts';
import type { Operation } from '../../../../plugins/backends/onnxruntime/value.ts';
import { register } from '../../../../plugins/backends/onnxruntime/index.ts';
import { fresh } from './setup.ts';

const unknown: Operation = { name: 'NoSuchKernel', emit: (_node, inputs, e) => e.op('NoSuchOperator', inputs) };
const broken: Operation = {
  name: 'Broken',
  emit: () => {
    throw new Error('cannot be written');
  },
};
/** Goes wrong only when it runs: the index is out of bounds. */
const failing: Operation = {
  name: 'Failing',
  emit: (_node, [x], e) => e.op('Gather', [x!, e.cast(e.mul(x!, e.scalar(1000)), 'int64')]),
};

describe('onnxruntime backend: errors', () => {
  let backend: OnnxruntimeBackend;
  beforeEach(async () => {
    backend = await fresh();
  });
  after(() => tf.setBackend('cpu'));

  const apply = (operation: Operation, x: tf.Tensor) => {
    const value = backend.add(operation, [backend.value(x)], {}, x.shape);
    return tf
      .engine()
      .makeTensorFromTensorInfo((backend as unknown as { publish(v: unknown): TensorInfo }).publish(value));
  };

  for (const [operation, message] of [
    [
      unknown,
      /^NoSuchKernel of float32\[3\] in outer\/inner, recorded at \S+errors\.test\.ts:\d+:\d+: .*NoSuchOperator/s,
    ],
    [broken, /^Broken of float32\[3\] in outer\/inner, recorded at \S+errors\.test\.ts:\d+:\d+: cannot be written$/],
    [failing, /^Failing of float32\[3\] in outer\/inner, recorded at \S+errors\.test\.ts:\d+:\d+: .*out of/s],
  ] as const) {
    it(`${operation.name}: names kernel, shapes and scope, and leaves others alone`, () => {
      const x = tf.tensor1d([1, 2, 3]);
      const good = tf.add(x, 41);
      const [bad, after] = tf.tidy('outer', () =>
        tf.tidy('inner', () => {
          const y = apply(operation, tf.square(x));
          return [y, tf.add(y, 1)];
        }),
      ) as [tf.Tensor, tf.Tensor];
      assert.deepEqual([...good.dataSync()], [42, 43, 44]);
      assert.throws(() => bad.dataSync(), { message });
      assert.throws(() => after.dataSync(), { message });
      assert.throws(() => tf.add(bad, 1), { message });
      assert.deepEqual([...tf.mul(good, 2).dataSync()], [84, 86, 88]);
    });
  }

  it('names the line of user code in a loop of steps that went well before', () => {
    const limit = tf.scalar(1, 'int32');
    const rows = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const pick = (index: number) => tf.tidy(() => tf.gather(rows, tf.mul(tf.tensor1d([index, 0], 'int32'), limit)));
    const line = Number(/:(\d+):\d+\)?$/m.exec(new Error().stack!.split('\n')[1]!)![1]) - 1;
    for (let i = 0; i < 3; i++) assert.deepEqual([...pick(i % 2).dataSync()], i % 2 ? [3, 4, 1, 2] : [1, 2, 1, 2]);
    const expected = new RegExp(
      `^Gather of float32\\[2,2\\], int32\\[2\\] in gather__op, recorded at .*errors\\.test\\.ts:${line}:`,
    );
    assert.throws(() => pick(7).dataSync(), { message: expected });
    assert.deepEqual([...pick(1).dataSync()], [3, 4, 1, 2]);
  });

  it('an execution provider that is not there is refused with the reason', () => {
    assert.throws(() => register({ provider: 'nonsense' }), {
      message: /^execution provider nonsense: the installed onnxruntime-node offers cpu/,
    });
  });

  it('one whose driver is absent is refused too, and never replaced by the CPU', function () {
    this.timeout(120_000);
    // In a process of its own: the libraries write to the console.
    const script = `
      import { register } from './plugins/backends/onnxruntime/index.ts';
      import { providersBuiltIn } from './plugins/backends/onnxruntime/session.ts';
      const found = {};
      for (const provider of providersBuiltIn()) {
        try {
          register({ provider });
          found[provider] = 'works';
        } catch (error) {
          found[provider] = error.message;
        }
      }
      console.log(JSON.stringify(found));
      process.exit(0);`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.match(stdout, /\{/, stderr);
    const { cpu, ...others } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, string>;
    assert.equal(cpu, 'works');
    for (const [provider, outcome] of Object.entries(others)) {
      if (outcome !== 'works') assert.match(outcome, new RegExp(`^execution provider ${provider} does not start: `));
    }
  });

  it('says once what runs on the cpu backend', async () => {
    backend = await fresh({ warn: true });
    const warned: string[] = [];
    const { warn } = console;
    console.warn = (text: string) => warned.push(text);
    try {
      for (let i = 0; i < 3; i++) tf.atan2(tf.tensor1d([1, 2]), tf.tensor1d([3, 4])).dataSync();
    } finally {
      console.warn = warn;
    }
    assert.deepEqual(warned, ['onnxruntime backend: Atan2 of float32[2], float32[2] runs on the cpu backend']);
    const { calls, ms } = backend.report().fallbacks['Atan2']!;
    assert.equal(calls, 3);
    assert.ok(ms > 0);
  });
});
