import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeInFolder } from '../train/write-atomically.ts';
import type { PluginCode } from '../plugin-code.ts';
import { canonical } from './canonical.ts';
import { protocolSchema } from './protocol.ts';
import { seedSchema } from '../seed.ts';

export { canonical };

const plugin = z.strictObject({ id: z.string(), options: z.record(z.string(), z.unknown()) });
const scores = z.record(z.string(), z.number()).readonly();
const epoch = z.strictObject({
  epoch: z.int(),
  loss: z.number(),
  learningRate: z.number(),
  seconds: z.number(),
  scores: scores.optional(),
});
const history = z.array(epoch).readonly();
const size = z.strictObject({ params: z.int(), macs: z.int(), macsCompatible: z.int() });

/** What identifies a result: the same configuration on the same machine gives the same numbers. */
export const configurationSchema = z.strictObject({
  protocol: protocolSchema,
  model: plugin,
  /** SHA-256 of a base model that was given; null where the protocol trained it. */
  base: z.string().nullable(),
  dataset: z.strictObject({
    id: z.string(),
    options: z.record(z.string(), z.unknown()),
    checksum: z.string(),
    train: z.int(),
    test: z.int(),
  }),
  task: z.string(),
  criterion: plugin,
  regularizer: plugin.nullable(),
  strategy: plugin,
  reduce: z.string(),
  normalize: z.string(),
  roundTo: z.int(),
  speedup: z.number(),
  seed: seedSchema,
  backend: z.string(),
});
export type Configuration = z.infer<typeof configurationSchema>;

/** What `method` is called in tables, as in `magnitude-l2 + group-norm`. */
export const methodName = ({ criterion, regularizer }: Pick<Configuration, 'criterion' | 'regularizer'>): string =>
  regularizer ? `${criterion.id} + ${regularizer.id}` : criterion.id;

/** The result of one run of the benchmark. Ranks, deltas and ratios are computed from records, never stored in them. */
export const recordSchema = z.strictObject({
  version: z.literal(1),
  /** Hash of the configuration. */
  id: z.string(),
  created: z.iso.datetime(),
  configuration: configurationSchema,
  /** Name of the task's number that ranks; higher is better. */
  score: z.string(),
  base: size.extend({ scores, history }),
  sparsified: z.strictObject({ scores, history }).nullable(),
  pruned: size.extend({
    /** Right after pruning. */
    before: scores,
    /** With the statistics of batch norms estimated anew, no weight changed; null where that was not done. */
    recalibrated: scores.nullable(),
    /** After fine-tuning; the same as before where the protocol has none. */
    scores,
    history,
  }),
  /** What became of each group: its units, and the positions of those that stay. */
  groups: z.array(
    z.strictObject({ id: z.string(), units: z.int(), kept: z.array(z.int()), whole: z.string().optional() }),
  ),
  latency: z.array(
    z.strictObject({
      batch: z.int(),
      base: z.number(),
      pruned: z.number(),
      repeats: z.int(),
      threads: z.int(),
    }),
  ),
  seconds: z.strictObject({
    /** Whole pruning schedule, and how many steps it took. */
    prune: z.number(),
    steps: z.int(),
    finetune: z.number(),
    /** Mean time of a sparsify step that the regularizer takes. */
    regularizer: z.number().nullable(),
  }),
  provenance: z.strictObject({
    versions: z.record(z.string(), z.string()),
    commit: z.string().nullable(),
    hardware: z.strictObject({ cpu: z.string(), cores: z.int(), memoryGiB: z.number(), platform: z.string() }),
    /** SHA-256 of the code of plugins that are not the package's, by `criterion variety`. */
    code: z.record(z.string(), z.string()).optional(),
    /** Largest resident memory of the process so far, in MiB. */
    peakMemoryMiB: z.number(),
  }),
});
export type RunRecord = z.infer<typeof recordSchema>;

/** The plugins, as in `criterion variety`, whose code is not what it was when the record was made. */
export function otherCode({ provenance: { code: there = {} } }: RunRecord, here: PluginCode): string[] {
  return [...new Set([...Object.keys(there), ...Object.keys(here)])].filter(name => there[name] !== here[name]);
}

/** Every record once, however often it is given; the first of an id stays. */
export const distinct = (records: readonly RunRecord[]): RunRecord[] =>
  [...new Map([...records].reverse().map(record => [record.id, record])).values()].reverse();

/** Twelve hexadecimal digits that stand for a value. */
export const hashOf = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex').slice(0, 12);

const fileOf = (folder: string, id: string) => join(folder, 'records', `${id}.json`);

export async function writeRecord(folder: string, record: RunRecord): Promise<string> {
  const path = fileOf(folder, record.id);
  await writeInFolder(path, new TextEncoder().encode(`${JSON.stringify(recordSchema.parse(record), null, 1)}\n`));
  return path;
}

/** The record of a configuration, or undefined where there is none. Throws where the file is not a record. */
export async function readRecord(folder: string, id: string): Promise<RunRecord | undefined> {
  try {
    return parseRecord(await readFile(fileOf(folder, id), 'utf8'), id);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All records of a folder, in the order of their ids. */
export async function readRecords(folder: string): Promise<RunRecord[]> {
  const names = await readdir(join(folder, 'records')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error(`no records in ${folder}`, { cause: error });
    throw error;
  });
  const files = names.filter(name => name.endsWith('.json')).sort();
  return Promise.all(files.map(async name => parseRecord(await readFile(join(folder, 'records', name), 'utf8'), name)));
}

/** The record that a file holds. Throws where it is none, with the file's name. */
export function parseRecord(text: string, name: string): RunRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`record ${name}: not JSON`, { cause });
  }
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new Error(`record ${name}: ${issue.path.join('.')}: ${issue.message}`);
}
