import type { RunRecord } from '../kernel/bench/record.ts';
import type { Catalogue } from '../kernel/catalogue.ts';
import { checkExtensions } from '../kernel/contract/run.ts';
import { loadExtensions, withExtensions } from '../kernel/extensions.ts';
import type { Graph } from '../kernel/graph/graph.ts';
import { interruptSignal, ProgressBar, table, type Table } from '../kernel/jupyter/index.ts';
import { standingsTable } from '../kernel/bench/tables.ts';
import { entryStandings } from '../kernel/leaderboard/board.ts';
import type { PluginSource, Verification } from '../kernel/leaderboard/entry.ts';
import { cellSource, sourceOf } from '../kernel/leaderboard/plugin-source.ts';
import {
  appendVerification,
  findEntry,
  leaderboardsFolder,
  readEntries,
  readEntriesIfAny,
  writeEntry,
  type Stored,
} from '../kernel/leaderboard/store.ts';
import { entriesOf, type Submission } from '../kernel/leaderboard/submit.ts';
import { verify as runAgain } from '../kernel/leaderboard/verify.ts';
import type { Data } from '../kernel/plugin.ts';
import { ready } from './backend-choice.ts';
import { catalogue } from './catalogue.ts';
import { extensionsOf, type PluginChoice } from './plugin-choice.ts';

/**
 * Holds plugins against everything that those of their kind must do, as in `checkPlugin(variety)` or
 * `checkPlugin('variety.ts')`. Returns a table of the checks. Throws where one fails, with the first
 * failure, and for the name of a plugin that there is already.
 */
export async function checkPlugin(plugin: PluginChoice): Promise<Table> {
  await ready();
  const results = await checkExtensions(await extensionsOf(plugin), catalogue);
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length > 0) {
    const { kind, id, check, error } = failed[0]!;
    throw new Error(`${kind} ${id}: ${failed.length} of ${results.length} checks fail; ${check}: ${error}`);
  }
  return table(results.map(({ kind, id, check }) => ({ plugin: `${kind} ${id}`, check, result: 'ok' })));
}

/** The catalogue with plugins of one's own, and what entries say of where those come from. */
async function withPlugins(choices: readonly PluginChoice[]): Promise<{ known: Catalogue; sources: PluginSource[] }> {
  let known = catalogue;
  const sources: PluginSource[] = [];
  const cells = choices.filter(choice => typeof choice !== 'string');
  for (const choice of choices.filter(choice => typeof choice === 'string')) {
    const plugins = await loadExtensions(choice);
    known = withExtensions(known, plugins);
    sources.push(await sourceOf(choice, plugins));
  }
  if (cells.length === 0) return { known, sources };
  return { known: withExtensions(known, cells), sources: [...sources, ...cells.map(cell => cellSource([cell]))] };
}

export interface SubmitChoice extends Submission {
  /** Methods, models or data sets of one's own that the records name. */
  readonly plugins?: readonly PluginChoice[];
  /** Folder of all leaderboards (default: `datasets/leaderboards` here, or the package's). */
  readonly leaderboards?: string;
}

/**
 * Makes entries of records, one for each method, strategy and speed-up, and writes them to the leaderboards, as in
 * `submit(records, { by: 'A. Name', plugins: [variety] })`. Throws for what `leaderboard check` would refuse.
 */
export async function submit(records: readonly RunRecord[], options: SubmitChoice): Promise<Stored[]> {
  const { plugins = [], leaderboards = leaderboardsFolder(), ...submission } = options;
  const { known, sources } = await withPlugins(plugins);
  const entries = entriesOf(records, submission, sources, await readEntriesIfAny(leaderboards), known);
  const stored: Stored[] = [];
  for (const entry of entries) stored.push({ file: await writeEntry(leaderboards, entry), entry });
  return stored;
}

export interface VerifyChoice {
  /** Who verifies (default anonymous). */
  readonly by?: string;
  readonly plugins?: readonly PluginChoice[];
  /** The data; without them the entry's data set is loaded, from `datasetPath` where that is given. */
  readonly data?: Data;
  readonly datasetPath?: string;
  /** The base model, where the entry's was given. */
  readonly base?: Graph;
  /** Seeds to run again (default: all). */
  readonly seeds?: readonly number[];
  /** Points by which the mean score may differ (default: twice the spread over seeds, 0.5 at least; 1 for one seed). */
  readonly tolerance?: number;
  /** Whether the outcome is appended to the entry's file (default true). */
  readonly write?: boolean;
  readonly leaderboards?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs an entry again from its own records, as in `verify(entry, { plugins: [variety] })`; it is named by its file, by
 * its id or the beginning of that, or as `submit` returned it. Says `reproduced`, `re-run` or `differs`, by which numbers, and what is different here.
 */
export async function verify(wanted: string | Stored, options: VerifyChoice = {}): Promise<Verification> {
  await ready();
  const { by = 'anonymous', plugins = [], leaderboards = leaderboardsFolder(), write = true, ...rest } = options;
  const { known, sources } = await withPlugins(plugins);
  const { file, entry } = await findEntry(typeof wanted === 'string' ? wanted : wanted.file, leaderboards);
  const bar = new ProgressBar(undefined, { label: `entry ${entry.id}` });
  bar.total = 1;
  try {
    const verification = await runAgain(entry, {
      ...rest,
      by,
      catalogue: known,
      plugins: sources,
      signal: options.signal ?? interruptSignal(),
      progress: ({ label, stage, fraction }) => bar.set(Math.min(0.99, fraction), { run: label, stage }),
    });
    bar.set(1, {});
    if (write) await appendVerification(file, verification);
    return verification;
  } finally {
    bar.close();
  }
}

/** The entries of the leaderboards as a table, those that are superseded left out. */
export async function leaderboards(folder = leaderboardsFolder()): Promise<Table> {
  return standingsTable(entryStandings(await readEntries(folder)));
}
