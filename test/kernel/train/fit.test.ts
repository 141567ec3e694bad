import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { defineTask, type Data, type Task } from '../../../kernel/plugin.ts';
import { fit, type FitOptions, type Fitted } from '../../../kernel/train/fit.ts';
import type { EpochRecord } from '../../../kernel/train/run-state.ts';
import type { TrainingProgress } from '../../../kernel/train/progress.ts';
import { trainingOptions } from '../../../kernel/train/training-options.ts';
import { classification } from '../../../plugins/tasks/classification.ts';
import { tinyData, tinyGraph, tinyTraining as options, withFolder } from './tiny.ts';

const weights = ({ parameters }: Graph) => [...parameters].map(([name, { values }]) => [name, [...values]]);
/** What must not depend on interruptions. */
const outcome = ({ graph, history, scores, best }: Fitted) => ({
  weights: weights(graph),
  history: history.map(({ seconds: _, ...rest }) => rest),
  scores,
  best,
});
const train = (more: FitOptions = {}, data = tinyData(), graph = tinyGraph()) =>
  fit(graph, data, classification, { ...options, ...more });

/** Aborts once so many steps are done, all epochs together. */
function stopAfter(steps: number) {
  const controller = new AbortController();
  const reason = new Error(`stopped after ${steps}`);
  let done = 0;
  // The hook runs in every step; progress may leave steps out.
  const regularize: NonNullable<FitOptions['regularize']> = (_, gradients) => {
    if (++done === steps) controller.abort(reason);
    return gradients;
  };
  return { reason, options: { signal: controller.signal, regularize } };
}

/** The task with a loss that is not finite from a step on. */
function brokenFrom(step: number, value: number): Task<Int32Array> {
  let seen = 0;
  const { kind: _, ...rest } = classification;
  return defineTask({
    ...rest,
    loss: (outputs, labels) =>
      tf.tidy(() => tf.mul(classification.loss(outputs, labels), ++seen >= step ? value : 1) as tf.Scalar),
  });
}

