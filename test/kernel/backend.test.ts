import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../kernel/backend.ts';
import type { Backend } from '../../kernel/plugin.ts';
import { cpu } from '../../plugins/backends/cpu.ts';

describe('backend', () => {
  /** Ids of the fake backends that were registered, and with what. */
  let tried: [string, { threads?: number; provider?: string }][];
  let added: string[];
  beforeEach(() => {
    tried = [];
    added = [];
  });
  afterEach(async () => {
    await tf.setBackend('cpu');
    for (const id of added) {
      tf.removeBackend(id);
      if (tf.getKernel('Add', id)) tf.unregisterKernel('Add', id);
    }
  });

  const turns: Record<string, number> = { tensorflow: 0, onnxruntime: 1, cpu: 3 };
  /** A backend that does something when it is registered. */
  const backend = (id: string, start: () => void = () => {}): Backend => ({
    kind: 'backend',
    id,
    title: id,
    ...(id in turns ? { turn: () => turns[id]! } : {}),
    register: options => {
      tried.push([id, options]);
      return Promise.resolve().then(start);
    },
  });
  const failing = (id: string, reason: string): Backend =>
    backend(id, () => {
      throw new Error(reason);
    });
  /** A backend that tfjs knows; it can nothing but add. */
  const adding = (id: string, more = 0): Backend => {
    const { kernelFunc } = tf.getKernel('Add', 'cpu');
    return backend(id, () => {
      inTfjs(id, tf.findBackendFactory('cpu')!);
      tf.registerKernel({
        kernelName: 'Add',
        backendName: id,
        kernelFunc(call) {
          const sum = kernelFunc(call) as tf.TensorInfo;
          const { values } = (
            call.backend as unknown as { data: { get(id: object): { values: Float32Array } } }
          ).data.get(sum.dataId);
          values[0]! += more;
          return sum;
        },
      });
    });
  };
  const inTfjs = (id: string, factory: () => unknown): void => {
    assert.ok(tf.registerBackend(id, factory as never));
    added.push(id);
  };
  const ids = () => tried.map(([id]) => id);

  it('the fastest that works is used, whatever the order of the list', async () => {
    const all = [cpu, backend('onnxruntime'), adding('tensorflow')];
    const chosen = await useBackend(all);
    assert.deepEqual(chosen, { id: 'tensorflow', version: tf.version.tfjs, skipped: [] });
    assert.equal(tf.getBackend(), 'tensorflow');
    assert.deepEqual(ids(), ['tensorflow']);
  });

  it('what does not work is skipped with its reason', async () => {
    const all = [cpu, failing('onnxruntime', 'no binding'), failing('tensorflow', 'not installed')];
    const { id, skipped } = await useBackend(all);
    assert.deepEqual(skipped, [
      { id: 'tensorflow', reason: 'not installed' },
      { id: 'onnxruntime', reason: 'no binding' },
    ]);
    assert.deepEqual(ids(), ['tensorflow', 'onnxruntime']);
    assert.deepEqual([id, tf.getBackend()], ['cpu', 'cpu']);
  });

  it('what is not there is neither tried nor skipped', async () =>
    assert.deepEqual((await useBackend([cpu])).skipped, []));

  it('one that computes wrongly is skipped, or refused where it was asked for', async () => {
    const wrong = adding('tensorflow', 0.5);
    const { id, skipped } = await useBackend([wrong, cpu]);
    assert.deepEqual(skipped, [{ id: 'tensorflow', reason: 'it says that 1 + 2 is 3.5' }]);
    assert.deepEqual([id, tf.getBackend()], ['cpu', 'cpu']);
    await assert.rejects(useBackend([adding('off', -1), cpu], 'off'), {
      message: 'backend off: it says that 1 + 2 is 2',
    });
  });

  it('one that tfjs cannot start is skipped', async () => {
    const broken = backend('tensorflow', () =>
      inTfjs('tensorflow', () => {
        throw new Error('no device');
      }),
    );
    const { id, skipped } = await useBackend([broken, cpu]);
    assert.deepEqual([id, skipped], ['cpu', [{ id: 'tensorflow', reason: 'tfjs could not initialize it' }]]);
  });

  it('one that tfjs is not told of is skipped', async () => {
    const { id, skipped } = await useBackend([backend('tensorflow'), cpu]);
    assert.equal(id, 'cpu');
    assert.match(skipped[0]!.reason, /'tensorflow' not found in registry/);
  });

  it('the one that is asked for is used, even if another one is faster', async () => {
    const all = [adding('tensorflow'), adding('other'), cpu];
    assert.deepEqual(await useBackend(all, 'other'), { id: 'other', version: tf.version.tfjs, skipped: [] });
    assert.equal(tf.getBackend(), 'other');
    assert.equal((await useBackend(all, 'cpu')).id, 'cpu');
    assert.deepEqual(ids(), ['other']);
  });

  it('one without a turn is used only where it is asked for', async () => {
    assert.equal((await useBackend([adding('other'), cpu])).id, 'cpu');
    assert.deepEqual(ids(), []);
  });

  it('the one that is asked for is never replaced', async () => {
    const cause = new Error('no device');
    const broken = backend('tensorflow', () => {
      throw cause;
    });
    await assert.rejects(useBackend([broken, backend('onnxruntime'), cpu], 'tensorflow'), {
      message: 'backend tensorflow: no device',
      cause,
    });
    assert.deepEqual(ids(), ['tensorflow']);
  });

  it('one that is unknown is refused with the nearest name', async () => {
    const all = [backend('tensorflow'), cpu];
    await assert.rejects(
      useBackend(all, 'tensorflo'),
      /^Error: unknown backend tensorflo \(did you mean tensorflow\?\)$/,
    );
    await assert.rejects(useBackend(all, 'quantum'), /unknown backend quantum \(there are tensorflow, cpu\)/);
    assert.deepEqual(tried, []);
  });

  it('is told how many threads compute, where that is said', async () => {
    await useBackend([adding('other')], 'other', { threads: 3 });
    await useBackend([failing('tensorflow', ''), cpu], undefined, { threads: undefined });
    assert.deepEqual(tried, [
      ['other', { threads: 3 }],
      ['tensorflow', {}],
    ]);
  });

  it('an execution provider is passed on to a backend that has some, and is never replaced', async () => {
    const gpu = { ...adding('onnxruntime'), hasProviders: true };
    await useBackend([backend('tensorflow'), gpu, cpu], undefined, { provider: 'cuda' });
    assert.deepEqual(tried, [['onnxruntime', { provider: 'cuda' }]]);
    const broken = { ...failing('onnxruntime', 'no device'), hasProviders: true };
    await assert.rejects(useBackend([broken, cpu], undefined, { provider: 'cuda' }), /onnxruntime: no device/);
    await assert.rejects(useBackend([cpu], 'cpu', { provider: 'cuda' }), {
      message: 'backend cpu: execution provider cuda: this backend has none to choose from',
    });
  });

  for (const threads of [0, -1, 1.5, NaN, Infinity])
    it(`refuses ${threads} threads`, async () => {
      await assert.rejects(useBackend([backend('tensorflow'), cpu], undefined, { threads }), {
        name: 'RangeError',
        message: `threads ${threads}: must be a whole number from 1 on`,
      });
      assert.deepEqual(tried, []);
    });

  it('says so where none works, with all reasons', async () => {
    const all = [failing('cpu', 'no memory'), failing('tensorflow', 'not installed')];
    await assert.rejects(useBackend(all), {
      message: 'no backend works here (tensorflow: not installed; cpu: no memory)',
    });
    await assert.rejects(useBackend([]), { message: 'no backend works here' });
  });

  it('keeps no tensors', async () => {
    const before = tf.memory().numTensors;
    await useBackend([cpu], 'cpu');
    await useBackend([adding('tensorflow', 1), cpu]);
    assert.equal(tf.memory().numTensors, before);
  });
});
