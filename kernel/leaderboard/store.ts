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

/** Something that is wrong with entries. */
export interface Problem {
  /** The file of the entry that it is wrong with, and those of others that it has to do with. */
  readonly files: readonly [string, ...string[]];
  readonly what: string;
}

/** As in `entry FILE: what is wrong`. */
export const problemText = ({ files: [file], what }: Problem): string => `entry ${file}: ${what}`;

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
  checkSize(info.size, file);
  return { file, entry: parseEntry(await readFile(file, 'utf8'), file) };
}

function checkSize(bytes: number, file: string): void {
  if (bytes > mostBytes) throw new Error(`entry ${file}: ${bytes} bytes, an entry has ${mostBytes} at most`);
}

/** Files of the entries in a folder of leaderboards, in the order of their names. Throws where there is no such folder. */
export async function entryFiles(folder: string): Promise<string[]> {
  const boards = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const none = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    throw none ? new Error(`leaderboards: no folder ${folder}`, { cause }) : cause;
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

/** All entries of a folder of leaderboards. Throws where there is no such folder. */
export async function readEntries(folder = leaderboardsFolder()): Promise<Stored[]> {
  return Promise.all((await entryFiles(folder)).map(readEntry));
}

/** The entries of a folder that the first one may still have to make. */
export const readEntriesIfAny = async (folder: string): Promise<Stored[]> =>
  existsSync(folder) ? readEntries(folder) : [];

/** The entry that a path names, or an id or its beginning. Throws where there is none, or more than one. */
export async function findEntry(wanted: string, folder: string): Promise<Stored> {
  if (!/^[0-9a-f]{1,12}$/.test(wanted) || existsSync(wanted)) return readEntry(wanted);
  const files = (await entryFiles(folder)).filter(path => /-([0-9a-f]{12})\.json$/.exec(path)?.[1]!.startsWith(wanted));
  if (files.length === 0) throw new Error(`no entry ${wanted} in ${folder}`);
  if (files.length > 1) throw new Error([`entry ${wanted}: ${files.length} begin with it`, ...files].join('\n  '));
  return readEntry(files[0]!);
}

/** Writes an entry to its place under the folder of all leaderboards; returns the file. */
export async function writeEntry(folder: string, entry: Entry): Promise<string> {
  const file = join(folder, ...pathOf(entry).split('/'));
  await write(file, entry);
  return file;
}

/** Writes an entry. Throws where it could not be read again: one such file is in the way of all leaderboards. */
async function write(file: string, entry: Entry): Promise<void> {
  const text = entryText(entry);
  const bytes = new TextEncoder().encode(text);
  checkSize(bytes.length, file);
  parseEntry(text, file);
  await writeInFolder(file, bytes);
}

/** Appends a verification to the entry in a file, as it is there now. */
export async function appendVerification(file: string, verification: Entry['verifications'][number]): Promise<Entry> {
  const { entry } = await readEntry(file);
  const verified = { ...entry, verifications: [...entry.verifications, verification] };
  await write(file, verified);
  return verified;
}

/** What is wrong with how entries supersede one another. */
export function supersedingProblems(stored: readonly Stored[]): Problem[] {
  const byId = new Map(stored.map(one => [one.entry.id, one]));
  const replacedBy = new Map<string, string>();
  return stored.flatMap(({ file, entry }): Problem[] => {
    const old = entry.supersedes?.id;
    if (old === undefined) return [];
    const other = replacedBy.get(old);
    replacedBy.set(old, file);
    if (!byId.has(old)) return [{ files: [file], what: `supersedes ${old}, which is not there` }];
    if (other !== undefined) return [{ files: [file, other], what: `supersedes ${old}, as ${other} does` }];
    const seen = new Set<string>();
    for (let at: string | undefined = entry.id; at !== undefined; at = byId.get(at)?.entry.supersedes?.id) {
      if (seen.has(at)) return [{ files: [file], what: `supersedes itself, by way of ${[...seen].join(', ')}` }];
      seen.add(at);
    }
    return [];
  });
}

/** The entries that no other supersedes. Throws where they supersede one another in a way that cannot be. */
export function current(stored: readonly Stored[]): Stored[] {
  const [problem] = supersedingProblems(stored);
  if (problem !== undefined) throw new Error(problemText(problem));
  const old = new Set(stored.map(({ entry }) => entry.supersedes?.id));
  return stored.filter(({ entry }) => !old.has(entry.id));
}
