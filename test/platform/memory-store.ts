import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { artifactKey, NotStored, type Store } from '../../plugins/platform/store.ts';
import type { Attempt, Runs } from '../../plugins/platform/runs.ts';

/** A store that keeps everything in memory. */
export class MemoryStore implements Store {
  readonly files = new Map<string, Buffer>();

  async put(key: string, path: string): Promise<void> {
    this.files.set(key, await readFile(path));
  }

  async get(key: string, path: string): Promise<void> {
    await writeFile(path, this.#find(key));
  }

  read(key: string): Promise<Readable> {
    return Promise.resolve().then(() => Readable.from([this.#find(key)]));
  }

  list(prefix: string): Promise<string[]> {
    return Promise.resolve([...this.files.keys()].filter(key => key.startsWith(prefix)));
  }

  remove(key: string): Promise<void> {
    this.files.delete(key);
    return Promise.resolve();
  }

  /** Saves a file of an attempt as a worker does. */
  async save(runs: Runs, attempt: Attempt, name: string, bytes: Buffer): Promise<void> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.files.set(artifactKey(attempt.id, sha256), bytes);
    await runs.saved(attempt, { name, bytes: bytes.length, sha256 });
  }

  #find(key: string): Buffer {
    const found = this.files.get(key);
    if (!found) throw new NotStored(`there is nothing under ${key}`);
    return found;
  }
}