describe('fit', () => {
  let whole: Fitted;
  before(async () => {
    await tf.setBackend('cpu');
    whole = await train();
  });

  it('learns', () => {
    assert.equal(whole.history.length, 4);
    assert.ok(whole.history[3]!.loss < 0.75 * whole.history[0]!.loss, `${whole.history[3]!.loss}`);
    assert.ok(whole.best.score >= 5 / 9, `${whole.best.score}`);
    assert.deepEqual(whole.scores, whole.history[3]!.scores);
  });

  it('updates the running statistics', () => {
    assert.notDeepEqual([...whole.graph.parameters.get('norm.mean')!.values], [0, 0, 0, 0]);
  });

  it('gives the same again, and another with another seed', async () => {
    assert.deepEqual(outcome(await train()), outcome(whole));
    assert.notDeepEqual(weights((await train({ seed: 1 })).graph), weights(whole.graph));
  });

  it("is the paper's fine-tuning by default", () => {
    assert.deepEqual(trainingOptions.parse({}), {
      epochs: 100,
      batch: 128,
      optimizer: { kind: 'sgd', learningRate: 0.01, momentum: 0.9, nesterov: false, weightDecay: 5e-4, decay: 'all' },
      schedule: { kind: 'milestones', milestones: [0.6, 0.8], gamma: 0.1, warmup: 0 },
      seed: 0,
      augment: true,
      dropLast: false,
      evaluateEvery: 1,
      keep: 'last',
    });
  });

  it('leaves the graph it was given alone', async () => {
    const graph = tinyGraph();
    const before = JSON.stringify(weights(graph));
    await train({ epochs: 1 }, tinyData(), graph);
    assert.equal(JSON.stringify(weights(graph)), before);
  });

  it('keeps no tensors, from step to step and after the end, an error or an abort', async () => {
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    const optimizer = { kind: 'adamw' } as const;
    await train({ optimizer, regularize: (_, g) => (counts.push(tf.memory().numTensors), g) });
    // A step may find up to seven losses that wait to be read.
    const steady = counts.filter((_, i) => i % 6 === 0);
    assert.ok(new Set(steady).size === 1, steady.join());
    await assert.rejects(fit(tinyGraph(), tinyData(), brokenFrom(3, NaN), options));
    await assert.rejects(train(stopAfter(3).options));
    assert.equal(tf.memory().numTensors, before);
  });

  it('evaluates every so many epochs, and at the end', async () => {
    const evaluated = async (evaluateEvery: number) =>
      (await train({ evaluateEvery, epochs: 5 })).history.flatMap(({ epoch, scores }) => (scores ? [epoch] : []));
    assert.deepEqual(await evaluated(2), [2, 4, 5]);
    assert.deepEqual(await evaluated(0), [5]);
  });

  it('drops a last batch that is not full only if asked to', async () => {
    const steps = async (dropLast: boolean) => {
      let count = 0;
      await train({ dropLast, epochs: 1, regularize: (_, g) => (count++, g) });
      return count;
    };
    assert.equal(await steps(false), 6);
    assert.equal(await steps(true), 5);
  });

  it('returns the best weights if asked to', async () => {
    const scores = [0.2, 0.9, 0.5];
    const task: Task<Int32Array> = {
      ...classification,
      meter: () => ({ add: () => Promise.resolve(), result: () => ({ accuracy: scores[turn++ % 3]! }) }),
    };
    let turn = 0;
    const run = (more: FitOptions) =>
      fit(tinyGraph(), tinyData(), task, { ...options, schedule: { kind: 'milestones', milestones: [] }, ...more });
    const second = await run({ epochs: 2 });
    turn = 0;
    const best = await run({ epochs: 3, keep: 'best' });
    assert.deepEqual(best.best, { epoch: 2, score: 0.9 });
    assert.deepEqual(weights(best.graph), weights(second.graph));
    assert.deepEqual(best.scores, { accuracy: 0.9 });
    await withFolder(async folder => {
      turn = 0;
      const filed = await run({ epochs: 3, keep: 'best', checkpoint: { folder } });
      assert.deepEqual(weights(filed.graph), weights(second.graph));
      assert.deepEqual(filed.scores, { accuracy: 0.9 });
      assert.deepEqual((await readdir(folder)).sort(), ['best.safetensors', 'last.safetensors']);
    });
  });

  it('reports progress, the score at the end of an epoch', async () => {
    const reports: TrainingProgress[] = [];
    await train({ progress: p => reports.push(p) });
    const last = reports.at(-1)!;
    assert.equal(last.step, 24);
    assert.equal(last.secondsLeft, 0);
    assert.ok(reports.every(p => p.steps === 24 && p.epochs === 4));
    assert.deepEqual(
      reports.filter(p => p.score !== undefined).map(p => [p.epoch, p.step, p.score]),
      whole.history.map(({ epoch, scores }) => [epoch, epoch * 6, scores!['accuracy']]),
    );
    const timeless = ({ seconds: _, ...epoch }: EpochRecord) => epoch;
    assert.deepEqual(
      reports.flatMap(({ ended }) => (ended ? [timeless(ended)] : [])),
      whole.history.map(timeless),
    );
  });

  it('passes gradients by name through the regularizer, between backward pass and update', async () => {
    const moments: unknown[] = [];
    const { graph } = await train({
      epochs: 2,
      regularize(network, gradients, moment) {
        moments.push(moment);
        assert.deepEqual(Object.keys(gradients), ['conv.kernel', 'norm.scale', 'norm.offset', 'fc.kernel', 'fc.bias']);
        assert.deepEqual(gradients['conv.kernel']!.shape, network.variables.get('conv.kernel')!.shape);
        return { ...gradients, 'fc.bias': tf.zeros([3]), 'norm.scale': tf.fill([4], 1) };
      },
      optimizer: { kind: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
      schedule: { kind: 'milestones', milestones: [] },
    });
    assert.deepEqual(moments[7], { epoch: 1, epochs: 2, step: 7, steps: 12 });
    assert.deepEqual([...graph.parameters.get('fc.bias')!.values], [...tinyGraph().parameters.get('fc.bias')!.values]);
    for (const scale of graph.parameters.get('norm.scale')!.values) assert.ok(Math.abs(scale + 0.2) < 1e-5, `${scale}`);
  });

  for (const value of [NaN, Infinity])
    it(`stops at a loss of ${value}, with its step and the last finite loss`, async () => {
      const data = tinyData();
      await assert.rejects(
        fit(tinyGraph(), data, brokenFrom(9, value), { ...options, evaluateEvery: 0 }),
        new RegExp(
          `^Error: loss is (NaN|Infinity) at step 9 \\(epoch 2, batch 3\\); the last finite loss was [0-9.]+ at step 8 \\(epoch 2, batch 2\\)$`,
        ),
      );
    });

  it('says that the first loss already is not finite', async () => {
    await assert.rejects(
      fit(tinyGraph(), tinyData(), brokenFrom(1, NaN), options),
      /at step 1 .*no loss of this run before/,
    );
  });

  it('refuses data of another task, too little data, a loader that miscounts, and unknown options', async () => {
    await assert.rejects(
      train({}, { ...tinyData(), task: 'detection' }),
      /data set tiny is for detection, the task is classification/,
    );
    await assert.rejects(train({ batch: 32, dropLast: true }), /22 training images of tiny make no batch of 32/);
    const short: Data<Int32Array> = { ...tinyData(), train: { ...tinyData(18).train, size: 22 } };
    await assert.rejects(train({}, short), /epoch 1 of tiny had 5 batches, not 6/);
    await assert.rejects(train({ epoch: 3 } as FitOptions), /Unrecognized key.*epoch/);
    const task: Task<Int32Array> = { ...classification, score: 'recall' };
    await assert.rejects(fit(tinyGraph(), tinyData(), task, options), /its meter gives accuracy, loss, not recall/);
  });

  describe('with a folder', () => {
    it('gives what it gives without', () =>
      withFolder(async folder => {
        const result = await train({ checkpoint: { folder } });
        assert.deepEqual(outcome(result), outcome(whole));
        assert.equal(result.resumed, false);
        assert.deepEqual(await readdir(folder), ['last.safetensors']);
      }));

    for (const [name, steps, everySteps] of [
      ['between epochs', 13, undefined],
      ['within an epoch, in the middle of warm-up', 5, 2],
      ['within an epoch, on the cosine', 16, 3],
    ] as const)
      for (const kind of ['sgd', 'adamw'] as const)
        it(`goes on to the same result after a stop ${name} (${kind})`, () =>
          withFolder(async folder => {
            const optimizer = { kind, learningRate: 0.05 };
            const stop = stopAfter(steps);
            const checkpoint = { folder, ...(everySteps ? { everySteps } : {}) };
            await assert.rejects(train({ optimizer, checkpoint, ...stop.options }), stop.reason);
            const result = await train({ optimizer, checkpoint });
            assert.equal(result.resumed, true);
            assert.deepEqual(outcome(result), outcome(await train({ optimizer })));
          }));

    it('goes on with the state of a regularizer', () =>
      withFolder(async folder => {
        const withState = async (more: FitOptions) => {
          const strength = tf.tidy(() => tf.variable(tf.scalar(0.01), false));
          const regularize: NonNullable<FitOptions['regularize']> = (network, gradients, moment) => {
            more.regularize?.(network, gradients, moment);
            strength.assign(tf.mul(strength, 1.1));
            const scale = network.variables.get('norm.scale')!;
            return { ...gradients, 'norm.scale': tf.add(gradients['norm.scale']!, tf.mul(scale, strength)) };
          };
          try {
            return await train({ ...more, regularize, slots: new Map([['strength', strength]]) });
          } finally {
            strength.dispose();
          }
        };
        const stop = stopAfter(15);
        await assert.rejects(withState({ checkpoint: { folder }, ...stop.options }), stop.reason);
        assert.deepEqual(outcome(await withState({ checkpoint: { folder } })), outcome(await withState({})));
      }));

    it('returns at once where the run is complete', () =>
      withFolder(async folder => {
        const first = await train({ checkpoint: { folder } });
        let steps = 0;
        const again = await train({ checkpoint: { folder }, regularize: (_, g) => (steps++, g) });
        assert.deepEqual([steps, again.resumed, outcome(again)], [0, true, outcome(first)]);
      }));

    it('starts over if asked to', () =>
      withFolder(async folder => {
        await train({ checkpoint: { folder }, seed: 5 });
        const result = await train({ checkpoint: { folder, resume: false } });
        assert.deepEqual([result.resumed, outcome(result)], [false, outcome(whole)]);
      }));

    it('keeps the last good state when a loss is not finite', () =>
      withFolder(async folder => {
        const more = { checkpoint: { folder, everySteps: 1 } };
        await assert.rejects(fit(tinyGraph(), tinyData(), brokenFrom(9, NaN), { ...options, ...more }), /step 9/);
        assert.deepEqual(outcome(await train(more)), outcome(whole));
      }));

    it('refuses the state of another graph, other data or other options', () =>
      withFolder(async folder => {
        const checkpoint = { folder };
        await train({ epochs: 1, checkpoint });
        const refused = (message: RegExp, ...given: Parameters<typeof train>) =>
          assert.rejects(train(...given), message);
        const one = { epochs: 1, checkpoint };
        await refused(
          /is of another run: graph.sha256 is "[0-9a-f]{64}" there, "[0-9a-f]{64}" here/,
          one,
          tinyData(),
          tinyGraph(2),
        );
        await refused(/graph.sha256/, one, tinyData(), tinyGraph(1, 5));
        await refused(/graph.name is "tiny" there, "other" here/, one, tinyData(), { ...tinyGraph(), name: 'other' });
        await refused(/data.sha256 is "none" there, "some" here/, one, { ...tinyData(), checksum: 'some' });
        await refused(/options.epochs is 1 there, 2 here/, { epochs: 2, checkpoint });
        await refused(/options.optimizer.learningRate is 0.1 there, 0.2 here/, {
          ...one,
          optimizer: { kind: 'sgd', learningRate: 0.2, nesterov: true },
        });
        await refused(/more.reg is absent there, 0.1 here/, {
          epochs: 1,
          checkpoint: { folder, identity: { reg: 0.1 } },
        });
      }));

    it('refuses a state without that of the regularizer, or with another', () =>
      withFolder(async folder => {
        const checkpoint = { folder };
        const slot = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false));
        const [three, two] = [slot([3]), slot([2])];
        await train({ epochs: 1, checkpoint, slots: new Map([['a', three]]) });
        await assert.rejects(
          train({ epochs: 1, checkpoint, slots: new Map([['b', three]]) }),
          /no tensor regularizer\/b/,
        );
        await assert.rejects(
          train({ epochs: 1, checkpoint, slots: new Map([['a', two]]) }),
          /regularizer\/a is \[3\], expected \[2\]/,
        );
        tf.dispose([three, two]);
      }));

    it('misses the file of the best weights', () =>
      withFolder(async folder => {
        const { rm } = await import('node:fs/promises');
        const more = { keep: 'best', checkpoint: { folder } } as const;
        await train(more);
        await rm(`${folder}/best.safetensors`);
        await assert.rejects(train(more), /the file of the best weights, of epoch \d, is gone/);
      }));
  });

  it('stops before the first step where the signal is aborted already', async () => {
    const reason = new Error('never');
    await assert.rejects(train({ signal: AbortSignal.abort(reason), regularize: () => assert.fail('a step') }), reason);
  });
});
