import type { Experiment } from '../../kernel/bench/experiment.ts';
import { createNotebook, type Notebook } from '../../kernel/jupyter/notebook.ts';

/** Its cells come from here, so that all thirteen notebooks ask the same of their runs. */
export function experimentNotebook(experiment: Experiment): Notebook {
  const { id, title, about, published, profiles } = experiment;
  const { paper, laptop } = profiles;
  const [strategy] = paper.strategies;
  const weights = paper.protocol.base
    ? ''
    : '\nlet weights: string | undefined; // of PyTorch, a safetensors file: needed by the profile paper; the README says how to make one';
  const schedules = {
    paper: 'with the schedules of the paper',
    'paper-imagenet': "with the schedules of Torch-Pruning's scripts, as the paper does not give its own in full",
    'paper-imagenet-vit': 'with schedules of our own, as the paper does not give its own in full',
    'paper-coco': "by YOLOv8's own recipe",
  }[paper.protocol.name]!;
  const base = paper.protocol.base
    ? 'A base model is trained, every'
    : 'A base model is trained or, at the size of the paper, begins with weights of PyTorch; every';
  const rows =
    strategy === 'protected-global'
      ? `The paper's table of ${published.model} on ${published.dataset} is carried with this package.`
      : `The paper has a table for this strategy, too, but its rows were never published as data. What stands beside ours is the
one of \`protected-global\`, for the same network and data.`;
  const notebook = createNotebook([
    [
      'markdown',
      `# ${title}

How much of a network can go, and which method finds out best what? [PruningBench](https://arxiv.org/abs/2406.12315) compared
methods on several networks; this notebook makes one of its tables anew. Channels that depend on one another, such as those of two
layers whose outputs are added, can only go together: they make a *group*, and what goes at once is a *unit* of it. A *criterion*
gives every unit a score, a *strategy* says how many units each group loses, lowest scores first.

${about}

${base} method prunes it to every speed-up, what is left
is fine-tuned and scored. Records that are found in \`out\` are not made again, so that a run which was stopped goes on where it stood.

| profile | what it is |
| --- | --- |
| \`smoke\` | shows in a minute that everything runs; its numbers mean nothing |
| \`laptop\` | ${laptop.model} at a fraction of its width on ${laptop.dataset}, all ${laptop.methods.length} methods: hours on a processor |
| \`paper\` | the paper's network and data, ${schedules}: for a GPU, ${paper.protocol.base ? 'and days' : 'and weeks or months'} |`,
    ],
    `let profile: ProfileName = 'smoke';
let out = '../runs/${id}'; // for records and models, a folder in it for each profile
let path: string | undefined; // of the data, where they are files; or name their folder in PRUNINGBENCH_DATA
let seeds = [0]; // everything is run once for each${weights}`,
    ['markdown', '## The protocol'],
    `const plan = experiment('${id}', { profile, path, seeds });
planTable(plan)`,
    [
      'markdown',
      `A method is a criterion, or a criterion after a training with a regularizer, where two names are joined by a plus sign.
\`pruningbench methods\` says where each was published. The paper does not say how ThiNet, CP and HRank, which were made for single
layers, score the units of whole groups; ours put together what all layers of a group say.

## How long it takes

Some training steps are measured on this machine, for the runs that are not done yet; where the data are not here yet, their published
sizes are assumed. What criteria compute beside gradients comes on top.`,
    ],
    `const { text } = await estimatePlan(plan, { out: \`\${out}/\${profile}\`${weights ? ', weights' : ''} });
console.log(text);`,
    ['markdown', '## The runs'],
    `const records = await runPlan(plan, { out: \`\${out}/\${profile}\`${weights ? ', weights' : ''} });
leaderboardTable(records)`,
    [
      'markdown',
      `*before* is the score right after pruning, *recalibrated* with new statistics in the batch norms, *score* after fine-tuning, *delta*
the difference to *base*; *left* is the share of the parameters that is left, *reached* and *latency* the speed-up in multiply-adds and in measured time,
*step* is the time of a step of the pruning schedule, *regularizer* the time that the regularizer adds to a training step.`,
    ],
    'scoreChart(records)',
    [
      'markdown',
      `## Do ranks hold from speed-up to speed-up?

Lines that cross are methods that change places.`,
    ],
    `const results = standings(records);
bumpChart(results)`,
    [
      'markdown',
      `## Beside the paper

${rows} All its methods are ranked here together, by score; the paper ranks those with a regularizer apart. Scores of another network
and data set cannot be compared with the paper's, so it is the order that is held against it.`,
    ],
    `const theirs = publishedRows().filter(
  row => row.model === plan.published.model && row.dataset === plan.published.dataset,
);
const beside = besidePublished(results, theirs);
besideTable(beside, 'ours and the paper\\'s')`,
    [
      'markdown',
      `## Where the channels went

The highest speed-up. Rows are methods, columns are groups from the first layer to the last. At equal multiply-adds methods leave networks of other
shapes and sizes.`,
    ],
    'layersChart(records)',
    'paramsChart(results)',
    [
      'markdown',
      `## What it costs, and what it delivers

Points lost against the time of a pruning step, both averaged over speed-ups; and measured latency against multiply-adds, each pruned network turn by turn with its
base.`,
    ],
    'costChart(results)',
    'latencyChart(records)',
    ['markdown', '## What came out'],
    `const images = records[0].configuration.dataset.test;
display.markdown(
  [
    profile === 'paper'
      ? ''
      : \`This is the profile \\\`\${profile}\\\`: \${plan.model} on \${plan.dataset}, not the paper's network and data.\`,
    conclusions(results, theirs),
    \`\${seeds.length > 1 ? \`\${seeds.length} seeds\` : 'One seed'}, and one of \${images} test images is \${(100 / images).toFixed(2)} points: \` +
      'differences of a few images are noise.',
  ].join('\\n\\n'),
);`,
  ]);
  const parameters = notebook.cells[1]!;
  parameters.metadata = { tags: ['parameters'] };
  parameters['id'] = 'parameters';
  return notebook;
}
