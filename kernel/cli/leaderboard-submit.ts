import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { loadExtensions } from '../extensions.ts';
import { problems } from '../leaderboard/check.ts';
import { divisions, type PluginSource } from '../leaderboard/entry.ts';
import { sourceOf } from '../leaderboard/plugin-source.ts';
import { entryFiles, problemText, readEntriesIfAny, readEntry, writeEntry, type Stored } from '../leaderboard/store.ts';
import { entriesOf } from '../leaderboard/submit.ts';
import { json } from '../text/json.ts';
import type { Context } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { addFolder, folderOf, recordsIn } from './leaderboard-source.ts';

const submitOptions = z.object({
  by: z.string().describe('who submits'),
  division: z
    .enum(divisions)
    .default('closed')
    .describe("closed: a protocol of the package as it is; open: a recipe of one's own, stated"),
  recipe: z.string().optional().describe('how it was done, for the open division'),
  paper: z.string().optional().describe('its address, https'),
  code: z.string().optional().describe('its address, https'),
  supersedes: z.string().optional().describe('id of the entry that this one corrects'),
  reason: z.string().optional().describe('why it is corrected'),
});

export function describeSubmit(command: Command, { io, catalogue, plugins }: Context): void {
  command.argument('<run...>', 'folders that bench wrote its records to, or files of records');
  addFolder(addFlags(command, submitOptions));
  example(
    command,
    'pruningbench leaderboard submit runs/resnet18-shapes --by "A. Name"',
    'pruningbench leaderboard submit runs/variety --plugin variety.ts --by "A. Name" --code https://example.org/variety',
    'pruningbench leaderboard submit runs/longer --by "A. Name" --division open --recipe "30 epochs of fine-tuning"',
  );
  command.action(async (runs: string[], given: Given) => {
    const submission = readFlags(submitOptions, given);
    const records = (await Promise.all(runs.map(recordsIn))).flat();
    const folder = folderOf(given);
    const sources = await sourcesOf(plugins);
    const entries = entriesOf(records, submission, sources, await readEntriesIfAny(folder), await catalogue());
    const written = [];
    for (const entry of entries) {
      const file = await writeEntry(folder, entry);
      written.push({ id: entry.id, file, seeds: entry.records.length });
    }
    if (given['json']) return io.out(json(written));
    io.out(
      written.map(({ id, file, seeds }) => `entry ${id}, ${seeds} seed${seeds > 1 ? 's' : ''}: ${file}\n`).join(''),
    );
  });
}

/** What entries say of the files and packages that `--plugin` names. */
export const sourcesOf = (specifiers: readonly string[]): Promise<PluginSource[]> =>
  Promise.all(specifiers.map(async specifier => sourceOf(specifier, await loadExtensions(specifier))));

export function describeCheck(command: Command, { io, catalogue }: Context): void {
  command.argument('[file...]', 'entries (default: all of the leaderboards)');
  addFolder(command);
  example(command, 'pruningbench leaderboard check');
  command.action(async (files: string[], given: Given) => {
    const folder = folderOf(given);
    const all = await entryFiles(folder);
    const asked = new Set((files.length > 0 ? files : all).map(file => resolve(file)));
    if (asked.size === 0) throw new Error(`no entries in ${folder}`);
    const wrong: { files: readonly string[]; text: string }[] = [];
    const stored: Stored[] = [];
    // One file may be given in several ways.
    for (const file of new Map([...files, ...all].map(file => [resolve(file), file])).values())
      await readEntry(file).then(
        one => stored.push(one),
        (error: Error) => wrong.push({ files: [file], text: error.message }),
      );
    for (const problem of problems(stored, await catalogue()))
      wrong.push({ files: problem.files, text: problemText(problem) });
    const told = wrong.filter(({ files }) => files.some(file => asked.has(resolve(file)))).map(({ text }) => text);
    const checked = counted(asked.size, 'entry', 'entries');
    if (given['json']) io.out(json({ entries: asked.size, problems: told }));
    else
      io.out(
        told.length > 0
          ? told.map(text => `${text}\n`).join('')
          : `${checked} ${asked.size > 1 ? 'are' : 'is'} valid\n`,
      );
    if (told.length > 0) throw new Error(`${counted(told.length, 'problem', 'problems')} in ${checked}`);
  });
}

const counted = (n: number, one: string, more: string): string => `${n} ${n === 1 ? one : more}`;
