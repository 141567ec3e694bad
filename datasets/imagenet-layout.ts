import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readSynsets } from './devkit.ts';

/** Labelled image files; labels are places in the list of classes. */
export interface Labelled {
  /** Under the root, by their names. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
}

export interface Layout {
  /** Folders of the classes, sorted: WordNet ids for ImageNet. */
  readonly classes: readonly string[];
  readonly train: Labelled;
  readonly test: Labelled;
}

const isImage = (name: string): boolean => /\.(jpe?g|png|webp)$/i.test(name);

/**
 * Looks up the files of a data set with a folder per class under `train`, and `val` either likewise or flat with a file
 * of labels beside it: `LOC_val_solution.csv` (Kaggle), `val.txt` (Caffe: name and number of the class), or
 * `ILSVRC2012_validation_ground_truth.txt` with `meta.mat` (the development kit).
 */
export async function readLayout(root: string): Promise<Layout> {
  const classes = await foldersIn(join(root, 'train'));
  if (classes.length === 0) throw new Error(`imagenet: ${join(root, 'train')} has no folders of classes`);
  const train = await perClass(root, 'train', classes);
  const folders = await foldersIn(join(root, 'val'));
  const unknown = folders.find(name => !classes.includes(name));
  if (unknown !== undefined) throw new Error(`imagenet: val/${unknown} is no class of the training images`);
  const test = folders.length > 0 ? await perClass(root, 'val', folders, classes) : await flat(root, classes);
  return { classes, train, test };
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`imagenet: ${folder} cannot be read (${cause.code})`, { cause });
  });
  return entries
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

async function perClass(root: string, split: string, folders: readonly string[], classes = folders): Promise<Labelled> {
  const lists = await inTurns(folders, async folder =>
    (await readdir(join(root, split, folder)))
      .filter(isImage)
      .sort()
      .map(name => `${split}/${folder}/${name}`),
  );
  const empty = folders.find((_, i) => lists[i]!.length === 0);
  if (empty !== undefined) throw new Error(`imagenet: ${split}/${empty} has no images`);
  return {
    files: lists.flat(),
    labels: Int32Array.from(folders.flatMap((folder, i) => lists[i]!.map(() => classes.indexOf(folder)))),
  };
}

async function flat(root: string, classes: readonly string[]): Promise<Labelled> {
  const names = (await readdir(join(root, 'val'))).filter(isImage).sort();
  if (names.length === 0) throw new Error(`imagenet: ${join(root, 'val')} has no images`);
  const { file, labelOf } = await labelsIn(root, names, classes);
  const labels = Int32Array.from(names, name => {
    const label = labelOf(name);
    if (label === undefined) throw new Error(`imagenet: ${relative(root, file)} has no known class for val/${name}`);
    return label;
  });
  return { files: names.map(name => `val/${name}`), labels };
}

interface Labels {
  readonly file: string;
  labelOf(name: string): number | undefined;
}

/** The first file of labels that there is, beside `val` or up to three folders above it (as Kaggle lays it out). */
async function labelsIn(root: string, names: readonly string[], classes: readonly string[]): Promise<Labels> {
  const places = ['.', 'val', 'data', 'ILSVRC2012_devkit_t12/data', '..', '../..', '../../..'];
  for (const place of places)
    for (const [name, read] of Object.entries(readers)) {
      const file = join(root, place, name);
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text !== undefined) return { file, labelOf: await read(text, file, names, classes) };
    }
  throw new Error(
    `imagenet: ${join(root, 'val')} has no folders of classes, and there is no file of labels (${Object.keys(readers).join(', ')})`,
  );
}

type Reader = (
  text: string,
  file: string,
  names: readonly string[],
  classes: readonly string[],
) => Promise<Labels['labelOf']> | Labels['labelOf'];

const rowsOf = (text: string): string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
const stem = (name: string): string => name.replace(/\.[^.]*$/, '');

const readers: Readonly<Record<string, Reader>> = {
  /** `ILSVRC2012_val_00000001,n01751748 111 108 428 366`, below a heading. */
  'LOC_val_solution.csv': (text, _file, _names, classes) => {
    const numbers = new Map(classes.map((id, i) => [id, i]));
    const labels = new Map(rowsOf(text).map(row => row.split(/[, ]/).slice(0, 2) as [string, string]));
    return name => numbers.get(labels.get(stem(name)) ?? '');
  },
  /** `ILSVRC2012_val_00000001.JPEG 65` */
  'val.txt': (text, _file, _names, classes) => {
    const labels = new Map(rowsOf(text).map(row => row.split(/\s+/) as [string, string]));
    return name => {
      const label = Number(labels.get(name));
      return Number.isInteger(label) && label < classes.length ? label : undefined;
    };
  },
  /** A number of `meta.mat` for each image in the order of their names. */
  'ILSVRC2012_validation_ground_truth.txt': async (text, file, names, classes) => {
    const rows = rowsOf(text);
    if (rows.length !== names.length)
      throw new Error(`imagenet: ${file} has ${rows.length} labels, there are ${names.length} images in val`);
    const synsets = await readSynsets(join(file, '..', 'meta.mat'));
    const numbers = new Map(classes.map((id, i) => [id, i]));
    const places = new Map(names.map((name, i) => [name, i]));
    return name => numbers.get(synsets.get(Number(rows[places.get(name)!])) ?? '');
  },
};

/** Names of the classes as `LOC_synset_mapping.txt` beside the data or `synset_words.txt` has them, else their ids. */
export async function namesOf(root: string, classes: readonly string[]): Promise<string[]> {
  for (const place of ['.', '..', '../..', '../../..'])
    for (const file of ['LOC_synset_mapping.txt', 'synset_words.txt']) {
      const text = await readFile(join(root, place, file), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const names = new Map(rowsOf(text).map(row => [row.slice(0, row.indexOf(' ')), row.slice(row.indexOf(' ') + 1)]));
      return classes.map(id => names.get(id)?.split(',')[0] ?? id);
    }
  return [...classes];
}

/** Sizes of files in bytes. Throws with the first that is missing or empty. */
export async function bytesOf(root: string, files: readonly string[]): Promise<number[]> {
  return inTurns(files, async file => {
    const { size } = await stat(join(root, file)).catch(() => ({ size: 0 }));
    if (size === 0) throw new Error(`imagenet: ${join(root, file)} is missing or empty`);
    return size;
  });
}

/** The results in order; a few are under way at a time. */
async function inTurns<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const left = items.entries();
  const work = async () => {
    for (const [i, item] of left) results[i] = await make(item);
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return results;
}
