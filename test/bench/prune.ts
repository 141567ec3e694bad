/**
 * The whole pruning of ResNet-50 (ImageNet form) to 2x fewer multiply-adds in up to 400 small steps, global,
 * magnitude-l2; and the same by Torch-Pruning where Python has it (PRUNINGBENCH_PYTHON names the interpreter).
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { count } from '../../kernel/graph/count.ts';
import { groups } from '../../kernel/graph/groups.ts';
import { Follower } from '../../kernel/prune/follow.ts';
import { parseOptions, prune } from '../../kernel/prune/prune.ts';
import { magnitudeL2 } from '../../plugins/criteria/index.ts';
import { resnet50 } from '../../plugins/models/index.ts';
import { global } from '../../plugins/strategies/index.ts';

const repeats = 5;
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const seconds = (value: number) => (value < 0.1 ? `${(1000 * value).toFixed(1)} ms` : `${value.toFixed(2)} s`);

const phases = new Map<string, number[]>();
async function timed<T>(phase: string, f: () => T | Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await f();
  const times = phases.get(phase) ?? [];
  times.push((performance.now() - started) / 1000);
  phases.set(phase, times);
  return result;
}

async function ours(): Promise<number> {
  let steps = 0;
  for (let i = 0; i < repeats; i++) {
    const graph = await timed('graph', () => resnet50.build(parseOptions(resnet50, { classes: 1000 })));
    for (const parameter of graph.parameters.values()) void parameter.values;
    const list = await timed('groups', () => groups(graph).filter(group => !group.protected));
    const scoring = { criterion: magnitudeL2, options: {}, reduce: 'mean', normalize: 'mean' } as const;
    const follower = await timed('first scores', () => Follower.of(graph, list, scoring));
    await timed('scores again', () => follower.scores());
    await timed('count', () => count(graph));
    const result = await timed('whole schedule', async () => {
      const pruned = await prune(graph, { criterion: magnitudeL2, strategy: global, speedup: 2 });
      for (const parameter of pruned.graph.parameters.values()) void parameter.values;
      return pruned;
    });
    steps = result.trace.length;
  }
  return steps;
}

const steps = await ours();
console.log(`${cpus()[0]!.model.trim()}, node ${process.versions.node}, medians of ${repeats}`);
for (const [phase, times] of phases) console.log(`${phase.padEnd(16)} ${seconds(median(times))}`);
const mine = median(phases.get('whole schedule')!);
console.log(`${steps} steps, ${seconds(mine / steps)} each`);

const python = process.env.PRUNINGBENCH_PYTHON ?? 'python3';
const script = new URL('prune_torch.py', import.meta.url).pathname;
const peer = spawnSync(python, [script], { encoding: 'utf8' });
if (peer.status === 0) {
  const theirs = JSON.parse(peer.stdout.trim().split('\n').pop()!) as Record<string, number>;
  for (const [phase, value] of Object.entries(theirs))
    console.log(`torch-pruning ${phase.padEnd(16)} ${phase === 'steps' ? value : seconds(value)}`);
  console.log(`whole schedule: ${(theirs.schedule! / mine).toFixed(1)} times faster`);
} else console.log(`not compared with Torch-Pruning: ${peer.error?.message ?? peer.stderr.trim().split('\n').pop()}`);
