import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../native.ts';
import { writeInFolder } from '../train/write-atomically.ts';
import { entryText, mostBytes, parseEntry, pathOf, type Entry } from './entry.ts';

/** An entry and the file it is in. */
export interface Stored {
  readonly file: string;
  readonly entry: Entry;
}

const place = join('datasets', 'leaderboards');

/** The folder of all leaderboards: that of the clone one is in, else the package's own. */
export const leaderboardsFolder = (folder = process.cwd()): string =>
  existsSync(join(folder, place)) ? join(folder, place) : join(packageFolder, place);

/** Reads the file of an entry. Throws where it is none, or larger than an entry can be. */
export async function readEntry(file: string): Promise<Stored> {
  const info = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(cause.code === 'ENOENT' ? `no file ${file}` : cause.message, { cause });
  });
  if (!info.isFile()) throw new Error(`entry ${file}: is no file`);
  if (info.size > mostBytes) throw new Error(`entry ${file}: ${info.size} bytes, an entry has ${mostBytes} at most`);
  return { file, entry: parseEntry(await readFile(file, 'utf8'), file) };
}

/** Files of the entries in a folder of leaderboards, in the order of their names; none where it is not there. */
export async function entryFiles(folder: string): Promise<string[]> {
  const boards = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = await Promise.all(
    boards
      .filter(board => board.isDirectory())
      .map(async ({ name }) =>
        (await readdir(join(folder, name)))
          .filter(file => file.endsWith('.json'))
          .map(file => join(folder, name, file)),
      ),
  );
  return files.flat().sort();
}

/** All entries of a folder of leaderboards. */
export async function readEntries(folder = leaderboardsFolder()): Promise<Stored[]> {
  return Promise.all((await entryFiles(folder)).map(readEntry));
}

/** The entry that a path or an id names. Throws where there is none. */
export async function findEntry(wanted: string, folder: string): Promise<Stored> {
  if (!/^[0-9a-f]{12}$/.test(wanted)) return readEntry(wanted);
  const file = (await entryFiles(folder)).find(path => path.endsWith(`-${wanted}.json`));
  if (file === undefined) throw new Error(`no entry ${wanted} in ${folder}`);
  return readEntry(file);
}

/** Writes an entry to its place under the folder of all leaderboards; returns the file. */
export async function writeEntry(folder: string, entry: Entry): Promise<string> {
  const file = join(folder, ...pathOf(entry).split('/'));
  await write(file, entry);
  return file;
}

const write = (file: string, entry: Entry) => writeInFolder(file, new TextEncoder().encode(entryText(entry)));

/** Appends a verification to the entry in a file, as it is there now. */
export async function appendVerification(file: string, verification: Entry['verifications'][number]): Promise<Entry> {
  const { entry } = await readEntry(file);
  const verified = { ...entry, verifications: [...entry.verifications, verification] };
  await write(file, verified);
  return verified;
}

/** What is wrong with how entries supersede one another, each problem with the file it is in. */
export function supersedingProblems(stored: readonly Stored[]): string[] {
  const byId = new Map(stored.map(one => [one.entry.id, one]));
  const replacedBy = new Map<string, string>();
  return stored.flatMap(({ file, entry }) => {
    const old = entry.supersedes?.id;
    if (old === undefined) return [];
    const other = replacedBy.get(old);
    replacedBy.set(old, file);
    if (!byId.has(old)) return [`entry ${file}: supersedes ${old}, which is not there`];
    if (other !== undefined) return [`entry ${file}: supersedes ${old}, as ${other} does`];
    const seen = new Set<string>();
    for (let at: string | undefined = entry.id; at !== undefined; at = byId.get(at)?.entry.supersedes?.id) {
      if (seen.has(at)) return [`entry ${file}: supersedes itself, by way of ${[...seen].join(', ')}`];
      seen.add(at);
    }
    return [];
  });
}

/** The entries that no other supersedes. Throws where they supersede one another in a way that cannot be. */
export function current(stored: readonly Stored[]): Stored[] {
  const [problem] = supersedingProblems(stored);
  if (problem !== undefined) throw new Error(problem);
  const old = new Set(stored.map(({ entry }) => entry.supersedes?.id));
  return stored.filter(({ entry }) => !old.has(entry.id));
}
