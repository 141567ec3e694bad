import assert from 'node:assert/strict';
import { compareLatency, measureLatency, type Stopwatch } from '../../../kernel/bench/measure.ts';
import { Builder } from '../../../kernel/graph/builder.ts';
import { onnx } from '../../../plugins/formats/index.ts';

const network = (filters: number) => {
  const b = new Builder('net');
  const x = b.conv('stem', b.input('image', [8, 8, 3]), { filters, kernel: 3, padding: 1 });
  return onnx.write(b.build(b.dense('head', b.globalAveragePool('pool', x), { units: 2 })));
};

/** Passes take the times of a list by the file's first byte; the log says in which order. */
function scripted(times: Record<number, number[]>): Stopwatch & { log: string[] } {
  let clock = 0;
  const log: string[] = [];
  return {
    log,
    now: () => clock,
    open: (file, { batch, threads }) => {
      const name = file[0]!;
      log.push(`open ${name} ${batch} ${threads}`);
      return Promise.resolve({
        run: () => {
          clock += times[name]!.shift()!;
          log.push(`run ${name}`);
          return Promise.resolve();
        },
        close: () => Promise.resolve(void log.push(`close ${name}`)),
      });
    },
  };
}
const file = (name: number) => Uint8Array.of(name);

describe('measure', () => {
  it('measures an exported network', async () => {
    const { medianMs, minMs, p90Ms, ...rest } = await measureLatency(network(4), { batch: 2, repeats: 5, threads: 1 });
    assert.deepEqual(rest, { batch: 2, repeats: 5, threads: 1 });
    assert.ok(minMs > 0 && minMs <= medianMs && medianMs <= p90Ms && Number.isFinite(p90Ms));
  });

  it('compares two exported networks', async () => {
    const { base, pruned, ratio } = await compareLatency(network(8), network(2), { repeats: 3, threads: 1 });
    assert.equal(ratio, base.minMs / pruned.minMs);
    assert.deepEqual([base.batch, base.repeats, pruned.batch, pruned.repeats], [1, 3, 1, 3]);
  });

  it('lets the passes take turns, warm-up included, and counts only those after it', async () => {
    const stopwatch = scripted({ 1: [900, 10, 30, 20], 2: [800, 4, 5, 9] });
    const options = { batch: 4, warmup: 1, repeats: 3, threads: 2 };
    const { base, pruned, ratio } = await compareLatency(file(1), file(2), options, stopwatch);
    const turns = Array.from({ length: 4 }, () => ['run 1', 'run 2']).flat();
    assert.deepEqual(stopwatch.log, ['open 1 4 2', 'open 2 4 2', ...turns, 'close 1', 'close 2']);
    assert.deepEqual(base, { batch: 4, medianMs: 20, minMs: 10, p90Ms: 28, repeats: 3, threads: 2 });
    assert.deepEqual([pruned.medianMs, pruned.minMs, ratio], [5, 4, 2.5]);
  });

  it('takes the mean of the two in the middle', async () => {
    const { medianMs } = await measureLatency(file(1), { warmup: 0, repeats: 4 }, scripted({ 1: [4, 1, 3, 2] }));
    assert.equal(medianMs, 2.5);
  });

  it('stops between passes and closes what it opened', async () => {
    const controller = new AbortController();
    const stopwatch = scripted({ 1: [1, 1, 1] });
    const { open } = stopwatch;
    stopwatch.open = async (...given) => {
      const runner = await open(...given);
      const run = () => {
        if (stopwatch.log.includes('run 1')) controller.abort(new Error('enough'));
        return runner.run();
      };
      return { ...runner, run };
    };
    await assert.rejects(measureLatency(file(1), { warmup: 0, signal: controller.signal }, stopwatch), /enough/);
    assert.deepEqual(stopwatch.log.slice(1), ['run 1', 'run 1', 'close 1']);
  });

  const refused: [string, () => Promise<unknown>, RegExp][] = [
    [
      'no passes',
      () => measureLatency(file(1), { repeats: 0 }, scripted({})),
      /repeats 0: must be a whole number from 1 on/,
    ],
    ['half a batch', () => measureLatency(file(1), { batch: 0.5 }, scripted({})), /batch 0.5: must be/],
    [
      'another number of axes',
      () => measureLatency(network(2), { inputShape: [3] }),
      /input image has 3 axes beside the batch, got \[3\]/,
    ],
    ['what is no model', () => measureLatency(file(1)), /./],
  ];
  for (const [what, run, message] of refused) it(`refuses ${what}`, () => assert.rejects(run, message));
});
