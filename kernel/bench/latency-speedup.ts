import type { Count } from '../graph/count.ts';
import type { Graph } from '../graph/graph.ts';
import type { Format } from '../plugin.ts';
import type { PruneOptions } from '../prune/prune.ts';
import type { Speedup, SpeedupKind } from '../prune/speedup.ts';
import { compareLatency, type LatencyOptions, type Stopwatch } from './measure.ts';

/**
 * Speed-up as the time that a graph takes on this machine says, against `base`, in ONNX Runtime. A measurement takes
 * longer than a step of pruning, so that it is only made anew when a fiftieth of the multiply-adds have gone; one that
 * would end the pruning, by reaching `target`, is made again with four times the passes.
 */
export function latencySpeedup(
  base: Graph,
  target: number,
  format: Format,
  { repeats = 10, ...options }: LatencyOptions = {},
  stopwatch?: Stopwatch,
): Speedup {
  const before = format.write(base);
  const ratio = async (graph: Graph, passes: number) =>
    (await compareLatency(before, format.write(graph), { ...options, repeats: passes }, stopwatch)).ratio;
  let measured = { macs: Infinity, speedup: 1 };
  return async (graph: Graph, { macs }: Count) => {
    if (macs > 0.98 * measured.macs) return measured.speedup;
    let speedup = await ratio(graph, repeats);
    if (speedup >= target) speedup = await ratio(graph, 4 * repeats);
    measured = { macs, speedup };
    return speedup;
  };
}

/** What options of pruning say of the kind of speed-up. */
export const speedupOptions = (
  kind: SpeedupKind,
  base: Graph,
  target: number,
  format: Format,
  latency: LatencyOptions,
): Pick<PruneOptions, 'count' | 'speedupOf'> =>
  kind === 'latency' ? { speedupOf: latencySpeedup(base, target, format, latency) } : { count: kind };
