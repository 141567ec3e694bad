import type { Hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { shared } from '../kernel/train/shared-memory.ts';
import { textsOf } from './shared.ts';
import type { CocoSource } from './coco-sample.ts';

/** A file of annotations as COCO publishes it, as far as it is read. */
interface AnnotationFile {
  readonly images: readonly {
    readonly id: number;
    readonly file_name: string;
    readonly width: number;
    readonly height: number;
  }[];
  readonly annotations: readonly Annotation[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}
interface Annotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: readonly number[];
  readonly iscrowd?: number;
}

/** The images of a split, by their ids, with their boxes. */
export interface Annotated {
  /** Names of the classes, by the ids of the categories. */
  readonly classes: readonly string[];
  readonly images: readonly AnnotatedImage[];
}
export interface AnnotatedImage {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly { readonly box: readonly number[]; readonly class: number; readonly crowd: boolean }[];
}

/** Reads and checks a file of annotations; the classes are numbered from 0 in the order of the categories' ids. */
export async function readAnnotations(file: string): Promise<Annotated> {
  const { images, annotations, categories } = await parse(file);
  const sorted = [...categories].sort((a, b) => a.id - b.id);
  const numbers = new Map(sorted.map(({ id }, i) => [id, i]));
  const boxes = new Map(images.map(({ id }): [number, AnnotatedImage['boxes'][number][]] => [id, []]));
  for (const { id, image_id, category_id, bbox, iscrowd } of annotations) {
    const fail = (what: string) => new Error(`coco: ${file}, annotation ${id}: ${what}`);
    const list = boxes.get(image_id);
    const label = numbers.get(category_id);
    if (!list) throw fail(`there is no image ${image_id}`);
    if (label === undefined) throw fail(`there is no category ${category_id}`);
    if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite))
      throw fail(`bbox is ${JSON.stringify(bbox)}, expected 4 numbers`);
    list.push({ box: bbox, class: label, crowd: Boolean(iscrowd) });
  }
  return {
    classes: sorted.map(({ name }) => name),
    images: [...images]
      .sort((a, b) => a.id - b.id)
      .map(({ id, file_name, width, height }) => {
        if (!(width > 0 && height > 0)) throw new Error(`coco: ${file}, image ${id}: ${width} x ${height} pixels`);
        return { file: file_name, width, height, boxes: boxes.get(id)! };
      }),
  };
}

async function parse(file: string): Promise<AnnotationFile> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`coco: ${file} cannot be read (${cause.code})`, { cause });
  });
  let content: Partial<AnnotationFile>;
  try {
    content = JSON.parse(text) as Partial<AnnotationFile>;
  } catch (cause) {
    throw new Error(`coco: ${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  for (const part of ['images', 'annotations', 'categories'] as const)
    if (!Array.isArray(content?.[part])) throw new Error(`coco: ${file} has no list ${part}`);
  return content as AnnotationFile;
}

/** Which of some images are missing or empty, and the sizes of the others' files. */
export async function lookUp(folder: string, images: readonly AnnotatedImage[]): Promise<(number | undefined)[]> {
  const sizes: (number | undefined)[] = [];
  const left = images.entries();
  const work = async () => {
    for (const [i, { file }] of left)
      sizes[i] = await stat(join(folder, file)).then(
        ({ size }) => size || undefined,
        () => undefined,
      );
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return sizes;
}

/** Images as threads read them; what they are made of goes into the hash. */
export function packed(
  images: readonly AnnotatedImage[],
  bytes: readonly number[],
  hash: Hash,
): Omit<CocoSource, 'folder' | 'image' | 'augmentation'> {
  const all = images.flatMap(({ boxes }) => boxes);
  let end = 0;
  const source = {
    files: textsOf(images.map(({ file }) => file)),
    sizes: shared(Int32Array.from(images.flatMap(({ width, height }) => [width, height]))),
    ends: shared(Uint32Array.from(images, ({ boxes }) => (end += boxes.length))),
    boxes: shared(Float64Array.from(all.flatMap(({ box }) => box))),
    classes: shared(Int32Array.from(all, box => box.class)),
    crowd: shared(Uint8Array.from(all, ({ crowd }) => (crowd ? 1 : 0))),
  };
  images.forEach(({ file }, i) => hash.update(`${file} ${bytes[i]}\n`));
  for (const part of [source.sizes, source.ends, source.boxes, source.classes, source.crowd]) hash.update(part);
  return source;
}
