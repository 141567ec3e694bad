import type { Command } from 'commander';
import { z } from 'zod';
import { modelWithWeights } from '../bench/model-with-weights.ts';
import { appendVerification, findEntry } from '../leaderboard/store.ts';
import type { Verification } from '../leaderboard/entry.ts';
import { removeRuns, verify } from '../leaderboard/verify.ts';
import { readModel } from '../read-model.ts';
import { json } from '../text/json.ts';
import { addBackendFlags, backendFrom } from './backend-flags.ts';
import type { Context } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { readFrom } from './graph-source.ts';
import { commandLine, interruptible } from './interrupt.ts';
import { addFolder, folderOf } from './leaderboard-source.ts';
import { sourcesOf } from './leaderboard-submit.ts';
import { LiveLine } from './live.ts';
import { read } from './read.ts';
import { seedSchema } from '../seed.ts';

const verifyOptions = z.object({
  by: z.string().default('anonymous').describe('who verifies'),
  datasetPath: z.string().optional().describe('where the data lie; entries do not know'),
  base: z.string().optional().describe("the base model (.safetensors), where the entry's was given"),
  weights: z.string().optional().describe('weights from PyTorch (.safetensors), where the entry began with some'),
  seeds: z.array(seedSchema).optional().describe('seeds to run again (default: all of the entry)'),
  tolerance: z
    .number()
    .min(0)
    .optional()
    .describe(
      'points by which the mean score may differ (default: twice the spread over seeds, 0.5 at least; 1 for one seed)',
    ),
  out: z
    .string()
    .optional()
    .describe('folder for what was run until it was stopped, so that it goes on; removed once the outcome is written'),
});

export async function describeVerify(command: Command, { io, catalogue, plugins, argv }: Context): Promise<void> {
  command
    .argument('<entry>', 'file of an entry, or its id or the beginning of that')
    .option('--dry', 'say what came of it, and do not write it into the entry');
  addFlags(addFolder(command), verifyOptions);
  if (argv[1] === 'verify') addBackendFlags(command, await catalogue());
  example(
    command,
    'pruningbench leaderboard verify 0123456789ab',
    'pruningbench leaderboard verify entry.json --dataset-path cifar-10-batches-bin --plugin variety.ts --seeds 0',
  );
  command.action(async (wanted: string, given: Given) => {
    const { base, weights, out, ...options } = readFlags(verifyOptions, given);
    const known = await catalogue();
    const { file, entry } = await findEntry(wanted, folderOf(given));
    const graph = base === undefined ? undefined : await readFrom(base, bytes => readModel(known.formats, bytes));
    const bytes = weights === undefined ? undefined : await read(weights);
    const sources = await sourcesOf(plugins);
    await backendFrom(known, given);
    const show = new LiveLine(io, { log: !given['json'] });
    const stopped =
      out === undefined ? 'stopped' : `stopped. The same command goes on from there: ${commandLine(argv)}`;
    const verification = await interruptible(io, stopped, signal =>
      verify(entry, {
        ...options,
        catalogue: known,
        plugins: sources,
        base: graph,
        withWeights: bytes && (model => modelWithWeights(model, bytes)),
        out,
        signal,
        progress: ({ label, stage, fraction }) =>
          show.show(`${label}  ${stage} ${(100 * fraction).toFixed(0)}%`, `${label} ${stage}`),
      }),
    ).finally(() => show.clear());
    const written = given['dry'] !== true;
    if (written) {
      await appendVerification(file, verification);
      if (out !== undefined) await removeRuns(entry, out);
    }
    if (given['json']) io.out(json(verification));
    else io.out(`${verificationText(verification)}${written ? `noted in ${file}\n` : ''}`);
    if (verification.outcome === 'differs') throw new Error(`entry ${entry.id}: the re-run differs`);
  });
}

const percent = (value: number) => `${(100 * value).toFixed(2)} %`;

function verificationText({ outcome, tolerance, runs, differences }: Verification): string {
  return [
    `${outcome}: ${meaning[outcome](tolerance)}`,
    ...runs.map(({ seed, score }) => `seed ${seed}: score ${percent(score)}`),
    ...differences.map(({ what, entry, here }) => `${what}: ${entry} in the entry, ${here} here`),
  ]
    .map(line => `${line}\n`)
    .join('');
}

const meaning: Record<Verification['outcome'], (tolerance: number) => string> = {
  reproduced: () => 'the same seeds gave the same numbers',
  're-run': tolerance => `the mean score is within ${tolerance.toFixed(2)} points`,
  differs: tolerance => `the mean score is not within ${tolerance.toFixed(2)} points, or the speed-up was not reached`,
};
