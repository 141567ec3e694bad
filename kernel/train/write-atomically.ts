import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

type Files = Pick<typeof fs, 'open' | 'rename'>;

/**
 * Puts `bytes` under `path` such that a reader, or whoever comes after a crash, sees the old file or the new one and
 * never a part: written beside it, flushed to the disk, then renamed. Of several writers at once the last one stays.
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  files: Files = fs,
  temporary = `${path}.${randomUUID()}.tmp`,
): Promise<void> {
  try {
    await flushed(temporary, files, async file => {
      if (bytes instanceof Uint8Array) return file.writeFile(bytes);
      for await (const part of bytes) await file.writeFile(part);
    });
    await files.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await removeLeftovers(path);
  // The new name itself is safe when the folder is; not every system lets one flush a folder.
  const folder = await files.open(dirname(path)).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/** Removes what writers of a file have left that died an hour ago or more. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const name = basename(path);
  for (const file of await fs.readdir(folder).catch(() => [])) {
    if (!file.startsWith(name) || !/^(\.[0-9a-f-]{36})?\.tmp$/.test(file.slice(name.length))) continue;
    const left = await fs.stat(join(folder, file)).catch(() => undefined);
    const dead = left !== undefined && Date.now() - left.mtimeMs > 3_600_000;
    if (dead) await fs.rm(join(folder, file), { force: true }).catch(() => {});
  }
}

/** `writeAtomically` in a folder that is made where there is none. */
export async function writeInFolder(path: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(dirname(path));
  await writeAtomically(path, bytes);
}

/** Makes a folder where there is none. Throws with its name where a file stands in the way. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { recursive: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const inTheWay = code === 'EEXIST' || code === 'ENOTDIR';
    throw new Error(inTheWay ? `${folder}: a file is in the way of this folder` : message, { cause });
  }
}

async function flushed(path: string, files: Files, write: (file: fs.FileHandle) => Promise<void>): Promise<void> {
  const file = await files.open(path, 'w');
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}
