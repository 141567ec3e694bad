import { basename } from 'node:path';
import { distinct, type RunRecord } from '../bench/record.ts';
import type { Catalogue } from '../catalogue.ts';
import { grouped } from '../grouped.ts';
import { problems } from './check.ts';
import { entryId, entrySchema, pathOf, settingOf, type Division, type Entry, type PluginSource } from './entry.ts';
import { pluginsOf } from './plugin-source.ts';
import { current, type Problem, type Stored } from './store.ts';

/** What is said of runs when they are submitted. */
export interface Submission {
  /** Who submits. */
  readonly by: string;
  /** Default: closed, which is a protocol of the package as it is. */
  readonly division?: Division;
  /** How it was done; needed in the open division. */
  readonly recipe?: string | undefined;
  /** Address of a paper or of code, https. */
  readonly paper?: string | undefined;
  readonly code?: string | undefined;
  /** Id of the entry that this one corrects, and why. */
  readonly supersedes?: string | undefined;
  readonly reason?: string | undefined;
}

/**
 * Entries of records: one for each method, strategy and speed-up, with all its seeds. Throws for runs that are in
 * `known` entries already, and for whatever else would make them invalid.
 */
export function entriesOf(
  records: readonly RunRecord[],
  submission: Submission,
  plugins: readonly PluginSource[],
  known: readonly Stored[],
  catalogue: Catalogue,
): Entry[] {
  const { by, division = 'closed', recipe, paper, code, supersedes, reason } = submission;
  if (records.length === 0) throw new Error('no records to submit');
  if ((supersedes === undefined) !== (reason === undefined))
    throw new Error(
      supersedes === undefined ? 'a reason, but no entry to supersede' : `why is ${supersedes} superseded?`,
    );
  const bySetting = grouped(distinct(records), ({ configuration }) => settingOf(configuration));
  if (supersedes !== undefined && bySetting.size > 1)
    throw new Error(`one entry supersedes ${supersedes}, these runs make ${bySetting.size}`);
  const replaced = current(known).find(({ entry }) => entry.id === supersedes);
  if (supersedes !== undefined && !replaced)
    throw new Error(`no entry ${supersedes} to supersede, or another one supersedes it already`);
  const taken = new Map(
    current(known)
      .filter(one => one !== replaced)
      .flatMap(({ file, entry }) => entry.records.map(({ id }) => [id, file] as const)),
  );
  const entries = [...bySetting.values()].map(list => {
    for (const { id } of list)
      if (taken.has(id))
        throw new Error(`run ${id} is in ${taken.get(id)} already; to run it again is to verify that entry`);
    const used = new Set(pluginsOf(list[0]!.configuration).map(({ kind, id }) => `${kind} ${id}`));
    const content = {
      version: 1 as const,
      submitted: new Date().toISOString(),
      by,
      division,
      recipe: recipe ?? null,
      links: { ...(paper === undefined ? {} : { paper }), ...(code === undefined ? {} : { code }) },
      plugins: plugins.filter(({ provides }) => provides.some(name => used.has(name))),
      supersedes: supersedes === undefined ? null : { id: supersedes, reason: reason! },
      records: [...list].sort((a, b) => a.configuration.seed - b.configuration.seed),
    };
    const parsed = entrySchema.omit({ id: true, verifications: true }).safeParse(content);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!;
      throw new Error(`submission: ${path.join('.')}: ${message}`);
    }
    const entry = { ...parsed.data, verifications: [] };
    return entrySchema.parse({ ...entry, id: entryId(entry) });
  });
  const stored = entries.map(entry => ({ file: `./${pathOf(entry)}`, entry }));
  const own = new Set(stored.map(({ file }) => file));
  const wrong = problems(replaced ? [...lineage(replaced, known), ...stored] : stored, catalogue).filter(
    ({ files: [file] }) => own.has(file),
  );
  if (wrong.length > 0) throw new Error(refusal(wrong));
  return entries;
}

/** A line for each thing that is wrong, with the entry that it is wrong with, or how many they are. */
function refusal(wrong: readonly Problem[]): string {
  const lines = [...grouped(wrong, ({ what }) => what)].map(([what, list]) => {
    const names = [...new Set(list.map(({ files: [file] }) => basename(file).replace(/-[0-9a-f]{12}\.json$/, '')))];
    return `${what} (${names[0]}${names.length > 1 ? ` and ${names.length - 1} more` : ''})`;
  });
  return lines.length === 1 ? `not submitted: ${lines[0]}` : ['not submitted', ...lines].join('\n  ');
}

/** An entry and those that it supersedes. */
function lineage(stored: Stored, known: readonly Stored[]): Stored[] {
  const older = known.find(({ entry }) => entry.id === stored.entry.supersedes?.id);
  return older ? [...lineage(older, known), stored] : [stored];
}
