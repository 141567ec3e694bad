import type { Command } from 'commander';
import { z } from 'zod';
import { loadExtensions } from '../extensions.ts';
import { problems } from '../leaderboard/check.ts';
import { divisions, type PluginSource } from '../leaderboard/entry.ts';
import { sourceOf } from '../leaderboard/plugin-source.ts';
import { entryFiles, readEntries, readEntry, writeEntry, type Stored } from '../leaderboard/store.ts';
import { entriesOf } from '../leaderboard/submit.ts';
import type { Context } from './command.ts';
import { addFlags, readFlags, type Given } from './flags.ts';
import { example } from './help.ts';
import { json } from './json.ts';
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
    const entries = entriesOf(records, submission, sources, await readEntries(folder), await catalogue());
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
    const all = await entryFiles(folderOf(given));
    const wrong: string[] = [];
    const stored: Stored[] = [];
    for (const file of new Set([...all, ...files]))
      await readEntry(file).then(
        one => stored.push(one),
        (error: Error) => wrong.push(error.message),
      );
    wrong.push(...problems(stored, await catalogue()));
    const asked = files.length === 0 ? wrong : wrong.filter(problem => files.some(file => problem.includes(file)));
    const checked = files.length === 0 ? all.length : files.length;
    if (given['json']) io.out(json({ entries: checked, problems: asked }));
    else io.out(asked.length > 0 ? asked.map(problem => `${problem}\n`).join('') : `${checked} entries are valid\n`);
    if (asked.length > 0)
      throw new Error(`${asked.length} problem${asked.length > 1 ? 's' : ''} in ${checked} entries`);
  });
}
