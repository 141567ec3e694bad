import type { Readable } from 'node:stream';

/**
 * Where files of runs and uploaded models are kept. Keys are made by the platform, never by a user: letters, digits,
 * hyphens, dots, and slashes between parts. What is written is there whole or not at all.
 */
export interface Store {
  /** Takes the file at `path`. */
  put(key: string, path: string): Promise<void>;
  /** Writes what is kept to `path`, atomically. Throws `NotStored` where there is nothing. */
  get(key: string, path: string): Promise<void>;
  /** What is kept, to be read once. Throws `NotStored` where there is nothing. */
  read(key: string): Promise<Readable>;
  /** Keys that begin with `prefix`. */
  list(prefix: string): Promise<string[]>;
  /** Nothing happens where there is nothing. */
  remove(key: string): Promise<void>;
}

/** There is nothing under a key. */
export class NotStored extends Error {
  override name = 'NotStored';
}

/** What a key is made of. */
export const keyPattern = /^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+)*$/;

/** Throws for a key that is none. */
export function checkKey(key: string): void {
  if (!keyPattern.test(key)) throw new Error(`store: ${JSON.stringify(key)} is no key`);
}

/** Where a run's artifact of these contents is kept: a later attempt never writes over what an earlier one noted. */
export const artifactKey = (run: string, sha256: string): string => `runs/${run}/${sha256}`;
/** Where an uploaded model of these contents is kept. */
export const modelKey = (sha256: string): string => `models/${sha256}`;
