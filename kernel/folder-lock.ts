import { mkdir, readFile, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { makeFolder } from './train/write-atomically.ts';

const holderSchema = z.object({ pid: z.int().positive(), started: z.string(), host: z.string() });
type Holder = z.infer<typeof holderSchema>;

/** A folder is in use by another process. */
export class FolderInUse extends Error {
  override name = 'FolderInUse';
}

/**
 * Takes a folder for this process; the function that is returned lets it go. Throws `FolderInUse` where a process that
 * is alive has it. What a dead one left behind is taken over.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await makeFolder(folder);
  const file = join(folder, 'lock');
  const self: Holder = { pid: process.pid, started: await startOf(process.pid), host: hostname() };
  for (;;) {
    try {
      await writeFile(file, JSON.stringify(self), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    await takeOver(folder, file);
  }
}

/** `lockFolder` for a folder that others have for a moment at times: they are waited for, so many milliseconds. */
export async function lockFolderSoon(folder: string, patience = 5000): Promise<() => Promise<void>> {
  for (const until = performance.now() + patience; ;) {
    try {
      return await lockFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse) || performance.now() > until) throw error;
      await sleep(100);
    }
  }
}

/** Removes a lock that nobody holds. One process at a time looks, so that nobody removes the lock of who was faster. */
async function takeOver(folder: string, file: string): Promise<void> {
  const looking = join(folder, 'lock.looking');
  try {
    await mkdir(looking);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // who died while looking has left this
    const age = Date.now() - ((await stat(looking).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > 10_000) await rmdir(looking).catch(() => {});
    else await sleep(50);
    return;
  }
  try {
    const holder = await holderOf(file);
    if (holder === undefined) return;
    if (holder !== 'unknown' && holder.host !== hostname())
      throw new FolderInUse(
        `${folder} is in use by process ${holder.pid} on ${holder.host}; if that is gone, remove ${file}`,
      );
    if (holder !== 'unknown' && (await isAlive(holder)))
      throw new FolderInUse(`${folder} is in use by process ${holder.pid}; two at once would destroy what is in it`);
    await unlink(file);
  } finally {
    await rmdir(looking).catch(() => {});
  }
}

/** Who holds a lock; undefined where there is none, and unknown where its writer died before it had written. */
async function holderOf(file: string): Promise<Holder | 'unknown' | undefined> {
  for (let tries = 0; ; tries++) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const parsed = holderSchema.safeParse(parse(text));
    if (parsed.success) return parsed.data;
    // its writer may be at it
    if (tries === 20) return 'unknown';
    await sleep(50);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // another user's process is alive too
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (await startOf(pid)) === started;
}

/** When a process began, in ticks since the machine did: a number may be given to another process. Linux only. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
