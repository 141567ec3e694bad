import { join } from 'node:path';
import { stat } from 'node:fs/promises';
import { shared } from '../kernel/train/shared-memory.ts';

/** Many short texts in shared memory: a million file names are copied to no thread. */
export interface Texts {
  readonly bytes: Uint8Array;
  /** Where each ends. */
  readonly ends: Uint32Array;
}

export function textsOf(list: readonly string[]): Texts {
  const parts = list.map(text => Buffer.from(text));
  let end = 0;
  const ends = Uint32Array.from(parts, ({ length }) => (end += length));
  return { bytes: shared(new Uint8Array(Buffer.concat(parts))), ends: shared(ends) };
}

export const textAt = ({ bytes, ends }: Texts, i: number): string =>
  Buffer.from(bytes.subarray(i === 0 ? 0 : ends[i - 1]!, ends[i])).toString();

/**
 * The first of some folders that exists: the one that is given, or one of `folders` under what PRUNINGBENCH_DATA names.
 * Throws with what is `expected` there.
 */
export async function findFolder(
  id: string,
  path: string | undefined,
  folders: readonly string[],
  expected: string,
): Promise<string> {
  const root = process.env['PRUNINGBENCH_DATA'];
  if (path === undefined && !root)
    throw new Error(
      `${id}: no folder given: set the option path (${id}:path=FOLDER on the command line) to one with ${expected}, or PRUNINGBENCH_DATA`,
    );
  const candidates = path === undefined ? folders.map(folder => join(root!, folder)) : [path];
  for (const folder of candidates) if (await isFolder(folder)) return folder;
  throw new Error(`${id}: no folder ${candidates.join(' or ')}; expected one with ${expected}`);
}

export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    entry => entry.isDirectory(),
    () => false,
  );
