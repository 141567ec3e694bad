/*
 * Time of the Jupyter kernel, as a front end sees it: from the start of its process to its first answer, of cells, of
 * completion and of inspection; beside it the processor time of its process, where /proc tells. The kernel is the built
 * one. The first cell of a kind, and the first question, is that of a fresh kernel.
 * Run: npm run build && npm run bench:kernel [-- starts=5] [repeats=15] [engine=typescript]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { table } from '../../kernel/text/table.ts';
import { nodeOptions } from '../../kernel/jupyter/install.ts';
import { Client, type Exchange } from '../kernel/jupyter/client.ts';

const argument = (name: string, otherwise: string) =>
  process.argv.find(a => a.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise;
const starts = Number(argument('starts', '5'));
const repeats = Number(argument('repeats', '15'));
const engine = argument('engine', 'typescript');
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const bin = fileURLToPath(new URL('../../dist/plugins/bin.js', import.meta.url));
const command = [process.execPath, ...nodeOptions, bin, 'kernel', 'start', '{connection_file}', '--engine', engine];

/** Milliseconds of processor time that the threads of a process have had; NaN where /proc does not tell. */
function processorTime(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const spent = threads.map(id => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]);
    return spent.reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e6, 0);
  } catch {
    return NaN;
  }
}

const cells: Record<string, (i: number) => string> = {
  trivial: i => `const trivial${i} = ${i} + 1; trivial${i}`,
  'tf.*': i => `tf.tensor([${i}, 2]).add(1).dataSync()[0]`,
  'our types': i => `const graph${i} = build('resnet18', { classes: ${10 + i}, width: 0.25 }); count(graph${i}).macs`,
  'earlier names': i => `const sum${i} = trivial${i} + 1; sum${i}`,
  table: i => `groupTable(build('resnet18', { classes: ${10 + i}, width: 0.25 }))`,
};
const questions: Record<string, [type: string, text: string]> = {
  'completion: tf.te': ['complete_request', 'tf.te'],
  'completion: prun': ['complete_request', 'prun'],
  'inspection: tf.tensor': ['inspect_request', 'tf.tensor'],
  'inspection: prune': ['inspect_request', 'prune'],
};

interface Sample {
  readonly wall: number;
  readonly processor: number;
}
const samples = new Map<string, Sample[]>();
const add = (name: string, sample: Sample) => samples.set(name, [...(samples.get(name) ?? []), sample]);

async function measure(name: string, client: Client, work: () => Promise<Exchange>): Promise<void> {
  const before = processorTime(client.pid);
  const started = performance.now();
  const { reply } = await work();
  add(name, { wall: performance.now() - started, processor: processorTime(client.pid) - before });
  if (reply['status'] !== 'ok') throw new Error(`${name}: ${reply['ename']}: ${reply['evalue']}`);
}

for (let start = 0; start < starts; start++) {
  const started = performance.now();
  const client = await Client.start(command);
  add('start', { wall: performance.now() - started, processor: processorTime(client.pid) });
  for (let i = 0; i <= repeats; i++) {
    const first = i === 0 ? 'first ' : '';
    for (const [kind, cell] of Object.entries(cells))
      await measure(`${first}cell: ${kind}`, client, () => client.execute(cell(i)));
    for (const [kind, [type, text]] of Object.entries(questions)) {
      const code = `const a${i} = ${text}`;
      const content = { code, cursor_pos: code.length, detail_level: 0 };
      await measure(`${first}${kind}`, client, () => client.request(type, content));
    }
  }
  await client.stop();
}

const ms = (value: number) => (Number.isNaN(value) ? '-' : value.toFixed(0));
console.log(
  `engine ${engine}, ${starts} kernels; ${cpus().length} x ${cpus()[0]!.model.trim()}, node ${process.versions.node}; ms`,
);
console.log(
  table(
    ['', 'wall: median', 'least', 'processor: median', 'least', 'number'],
    [...samples].map(([name, list]) => {
      const wall = list.map(sample => sample.wall);
      const processor = list.map(sample => sample.processor);
      return [
        name,
        ms(median(wall)),
        ms(Math.min(...wall)),
        ms(median(processor)),
        ms(Math.min(...processor)),
        String(list.length),
      ];
    }),
  ),
);
