import type { Command } from 'commander';
import { z } from 'zod';
import { standings } from '../bench/leaderboard.ts';
import type { RunRecord } from '../bench/record.ts';
import { legend, leaderboardTable, standingsTable } from '../bench/tables.ts';
import { entryStandings } from '../leaderboard/board.ts';
import { readEntries } from '../leaderboard/store.ts';
import { writeInFolder } from '../train/write-atomically.ts';
import { json } from '../text/json.ts';
import { UsageError } from '../text/usage.ts';
import type { Context, Describe } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { addFolder, folderOf, recordsIn } from './leaderboard-source.ts';
import { describeCheck, describeSubmit } from './leaderboard-submit.ts';
import { describeVerify } from './leaderboard-verify.ts';

const showOptions = z.object({
  html: z.string().optional().describe('file for a page with the records and their charts'),
});
const pageOptions = z.object({
  out: z.string().default('leaderboards.html').describe('file for the page, or a folder for its index.html'),
});

export const leaderboard: Describe = async (command, context) => {
  describeShow(
    command.command('show', { isDefault: true }).description('rank records of benchmarks, or the entries there are'),
    context,
  );
  describeSubmit(command.command('submit').description('make entries of the records of benchmarks'), context);
  await describeVerify(command.command('verify').description('run an entry again, and note what came of it'), context);
  describeCheck(command.command('check').description('check entries: schema, names, ids, sizes'), context);
  describePage(command.command('page').description('write the leaderboards as a web page in one file'), context);
  example(
    command,
    'pruningbench leaderboard runs/resnet18-shapes',
    'pruningbench leaderboard submit runs/resnet18-shapes --by "A. Name"',
    'pruningbench leaderboard page --out leaderboards.html',
  );
};

function describeShow(command: Command, { io }: Context): void {
  command.argument('[folder...]', 'folders that bench wrote its records to (default: the entries of the leaderboards)');
  addFolder(addFlags(command, showOptions));
  example(
    command,
    'pruningbench leaderboard show',
    'pruningbench leaderboard show runs/resnet18-shapes',
    'pruningbench leaderboard show runs/a runs/b --html leaderboard.html',
  );
  command.action(async (folders: string[], given: Given) => {
    const { html } = readFlags(showOptions, given);
    if (html !== undefined && folders.length === 0)
      throw new UsageError(`--html ${html}: needs folders of records; entries make a page by leaderboard page`);
    const records = (await Promise.all(folders.map(recordsIn))).flat();
    const rows = folders.length > 0 ? standings(records) : entryStandings(await readEntries(folderOf(given)));
    if (html !== undefined) await writeInFolder(html, new TextEncoder().encode(await page(records)));
    if (given['json']) return io.out(json(rows));
    const table = standingsTable(rows);
    io.out(`${String(table)}\n\n${legendOf(String(table).split('\n')[1] ?? '')}`);
    if (html !== undefined) io.out(`wrote ${html}\n`);
  });
}

/** What the columns of a table mean whose line of headings is given. */
function legendOf(head: string): string {
  const shown = Object.entries(legend).filter(([heading]) => ` ${head} `.includes(` ${heading} `));
  const width = Math.max(...shown.map(([heading]) => heading.length));
  return shown.map(([heading, meaning]) => `${heading.padEnd(width)}  ${meaning}\n`).join('');
}

/** A page with the leaderboard of records and its charts. */
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

function describePage(command: Command, { io }: Context): void {
  addFolder(addFlags(command, pageOptions));
  example(command, 'pruningbench leaderboard page --out leaderboards.html');
  command.action(async (given: Given) => {
    const { out } = readFlags(pageOptions, given);
    const entries = await readEntries(folderOf(given));
    const { leaderboardPage } = await import('../leaderboard/page.ts');
    const file = out.endsWith('.html') ? out : `${out.replace(/[\\/]$/, '')}/index.html`;
    await writeInFolder(file, new TextEncoder().encode(await leaderboardPage(entries)));
    io.out(given['json'] ? json({ file, entries: entries.length }) : `wrote ${file}\n`);
  });
}
