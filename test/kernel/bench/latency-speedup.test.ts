import assert from 'node:assert/strict';
import { latencySpeedup } from '../../../kernel/bench/latency-speedup.ts';
import { count } from '../../../kernel/graph/count.ts';
import type { Stopwatch } from '../../../kernel/bench/measure.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { prune } from '../../../kernel/prune/prune.ts';
import { magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { onnx } from '../../../plugins/formats/index.ts';
import { vgg19 } from '../../../plugins/models/index.ts';
import { protectedGlobal } from '../../../plugins/strategies/index.ts';

const graph = vgg19.build(vgg19.options.parse({ classes: 3, width: 0.125, image: 32 }));

/** A file takes as long as the time of its bytes says; `passes` counts them. */
function machine(time: (bytes: number) => number): Stopwatch & { passes: number } {
  let clock = 0;
  return {
    passes: 0,
    now: () => clock,
    open(file) {
      const run = () => {
        clock += time(file.length);
        this.passes++;
        return Promise.resolve();
      };
      return Promise.resolve({ run, close: () => Promise.resolve() });
    },
  };
}
const ask = (speedup: ReturnType<typeof latencySpeedup>, of: Graph, macs = count(of).macs) =>
  speedup(of, { ...count(of), macs });

describe('latency as the target', () => {
  it('prunes until the measured time is down, whatever the multiply-adds are', async () => {
    const options = { criterion: magnitudeL2, strategy: protectedGlobal, speedup: 3, steps: 100 };
    const { speedup, graph: pruned } = await prune(graph, {
      ...options,
      speedupOf: latencySpeedup(
        graph,
        3,
        onnx,
        { repeats: 1, warmup: 0 },
        machine(bytes => bytes),
      ),
    });
    const size = onnx.write(graph).length / onnx.write(pruned).length;
    assert.ok(size >= 3, `${size}`);
    assert.equal(speedup, size);
    assert.notEqual(Math.round(count(graph).macs / count(pruned).macs), 3);
  });

  it('says how far it came where time does not follow', async () => {
    const options = { criterion: magnitudeL2, strategy: protectedGlobal, speedup: 2, steps: 20 };
    const speedupOf = latencySpeedup(
      graph,
      2,
      onnx,
      { repeats: 1, warmup: 0 },
      machine(() => 7),
    );
    await assert.rejects(
      prune(graph, { ...options, speedupOf }),
      /reaches a speed-up of 1\.00 at most, 2 was asked for/,
    );
  });

  it('measures anew when a fiftieth of the multiply-adds are gone, and more often what would end the pruning', async () => {
    const clock = machine(() => 1);
    const speedup = latencySpeedup(graph, 2, onnx, { repeats: 2, warmup: 0 }, clock);
    const passes = async (macs: number) => {
      const before = clock.passes;
      await ask(speedup, graph, macs);
      return clock.passes - before;
    };
    assert.deepEqual([await passes(1000), await passes(990), await passes(979)], [4, 0, 4]);
    const reached = machine(() => 1);
    assert.equal(await ask(latencySpeedup(graph, 1, onnx, { repeats: 2, warmup: 0 }, reached), graph), 1);
    assert.equal(reached.passes, 4 + 16);
  });
});
