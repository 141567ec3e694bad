/*
 * Training steps and inference on the onnxruntime backend beside PyTorch eager in both layouts (where `python3`, or the
 * interpreter that PYTHON names, can import torch) and tfjs-node (where it loads). Every measurement is a process of its
 * own; they take turns, so that what slows the machine for a while slows all.
 * Run: npm run bench:engine [-- only=resnet18,vit-small] [rounds=2] [threads=2] [profile=PREFIX] [write=1]
 * `write=1` puts the table into the backend's README.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../plugins/backends/onnxruntime/index.ts';

const argument = (name: string, otherwise: string) =>
  process.argv.find(a => a.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise;
const rounds = Number(argument('rounds', '2'));
const threads = argument('threads', '2');
const profile = argument('profile', '');

/** Workloads, what they are called in the table, steps that do not count and steps that do. */
const workloads: Record<string, readonly [title: string, warm: number, steps: number]> = {
  resnet18: ['training, ResNet-18 for CIFAR, batch 64', 3, 6],
  'resnet18-pruned': ['the same, pruned to half its multiply-adds', 3, 6],
  resnet50: ['training, ResNet-50 at 224, batch 8', 3, 4],
  'vit-small': ['training, ViT-S/16 at 224, batch 8', 3, 4],
  yolov8n: ['training, YOLOv8n at 640 (network only), batch 2', 3, 4],
  'resnet50-1': ['inference, ResNet-50, batch 1', 60, 15],
  'resnet50-8': ['inference, ResNet-50, batch 8', 20, 7],
  'resnet50-pruned-1': ['inference, ResNet-50 pruned to half, batch 1', 60, 15],
  'resnet50-pruned-8': ['inference, ResNet-50 pruned to half, batch 8', 20, 7],
};
const only = argument('only', Object.keys(workloads).join()).split(',');

interface Run {
  readonly version: string;
  readonly times: number[];
  readonly recording?: number[];
  readonly peak: number;
  readonly report?: Report;
}

interface Measured {
  /** Median of all steps that count, in ms. */
  readonly ms: number;
  /** The greatest peak of a process, in MB. */
  readonly peak: number;
  readonly runs: readonly Run[];
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bench-engine-'));
const python = process.env['PYTHON'] ?? 'python3';

/** Runs a program and reads the last line it prints; undefined where it fails. */
function run(command: string, args: readonly string[]): Run | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return status === 0 ? (JSON.parse(stdout.trim().split('\n').at(-1)!) as Run) : undefined;
}
const runs = (command: string, args: readonly string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

const tfjs = (workload: string, backend: string, count: number) =>
  run(process.execPath, [
    ...['--import', 'tsx', here('engine-tfjs.ts'), workload, backend, String(count), threads, join(folder, workload)],
    ...(profile && backend === 'onnxruntime' ? [`${profile}-${workload}`] : []),
  ]);
const torch = (workload: string, layout: string, count: number) => {
  const widths = workload.includes('pruned') ? [join(folder, workload)] : [];
  return run(python, [here('engine-torch.py'), workload, layout, String(count), threads, ...widths]);
};

const hasTorch = runs(python, ['-c', 'import torch']);
const hasTensorflow = tfjs('resnet18', 'tensorflow', 1) !== undefined;
if (!hasTorch) console.log(`PyTorch is absent: ${python} cannot import torch`);
if (!hasTensorflow) console.log('tfjs-node is absent');
type Engine = (workload: string, count: number) => Run | undefined;
const engines: Record<string, Engine> = {
  ours: (w, count) => tfjs(w, 'onnxruntime', count),
  ...(hasTorch && {
    'PyTorch, default layout': (w, count) => torch(w, 'contiguous_format', count),
    'PyTorch, channels_last': (w, count) => torch(w, 'channels_last', count),
  }),
  ...(hasTensorflow && { 'tfjs-node': (w, count) => tfjs(w, 'tensorflow', count) }),
};

function measure(workload: string): Record<string, Measured | undefined> {
  const [, warm, steps] = workloads[workload]!;
  const found: Record<string, Run[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, engine] of Object.entries(engines)) {
      const result = engine(workload, warm + steps);
      if (result) (found[name] ??= []).push(result);
    }
  }
  const summary = (list: Run[] | undefined): Measured | undefined =>
    list && {
      ms: median(list.flatMap(({ times }) => times.slice(warm))),
      peak: Math.max(...list.map(({ peak }) => peak)),
      runs: list,
    };
  return Object.fromEntries(Object.keys(engines).map(name => [name, summary(found[name])]));
}

const cells = (ms: number | undefined, peak?: number) =>
  ms === undefined ? 'failed' : `${ms.toFixed(0)} ms${peak === undefined ? '' : `, ${(peak / 1024).toFixed(2)} GB`}`;
const names = Object.keys(engines);
const header = ['', ...names, ...(hasTorch ? ["time to PyTorch's better", 'memory'] : [])];
const rows: string[][] = [];
for (const workload of only) {
  if (!(workload in workloads)) throw new Error(`workload ${workload}: there are ${Object.keys(workloads).join(', ')}`);
  const results = measure(workload);
  const ours = results['ours']!;
  const others = names.filter(name => name.startsWith('PyTorch')).flatMap(name => results[name] ?? []);
  const best = others.toSorted((a, b) => a.ms - b.ms)[0];
  rows.push([
    workloads[workload]![0],
    ...names.map(name => cells(results[name]?.ms, results[name]?.peak)),
    ...(best ? [`${(ours.ms / best.ms).toFixed(2)}x`, `${(ours.peak / best.peak).toFixed(2)}x`] : []),
  ]);
  console.log(
    rows
      .at(-1)!
      .map((cell, i) => (i === 0 ? cell : `${header[i]}: ${cell}`))
      .join(' | '),
  );
  const { report, recording, times } = ours.runs.at(-1)!;
  const { compiles, time, fallbacks, last } = report!;
  const warm = workloads[workload]![1];
  console.log(
    `  first ${times[0]!.toFixed(0)} ms; ${compiles} compilations, ${(time.lower + time.session).toFixed(0)} ms; ` +
      `recording ${median(recording!.slice(warm)).toFixed(1)} ms a step, key ${(time.key / times.length).toFixed(1)} ms; ` +
      `${last.onnxNodes} ONNX nodes; fallbacks ${JSON.stringify(fallbacks)}`,
  );
}
rmSync(folder, { recursive: true });

const line = (list: readonly string[]) => `| ${list.join(' | ')} |`;
const versions = hasTorch
  ? `, PyTorch ${run(python, [here('engine-torch.py'), 'resnet50-1', 'channels_last', '1', threads])?.version}`
  : '';
const table = [
  `${cpus()[0]!.model.trim()}, ${threads} threads, Node ${process.versions.node}${versions}; medians, and the peak of the process.`,
  '',
  line(header),
  line(header.map(() => '---')),
  ...rows.map(line),
].join('\n');
console.log(`\n${table}`);
if (argument('write', '') === '1') {
  const readme = here('../../plugins/backends/onnxruntime/README.md');
  const text = readFileSync(readme, 'utf8');
  const [begin, end] = ['<!-- bench:engine -->', '<!-- /bench:engine -->'];
  const at = text.indexOf(begin);
  if (at < 0) throw new Error(`README.md: no ${begin}`);
  writeFileSync(readme, `${text.slice(0, at + begin.length)}\n\n${table}\n\n${text.slice(text.indexOf(end))}`);
}
