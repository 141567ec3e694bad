import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { parseRecord, readRecords, type RunRecord } from '../bench/record.ts';
import { leaderboardsFolder } from '../leaderboard/store.ts';
import type { Given } from './flags.ts';
import { read } from './read.ts';

/** Adds `--leaderboards`. */
export const addFolder = (command: Command): Command =>
  command.option(
    '--leaderboards <folder>',
    "folder of all leaderboards (default: datasets/leaderboards here, or the package's)",
  );
export const folderOf = (given: Given): string => (given['leaderboards'] as string | undefined) ?? leaderboardsFolder();

/** Records of a folder that bench wrote, or the one in a file. */
export async function recordsIn(path: string): Promise<RunRecord[]> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile() && path.endsWith('.json')) return [parseRecord((await read(path)).toString(), path)];
  const records = await readRecords(path);
  if (records.length === 0) throw new Error(`no records in ${path}`);
  return records;
}
