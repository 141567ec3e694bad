import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { defineDataset, type Data, type Split } from '../kernel/plugin.ts';
import { sampledSplit } from '../kernel/train/sampled.ts';
import { shared } from '../kernel/train/shared-memory.ts';
import { beside } from '../kernel/train/thread.ts';
import { balanced } from './balanced.ts';
import { needDecoder } from './decode.ts';
import { bytesOf, namesOf, readLayout, type Labelled } from './imagenet-layout.ts';
import type { ImagenetSource } from './imagenet-sample.ts';
import { findFolder, isFolder, textsOf } from './shared.ts';
import { standIn } from './stand-in.ts';

const imagenetOptions = z.strictObject({
  path: z
    .string()
    .optional()
    .describe('folder with train and val; by default imagenet in the folder that PRUNINGBENCH_DATA names'),
  image: z.int().positive().default(224).describe('side of the images'),
  resize: z
    .int()
    .positive()
    .optional()
    .describe('what the shorter side of a test image becomes before its middle is cropped (default: 8/7 of the side)'),
  train: z.int().positive().optional().describe('use only so many training images, of all classes alike'),
  test: z.int().positive().optional().describe('use only so many test images, of all classes alike'),
});
export type ImagenetOptions = z.infer<typeof imagenetOptions>;

const folders = ['imagenet', 'ILSVRC2012'];

/**
 * ImageNet, or any images laid out like it: `train/<class>/*.JPEG`, and `val/<class>/*.JPEG` or a flat `val` with a file
 * of labels. Training images are random parts (RandomResizedCrop) that are turned round by chance, test images the middle
 * (Resize, CenterCrop), as torchvision has them. The checksum is of the names, labels and sizes of the files.
 */
export const imagenet = defineDataset<ImagenetOptions>({
  id: 'imagenet',
  title: 'ImageNet (ILSVRC 2012), or a folder of images per class',
  paper: 'Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge',
  task: 'classification',
  folders,
  options: imagenetOptions,
  load,
  standIn: ({ image, train = 1_281_167, test = 50_000 }) =>
    standIn({
      id: 'imagenet',
      task: 'classification',
      shape: [image, image, 3],
      classes: 1000,
      train,
      test,
      targets: n => new Int32Array(n),
    }),
});

async function load(options: ImagenetOptions): Promise<Data<Int32Array>> {
  const { image, resize = Math.round((image * 8) / 7) } = options;
  if (resize < image) throw new RangeError(`imagenet: test images resized to ${resize} have no middle of ${image}`);
  const folder = await findFolder('imagenet', options.path, folders, 'train and val');
  const nested = join(folder, 'ILSVRC/Data/CLS-LOC');
  const root = (await isFolder(nested)) ? nested : folder;
  await needDecoder('imagenet');
  const layout = await readLayout(root);
  const hash = createHash('sha256').update(layout.classes.join('\n'));
  const split = async (name: 'train' | 'test') => {
    const chosen = limited(`imagenet ${name}`, layout[name], options[name]);
    const bytes = await bytesOf(root, chosen.files);
    update(hash, chosen, bytes);
    return imagesSplit({ folder: root, files: textsOf(chosen.files), labels: shared(chosen.labels), image, resize });
  };
  return {
    id: 'imagenet',
    task: 'classification',
    classes: await namesOf(root, layout.classes),
    shape: [image, image, 3],
    train: await split('train'),
    test: await split('test'),
    checksum: hash.digest('hex'),
  };
}

const imagesSplit = (source: ImagenetSource): Split<Int32Array> =>
  sampledSplit<ImagenetSource, number, Int32Array>({
    size: source.labels.length,
    shape: [source.image, source.image, 3],
    module: beside(import.meta.url, './imagenet-sample'),
    source,
    collate: labels => Int32Array.from(labels),
  });

function limited(name: string, { files, labels }: Labelled, limit: number | undefined): Labelled {
  if (limit === undefined) return { files, labels };
  const chosen = balanced(name, labels, limit);
  return { files: Array.from(chosen, i => files[i]!), labels: Int32Array.from(chosen, i => labels[i]!) };
}

function update(hash: Hash, { files, labels }: Labelled, bytes: readonly number[]): void {
  files.forEach((file, i) => hash.update(`${file} ${labels[i]} ${bytes[i]}\n`));
}
