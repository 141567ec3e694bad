import type { Plan } from '../../../kernel/bench/plan.ts';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import { createNotebook, type Notebook } from '../../../kernel/jupyter/notebook.ts';

export interface NotebookOf {
  /** Id of the run. */
  readonly id: string;
  /** Of its submission. */
  readonly title: string;
  readonly plan: Plan;
  readonly record: RunRecord | null;
  /** The uploaded model that it begins with, and the task it is for. */
  readonly upload?: { readonly name: string; readonly sha256: string; readonly task: string } | undefined;
}

/** A notebook that makes a run anew, and holds what comes out against what came out here. */
export function runNotebook({ id, title, plan, record, upload }: NotebookOf): Notebook {
  return createNotebook([
    [
      'markdown',
      `# ${markdown(title)}

Run \`${id}\` of a PruningBench server, to be made anew: ${markdown(plan.methods[0]!)} at ${plan.speedups[0]}x, seed ${plan.seeds[0]}.
What is in \`out\` already is not made again, so that a run which was stopped goes on where it stood.`,
    ],
    `let out = 'runs/${id}'; // for the record, models and checkpoints
let path: string | undefined; // of the data, where they are files; or name their folder in PRUNINGBENCH_DATA
let plugins: string[] = []; // files of methods that do not come with the package: whoever runs the server has them`,
    ['markdown', '## The plan'],
    `const plan: Plan = planSchema.parse(${source(plan)});
planTable(plan)`,
    ['markdown', '## The run'],
    ...(upload ? uploaded(plan, upload) : []),
    `const datasetOptions = path === undefined ? plan.datasetOptions : { ...plan.datasetOptions, path };
const records = await runPlan(${upload ? `{ ...plan, model: model.id, datasetOptions }, { out, plugins: [model, ...plugins] }` : `{ ...plan, datasetOptions }, { out, plugins }`});`,
    'leaderboardTable(records)',
    'layersChart(records)',
    'trainingChart(records[0].pruned.history, records[0].score)',
    ...(record ? comparison(record) : []),
  ]);
}

/** A model that the server was given is not in the zoo: its file becomes one of one's own. */
function uploaded(
  { protocol }: Plan,
  { name, sha256, task }: NonNullable<NotebookOf['upload']>,
): (string | ['markdown', string])[] {
  return [
    [
      'markdown',
      `The model is the file ${markdown(name)} (SHA-256 \`${sha256}\`): download it from the server and say where it is.
${protocol.base ? 'It is trained before it is pruned.' : 'It is pruned as it is.'}`,
    ],
    `let file = ${source(name)};
const graph = await open(file);
const model = defineModel({ id: 'uploaded', task: ${source(task)}, build: () => graph });`,
  ];
}

function comparison({ score, base, pruned, configuration }: RunRecord): (string | ['markdown', string])[] {
  const there = {
    base: base.scores[score],
    before: pruned.before[score],
    score: pruned.scores[score],
    params: pruned.params,
  };
  return [
    [
      'markdown',
      `## Beside the server's

The same configuration on the same machine gives the same numbers; the server's were computed by the backend
\`${configuration.backend}\`. Another backend or processor rounds differently, and training makes more of it.`,
    ],
    `const [{ score, base, pruned }] = records;
const here = { base: base.scores[score], before: pruned.before[score], score: pruned.scores[score], params: pruned.params };
const there = ${source(there)};
table([{ where: 'the server', ...there }, { where: 'here', ...here }])`,
  ];
}

const source = (value: unknown): string => JSON.stringify(value, undefined, 2);
/** Text that is none of Markdown's marks. */
const markdown = (text: string): string => text.replace(/[\\`*_{}[\]<>()#+!|~&$]/g, '\\$&').replace(/\s+/g, ' ');
