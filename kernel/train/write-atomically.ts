import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';

type Files = Pick<typeof fs, 'open' | 'rename'>;

/**
 * Puts `bytes` under `path` such that a reader, or whoever comes after a crash, sees the old file or the new one and
 * never a part: written beside it, flushed to the disk, then renamed. One writer per path, or per temporary file.
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  files: Files = fs,
  temporary = `${path}.tmp`,
): Promise<void> {
  await flushed(temporary, files, async file => {
    if (bytes instanceof Uint8Array) return file.writeFile(bytes);
    for await (const part of bytes) await file.writeFile(part);
  });
  await files.rename(temporary, path);
  // The new name itself is safe when the folder is; not every system lets one flush a folder.
  const folder = await files.open(dirname(path)).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
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
