import { createHash, type Hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Data } from '../kernel/plugin.ts';
import { memorySplit } from '../kernel/train/loader.ts';
import { sharedBytes } from '../kernel/train/shared-memory.ts';
import { balanced } from './balanced.ts';
import { findFolder } from './shared.ts';
import { standIn } from './stand-in.ts';
import { seedSchema } from '../kernel/seed.ts';

const side = 32;
const channels = 3;
const pixels = side * side;
const shape = [side, side, channels];

/** One of the two data sets in the binary layout: label bytes, then 3,072 bytes of red, green and blue planes. */
export interface CifarLayout {
  readonly id: string;
  /** Label bytes in a record, with the number of classes of each; the last one counts. */
  readonly labels: readonly { readonly name: string; readonly classes: number }[];
  readonly train: RegExp;
  readonly test: RegExp;
  /** The files, for people. */
  readonly files: string;
  /** Names of the classes, one a line; may be absent. */
  readonly names: string;
  /** Folders under the data root, by preference. */
  readonly folders: readonly string[];
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export const cifarOptions = z.strictObject({
  path: z
    .string()
    .optional()
    .describe('folder with the binary files; by default looked for in the folder that PRUNINGBENCH_DATA names'),
  train: z.int().positive().optional().describe('use only so many training images, of all classes alike'),
  test: z.int().positive().optional().describe('use only so many test images, of all classes alike'),
  subset: z.enum(['first', 'random']).default('first').describe('which images are used, where not all are'),
  seed: seedSchema.default(0).describe('seed of a random subset'),
});
export type CifarOptions = z.infer<typeof cifarOptions>;

/**
 * Reads the binary files of a CIFAR data set, any number of records each.
 * Throws where files are absent, cut off or foreign; the message has the sizes or the label in question.
 */
export async function loadCifar(layout: CifarLayout, options: CifarOptions): Promise<Data<Int32Array>> {
  const folder = await findFolder(layout.id, options.path, layout.folders, layout.files);
  const hash = createHash('sha256');
  const train = await readSplit(layout, folder, layout.train, hash);
  const test = await readSplit(layout, folder, layout.test, hash);
  const classes = await readNames(layout, folder);
  const { subset, seed } = options;
  const split = (name: 'train' | 'test', records: Records) => {
    const some = limited(`${layout.id} ${name}`, records, options[name], subset === 'random' ? seed : undefined, hash);
    return memorySplit({ ...some, shape, mean: layout.mean, deviation: layout.deviation });
  };
  return {
    id: layout.id,
    task: 'classification',
    classes,
    shape,
    train: split('train', train),
    test: split('test', test),
    checksum: hash.digest('hex'),
  };
}

/** Both have as many images. */
export const cifarStandIn = (
  { id, labels }: CifarLayout,
  { train = 50_000, test = 10_000 }: CifarOptions,
): Data<Int32Array> =>
  standIn({
    id,
    task: 'classification',
    shape,
    classes: labels.at(-1)!.classes,
    train,
    test,
    targets: n => new Int32Array(n),
  });

interface Records {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
}

async function readSplit(layout: CifarLayout, folder: string, pattern: RegExp, hash: Hash): Promise<Records> {
  const names = (await readdir(folder)).filter(name => pattern.test(name));
  names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  if (names.length === 0)
    throw new Error(`${layout.id}: no file like ${pattern.source} in ${folder}; expected ${layout.files}`);
  const record = layout.labels.length + channels * pixels;
  const files = await Promise.all(names.map(name => readFile(join(folder, name))));
  for (const [i, { length }] of files.entries())
    if (length === 0 || length % record !== 0)
      throw new Error(
        `${layout.id}: ${names[i]} has ${length} bytes, expected a multiple of the record size ${record}`,
      );
  const total = files.reduce((sum, { length }) => sum + length / record, 0);
  const records = { images: sharedBytes(total * channels * pixels), labels: new Int32Array(total) };
  let at = 0;
  for (const [i, bytes] of files.entries()) {
    hash.update(`${names[i]} ${bytes.length}\n`).update(bytes);
    unpack(layout, names[i]!, bytes, records, at);
    at += bytes.length / record;
  }
  return records;
}

function unpack(layout: CifarLayout, file: string, bytes: Uint8Array, { images, labels }: Records, at: number): void {
  const record = layout.labels.length + channels * pixels;
  for (let from = 0; from < bytes.length; from += record, at++) {
    for (const [i, { name, classes }] of layout.labels.entries()) {
      const label = bytes[from + i]!;
      if (label >= classes)
        throw new Error(
          `${layout.id}: ${file}, record ${from / record}: ${name} is ${label}, expected less than ${classes}`,
        );
      labels[at] = label;
    }
    const planes = from + layout.labels.length;
    let to = at * channels * pixels;
    for (let p = 0; p < pixels; p++) for (let c = 0; c < channels; c++) images[to++] = bytes[planes + c * pixels + p]!;
  }
}

async function readNames({ id, labels, names }: CifarLayout, folder: string): Promise<string[]> {
  const { classes } = labels.at(-1)!;
  const text = await readFile(join(folder, names), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return Array.from({ length: classes }, (_, i) => `class ${i}`);
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
  if (lines.length !== classes) throw new Error(`${id}: ${names} names ${lines.length} classes, expected ${classes}`);
  return lines;
}

function limited(
  name: string,
  records: Records,
  limit: number | undefined,
  seed: number | undefined,
  hash: Hash,
): Records {
  if (limit === undefined) return records;
  const chosen = balanced(name, records.labels, limit, seed);
  hash.update(`${name} ${chosen.length}\n`).update(chosen);
  const size = channels * pixels;
  const images = sharedBytes(chosen.length * size);
  chosen.forEach((index, i) => images.set(records.images.subarray(index * size, (index + 1) * size), i * size));
  return { images, labels: Int32Array.from(chosen, index => records.labels[index]!) };
}
