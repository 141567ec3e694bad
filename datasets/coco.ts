import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { defineDataset, type Data, type Split } from '../kernel/plugin.ts';
import { sampledSplit } from '../kernel/train/sampled.ts';
import { beside } from '../kernel/train/thread.ts';
import type { DetectionTarget, DetectionTargets } from '../plugins/tasks/detection/targets.ts';
import { lookUp, packed, readAnnotations, type AnnotatedImage } from './coco-annotations.ts';
import type { CocoSource } from './coco-sample.ts';
import { decode, needDecoder } from './decode.ts';
import { findFolder } from './shared.ts';
import { standIn } from './stand-in.ts';

const share = z.number().min(0).max(1);
const cocoOptions = z.strictObject({
  path: z
    .string()
    .optional()
    .describe(
      'folder with annotations, train2017 and val2017; by default coco in the folder that PRUNINGBENCH_DATA names',
    ),
  image: z.int().positive().multipleOf(32).default(640).describe('side of the images, letterboxed'),
  train: z.int().positive().optional().describe('use only so many training images, the first ones'),
  test: z.int().positive().optional().describe('use only so many test images, the first ones'),
  skipUnreadable: z
    .boolean()
    .default(false)
    .describe('leave out images that are missing or damaged; decodes all of them first'),
  mosaic: z.boolean().default(true).describe('put four training images together'),
  closeMosaic: z.int().min(0).default(10).describe('epochs at the end without mosaic'),
  scale: share.default(0.5).describe('training images are scaled by up to this more or less'),
  translate: share.default(0.1).describe('and moved by up to this share of their size'),
  flip: share.default(0.5).describe('chance of being turned round left to right'),
  hue: share.default(0.015).describe('change of hue'),
  saturation: share.default(0.7).describe('change of saturation'),
  value: share.default(0.4).describe('change of brightness'),
});
export type CocoOptions = z.infer<typeof cocoOptions>;

const folders = ['coco'];

/**
 * COCO as published: `annotations/instances_train2017.json` and `instances_val2017.json`, images in `train2017` and
 * `val2017`. Training images are augmented as in YOLOv8's recipe; the checksum is of annotations and of the names and
 * sizes of the files.
 */
export const coco = defineDataset<CocoOptions>({
  id: 'coco',
  title: 'COCO 2017, objects in photographs',
  paper: 'Lin et al. 2014, Microsoft COCO: Common Objects in Context',
  task: 'detection',
  folders,
  options: cocoOptions,
  load,
  standIn: ({ image, train = 118_287, test = 5000 }) =>
    standIn<DetectionTargets>({
      id: 'coco',
      task: 'detection',
      shape: [image, image, 3],
      classes: 80,
      train,
      test,
      // Seven objects are in an image on average.
      targets: n => Array.from({ length: n }, () => someObjects(7, image)),
    }),
});

function someObjects(n: number, side: number): DetectionTarget {
  const boxes = Float32Array.from(
    { length: 4 * n },
    (_, i) => (side * (Math.floor(i / 4) + (i % 4 < 2 ? 1 : 3))) / (n + 3),
  );
  return { boxes, classes: Int32Array.from({ length: n }, (_, i) => i) };
}

async function load(options: CocoOptions): Promise<Data<DetectionTargets>> {
  const { path, image } = options;
  const root = await findFolder('coco', path, folders, 'annotations, train2017 and val2017');
  await needDecoder('coco');
  const hash = createHash('sha256');
  const train = await loadSplit(root, 'train2017', options.train, options, hash);
  const test = await loadSplit(root, 'val2017', options.test, options, hash);
  const differing = test.classes.find((name, i) => name !== train.classes[i]);
  if (differing !== undefined || test.classes.length !== train.classes.length)
    throw new Error(`coco: the categories of the test images differ from those of the training images (${differing})`);
  return {
    id: 'coco',
    task: 'detection',
    classes: train.classes,
    shape: [image, image, 3],
    train: train.split,
    test: test.split,
    checksum: hash.digest('hex'),
  };
}

async function loadSplit(
  root: string,
  name: string,
  limit: number | undefined,
  options: CocoOptions,
  hash: Hash,
): Promise<{ classes: readonly string[]; split: Split<DetectionTargets> }> {
  const { image, skipUnreadable, mosaic, closeMosaic, scale, translate, flip, hue, saturation, value } = options;
  const { classes, images: all } = await readAnnotations(join(root, 'annotations', `instances_${name}.json`));
  if (limit !== undefined && limit > all.length)
    throw new RangeError(`coco: ${limit} images of ${name} wanted, there are ${all.length}`);
  const folder = join(root, name);
  const { images, bytes } = await readable(folder, all.slice(0, limit), skipUnreadable);
  const source: CocoSource = {
    folder,
    ...packed(images, bytes, hash),
    image,
    augmentation: { mosaic, closeMosaic, scale, translate, flip, hue, saturation, value },
  };
  const split = sampledSplit<CocoSource, DetectionTarget, DetectionTargets>({
    size: images.length,
    shape: [image, image, 3],
    module: beside(import.meta.url, './coco-sample'),
    source,
    collate: targets => targets,
  });
  return { classes, split };
}

/** Those that can be used; without `skip` it throws where one is missing, and those that are damaged are not looked for. */
async function readable(folder: string, images: readonly AnnotatedImage[], skip: boolean) {
  const sizes = await lookUp(folder, images);
  const missing = images.filter((_, i) => sizes[i] === undefined).map(({ file }) => file);
  if (missing.length > 0 && !skip)
    throw new Error(
      `coco: ${missing.length} images of ${folder} are missing or empty: ${some(missing)}; skipUnreadable leaves them out`,
    );
  const damaged = skip
    ? await damagedOf(
        folder,
        images.filter((_, i) => sizes[i] !== undefined),
      )
    : [];
  const out = new Set([...missing, ...damaged]);
  if (out.size > 0) process.emitWarning(`coco: ${out.size} images of ${folder} are left out: ${some([...out])}`);
  const kept = [...images.keys()].filter(i => !out.has(images[i]!.file));
  if (kept.length === 0) throw new Error(`coco: no image of ${folder} can be read`);
  return { images: kept.map(i => images[i]!), bytes: kept.map(i => sizes[i]!) };
}

async function damagedOf(folder: string, images: readonly AnnotatedImage[]): Promise<string[]> {
  const damaged: string[] = [];
  const left = images.values();
  const work = async () => {
    for (const { file } of left) await decode(join(folder, file)).catch(() => damaged.push(file));
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return damaged.sort();
}

const some = (names: readonly string[]): string => names.slice(0, 5).join(', ') + (names.length > 5 ? ' and more' : '');
