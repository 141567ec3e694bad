import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Graph } from '../graph/graph.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../safetensors.ts';
import { writeInFolder } from './write-atomically.ts';

/** What a run is made of; a checkpoint of a run with other values is not continued. Plain JSON. */
export type Identity = Readonly<Record<string, unknown>>;

/** The state of a run between two batches. */
export interface Checkpoint<State> {
  readonly identity: Identity;
  /** Plain JSON. */
  readonly state: State;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const format = 'pruningbench-checkpoint-1';

/** SHA-256 over structure and initial values of a graph. */
export function graphDigest({ parameters, ...structure }: Graph): string {
  const hash = createHash('sha256').update(JSON.stringify(structure));
  for (const [name, { shape, values, trainable }] of parameters)
    hash.update(JSON.stringify([name, shape, trainable])).update(values);
  return hash.digest('hex');
}

/** Writes one safetensors file with everything; the old one stays until the new one is complete. */
export async function writeCheckpoint(path: string, { identity, state, tensors }: Checkpoint<unknown>): Promise<void> {
  const texts = { format, identity: JSON.stringify(identity), state: JSON.stringify(state) };
  await writeInFolder(path, encodeSafetensors(tensors, { ...texts, sha256: digest(texts, tensors) }));
}

/**
 * The checkpoint under `path`, or undefined where there is none.
 * Throws where the file is damaged, or belongs to another run than `identity`: the message names the first difference.
 */
export async function readCheckpoint<State>(path: string, identity: Identity): Promise<Checkpoint<State> | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!bytes) return undefined;
  const name = `checkpoint ${path}`;
  const { metadata, tensors } = decode(bytes, name);
  if (metadata.format !== format) throw new Error(`${name}: format is ${metadata.format}, expected ${format}`);
  const { sha256, ...texts } = metadata;
  const actual = digest(texts, tensors);
  if (actual !== sha256) throw new Error(`${name}: damaged, SHA-256 is ${actual}, expected ${sha256}`);
  const difference = firstDifference(JSON.parse(texts.identity!), JSON.parse(JSON.stringify(identity)));
  if (difference) throw new Error(`${name}: is of another run: ${difference}`);
  return { identity, state: JSON.parse(texts.state!) as State, tensors };
}

function decode(bytes: Uint8Array, name: string): ReturnType<typeof decodeSafetensors> {
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    throw new Error(`${name}: ${(cause as Error).message}`, { cause });
  }
}

function digest(texts: Readonly<Record<string, string>>, tensors: ReadonlyMap<string, StoredTensor>): string {
  const hash = createHash('sha256').update(JSON.stringify([texts.format, texts.identity, texts.state]));
  for (const [name, { values, shape }] of tensors) hash.update(JSON.stringify([name, shape])).update(values);
  return hash.digest('hex');
}

/** As in `optimizer.learningRate is 0.1 there, 0.01 here`. */
function firstDifference(there: unknown, here: unknown, path = ''): string | undefined {
  if (isRecord(there) && isRecord(here)) {
    for (const key of new Set([...Object.keys(there), ...Object.keys(here)])) {
      const difference = firstDifference(there[key], here[key], path ? `${path}.${key}` : key);
      if (difference) return difference;
    }
    return undefined;
  }
  const [a, b] = [there, here].map(value => JSON.stringify(value) ?? 'absent');
  return a === b ? undefined : `${path} is ${a} there, ${b} here`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
