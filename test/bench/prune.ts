/*
 * Time of pruning ResNet-50 (ImageNet form, random weights) to 2x fewer multiply-adds in up to 400 small steps, global,
 * magnitude-l2; beside it Torch-Pruning where `python3` (or the interpreter that PYTHON names) can import it.
 * Run: npx tsx test/bench/prune.ts [repeats=5] [peer-repeats=3]
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { table } from '../../kernel/text/table.ts';
import { count } from '../../kernel/graph/count.ts';
import { groups } from '../../kernel/graph/groups.ts';
import type { Graph } from '../../kernel/graph/graph.ts';
import { Follower } from '../../kernel/prune/follow.ts';
import { prune } from '../../kernel/prune/prune.ts';
import { parseOptions } from '../../kernel/options.ts';
import { magnitudeL2 } from '../../plugins/criteria/index.ts';
import { resnet50 } from '../../plugins/models/index.ts';
import { global } from '../../plugins/strategies/index.ts';

type Phase = 'graph' | 'groups' | 'scores' | 'schedule' | 'counting' | 'weights' | 'whole';
type Seconds = { [phase in Phase]?: number };

const argument = (name: string, otherwise: number) =>
  Number(process.argv.find(a => a.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise);
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const makeWeights = (graph: Graph) => graph.parameters.forEach(parameter => void parameter.values);

async function ours(repeats: number): Promise<{ steps: number; first: number; seconds: Seconds }> {
  const times: { [phase in Phase]?: number[] } = {};
  async function timed<T>(phase: Phase, f: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await f();
    (times[phase] ??= []).push((performance.now() - started) / 1000);
    return result;
  }
  let steps = 0;
  for (let i = 0; i < repeats; i++) {
    const graph = await timed('graph', () => resnet50.build(parseOptions(resnet50, { classes: 1000 })));
    makeWeights(graph);
    const list = await timed('groups', () => groups(graph).filter(group => !group.protected));
    const scoring = { criterion: magnitudeL2, options: {}, reduce: 'mean', normalize: 'mean' } as const;
    await timed('scores', async () => (await Follower.of(graph, list, scoring)).scores());
    await timed('whole', async () => {
      const pruned = await timed('schedule', () =>
        prune(graph, { criterion: magnitudeL2, strategy: global, speedup: 2 }),
      );
      await timed('weights', () => makeWeights(pruned.graph));
      steps = pruned.trace.length;
    });
    await timed('counting', () => {
      for (let step = 0; step <= steps; step++) count(graph);
    });
  }
  return { steps, first: times.whole![0]!, seconds: mapValues(times, median) };
}

interface Peer {
  readonly versions: string;
  readonly steps: number;
  readonly seconds: Seconds;
}

/** Torch-Pruning cuts weights and counts in its schedule; why there is nothing to compare with, if so. */
function torchPruning(repeats: number): Peer | string {
  const python = process.env['PYTHON'] ?? 'python3';
  const script = fileURLToPath(new URL('prune_torch.py', import.meta.url));
  // Threads of OpenMP that spin while they wait take ten times as long where other programs run.
  const env = { OMP_WAIT_POLICY: 'PASSIVE', ...process.env };
  const { status, stdout, stderr, error } = spawnSync(python, [script, String(repeats)], { encoding: 'utf8', env });
  if (status !== 0) return `${python}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as Peer & { phases: Record<Phase, number[]> };
  return { ...result, seconds: mapValues(result.phases, median) };
}

function mapValues<A, B>(record: { readonly [key in Phase]?: A }, f: (value: A) => B): { [key in Phase]?: B } {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
}

const titles: Record<Phase, string> = {
  graph: 'graph',
  groups: 'groups',
  scores: 'first scores',
  schedule: 'schedule',
  weights: 'cut weights',
  whole: 'schedule and cut weights',
  counting: 'of this, counting multiply-adds',
};
const shown = (seconds: number | undefined) => {
  if (seconds === undefined) return '-';
  return seconds < 1 ? `${(1000 * seconds).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
};

const repeats = argument('repeats', 5);
const peerRepeats = argument('peer-repeats', 3);
const mine = await ours(repeats);
const peer = torchPruning(peerRepeats);
const theirs: Seconds = typeof peer === 'string' ? {} : peer.seconds;
const rows = Object.entries(titles).map(([phase, title]) => {
  const [a, b] = [mine.seconds[phase as Phase], theirs[phase as Phase]];
  return [title, shown(a), shown(b), a !== undefined && b !== undefined ? (b / a).toFixed(1) : '-'];
});
console.log(
  `ResNet-50 to 2x, global, magnitude-l2; ${cpus().length} x ${cpus()[0]!.model.trim()}, node ${process.versions.node}`,
);
const own = `medians of ${repeats}, ${mine.steps} steps; the first schedule, before the compiler was warm, took ${shown(mine.first)}`;
if (typeof peer === 'string') {
  console.log(`${own}\n`);
  console.log(
    table(
      ['phase', 'ours'],
      rows.map(row => row.slice(0, 2)),
    ),
  );
  console.log(`Torch-Pruning is absent, so there is nothing to compare with (${peer})`);
} else {
  console.log(`ours: ${own}`);
  console.log(`${peer.versions}: medians of ${peerRepeats}, ${peer.steps} steps; it cuts weights in its schedule\n`);
  console.log(table(['phase', 'ours', 'Torch-Pruning', 'ratio'], rows));
  const [a, b] = [mine.seconds.whole!, theirs.whole!];
  console.log(
    `${(b / a).toFixed(1)} times faster; ${((b - theirs.counting!) / a).toFixed(1)} times if its counting were free`,
  );
}
