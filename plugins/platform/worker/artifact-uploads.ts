import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isCheckpoint, type Artifact } from '../run.ts';
import type { Held, Office } from './office.ts';

/** SHA-256 and size of a file. */
export async function digestOf(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(part);
    bytes += part.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

export interface ArtifactUploadsOptions {
  readonly held: Held;
  readonly office: Pick<Office, 'put' | 'saved'>;
  /** Folder on the file system of what is uploaded. */
  readonly folder: string;
  /** Does something again through outages. */
  readonly steadily: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told of what ends the uploads. */
  readonly failed: (error: Error) => void;
}

/**
 * Brings files of an attempt to the store and notes them, one after the other. A file that is written anew while it waits
 * is taken as it is when its turn comes.
 */
export class ArtifactUploads {
  readonly #options: ArtifactUploadsOptions;
  readonly #saved = new Map<string, string>();
  readonly #waiting = new Map<string, string>();
  #working: Promise<void> | undefined;
  #failure: Error | undefined;
  #count = 0;

  constructor(options: ArtifactUploadsOptions) {
    this.#options = options;
  }

  /** States what the run has in the store already. */
  know(artifacts: readonly Artifact[]): void {
    for (const { name, sha256 } of artifacts) this.#saved.set(name, sha256);
  }

  add(name: string, path: string): void {
    this.#waiting.set(name, path);
    this.#working ??= this.#work();
  }

  /** Waits until all is in the store and noted. Throws where that failed. */
  async finish(): Promise<void> {
    await this.#working;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
  }

  async #work(): Promise<void> {
    try {
      await mkdir(this.#options.folder, { recursive: true });
      for (const [name, path] of this.#waiting) {
        this.#waiting.delete(name);
        await this.#upload(name, path);
      }
    } catch (error) {
      this.#failure = error as Error;
      this.#waiting.clear();
      this.#options.failed(this.#failure);
    } finally {
      this.#working = undefined;
    }
  }

  async #upload(name: string, path: string): Promise<void> {
    const { held, office, steadily, folder } = this.#options;
    const snapshot = join(folder, String(this.#count++));
    try {
      // its writer puts another file in its place and leaves this one as it is
      await link(path, snapshot);
    } catch (error) {
      // a training that has ended needs its checkpoint no more
      if (isCheckpoint({ name }) && (error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    try {
      const file = await digestOf(snapshot);
      const { sha256 } = file;
      if (this.#saved.get(name) === sha256) return;
      if (![...this.#saved.values()].includes(sha256)) await steadily(() => office.put(held, file, snapshot));
      await steadily(() => office.saved(held, { name, ...file }));
      this.#saved.set(name, sha256);
    } finally {
      await rm(snapshot, { force: true });
    }
  }
}
