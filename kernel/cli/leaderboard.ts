import { z } from 'zod';
import { standings } from '../bench/leaderboard.ts';
import { readRecords, type RunRecord } from '../bench/record.ts';
import { leaderboardTable } from '../bench/tables.ts';
import { writeInFolder } from '../train/write-atomically.ts';
import type { Describe } from './command.ts';
import { addFlags, example, readFlags, type Given } from './flags.ts';
import { json } from './json.ts';

const options = z.object({
  html: z.string().optional().describe('file for a page with the leaderboard and its charts'),
});

export const leaderboard: Describe = (command, { io }) => {
  command.argument('<folder...>', 'folders that bench wrote its records to');
  addFlags(command, options);
  example(
    command,
    'pruningbench leaderboard runs/resnet18-shapes',
    'pruningbench leaderboard runs/a runs/b --html leaderboard.html',
  );
  command.action(async (folders: string[], given: Given) => {
    const { html } = readFlags(options, given);
    const found = (await Promise.all(folders.map(recordsIn))).flat();
    // A folder that is named twice, or a copy of one, makes no second run.
    const records = [...new Map(found.map(record => [record.id, record])).values()];
    if (html !== undefined) await writeInFolder(html, new TextEncoder().encode(await page(records)));
    if (given['json']) return io.out(json(standings(records)));
    io.out(`${String(leaderboardTable(records))}\n`);
    if (html !== undefined) io.out(`wrote ${html}\n`);
  });
};

async function recordsIn(folder: string): Promise<RunRecord[]> {
  const records = await readRecords(folder);
  if (records.length === 0) throw new Error(`no records in ${folder}`);
  return records;
}

/** A page with the leaderboard and its charts. */
async function page(records: readonly RunRecord[]): Promise<string> {
  const [charts, { createNotebook, notebookToHtml }, { toMimeBundle }] = await Promise.all([
    import('../bench/charts.ts'),
    import('../jupyter/index.ts'),
    import('../jupyter/mime.ts'),
  ]);
  const { scoreChart, recoveryChart, rankChart, layersChart, latencyChart } = charts;
  const shown = [
    leaderboardTable(records),
    ...[scoreChart, recoveryChart, rankChart, layersChart].map(draw => draw(records)),
    ...(records.some(({ latency }) => latency.length > 0) ? [latencyChart(records)] : []),
  ];
  const notebook = createNotebook([['markdown', '# Leaderboard'], ...shown.map(() => '')]);
  for (const [i, value] of shown.entries())
    notebook.cells[i + 1]!['outputs'] = [
      { output_type: 'display_data', data: await toMimeBundle(value, []), metadata: {} },
    ] as never;
  return notebookToHtml(notebook, { code: false });
}
