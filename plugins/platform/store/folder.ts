import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { makeFolder, writeAtomically } from '../../../kernel/train/write-atomically.ts';
import { checkKey, NotStored, type Store } from './store.ts';

/** A store in a folder, which workers on other machines may share. */
export class FolderStore implements Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(key: string, path: string): Promise<void> {
    const target = this.#path(key);
    // opened before it is a stream: nobody would hear of its error yet
    const source = (await fs.open(path)).createReadStream();
    // two may put the same at once
    const temporary = `${target}.${randomUUID()}${unfinished}`;
    try {
      await makeFolder(dirname(target));
      await writeAtomically(target, source, fs, temporary);
    } catch (error) {
      await fs.rm(temporary, { force: true });
      throw error;
    } finally {
      source.destroy();
    }
  }

  async get(key: string, path: string): Promise<void> {
    await writeAtomically(path, await this.read(key));
  }

  async read(key: string): Promise<Readable> {
    const file = await fs.open(this.#path(key)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new NotStored(`nothing is stored under ${key}`) : error;
    });
    return file.createReadStream();
  }

  async list(prefix: string): Promise<string[]> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const entries = await fs
      .readdir(join(this.#folder, ...folder.split('/')), { recursive: true, withFileTypes: true })
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
    return entries
      .filter(entry => entry.isFile() && !entry.name.endsWith(unfinished))
      .map(entry =>
        join(entry.parentPath, entry.name)
          .slice(this.#folder.length + 1)
          .split(sep)
          .join('/'),
      )
      .filter(key => key.startsWith(prefix))
      .sort();
  }

  async remove(key: string): Promise<void> {
    await fs.rm(this.#path(key), { force: true });
  }

  #path(key: string): string {
    checkKey(key);
    return join(this.#folder, ...key.split('/'));
  }
}

/** What names of files end with that are being written. */
const unfinished = '.tmp';
