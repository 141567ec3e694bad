import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { coco, type CocoOptions } from '../../datasets/coco.ts';
import type { Batch, BatchOptions, Data, Split } from '../../kernel/plugin.ts';
import { averagePrecision } from '../../plugins/tasks/detection/average-precision.ts';
import type { DetectionTargets } from '../../plugins/tasks/detection/targets.ts';
import { collect, withFolder } from '../kernel/train/tiny.ts';

const load = (given: Partial<CocoOptions>) => coco.load(coco.options.parse(given)) as Promise<Data<DetectionTargets>>;
const batches = (
  split: Split<DetectionTargets>,
  options: Partial<BatchOptions> = {},
): Promise<Batch<DetectionTargets>[]> => collect(split.batches({ batch: 4, ...options }));

interface Annotations {
  images: object[];
  annotations: object[];
  categories: object[];
}
const annotation = (id: number, image: number, category: number, bbox: unknown, iscrowd = 0) => ({
  id,
  image_id: image,
  category_id: category,
  bbox,
  iscrowd,
});
/** Ids with gaps, an image without boxes, a box beyond the edge, a crowd, a box without area; images out of order. */
const train: Annotations = {
  images: [
    { id: 30, file_name: 'c.jpg', width: 32, height: 64 },
    { id: 10, file_name: 'a.jpg', width: 64, height: 32 },
    { id: 20, file_name: 'b.jpg', width: 64, height: 64 },
  ],
  annotations: [
    annotation(1, 10, 7, [8, 4, 16, 8]),
    annotation(2, 10, 90, [50, 20, 40, 40]),
    annotation(3, 10, 7, [0, 0, 30, 30], 1),
    annotation(4, 10, 7, [5, 5, 0, 9]),
    annotation(5, 30, 1, [0, 0, 16, 64]),
  ],
  categories: [
    { id: 90, name: 'toothbrush' },
    { id: 1, name: 'person' },
    { id: 7, name: 'train' },
  ],
};
const val: Annotations = { ...train, images: [train.images[1]!], annotations: train.annotations.slice(0, 4) };

async function withCoco<R>(
  use: (path: string) => Promise<R>,
  { training = train, files = ['a.jpg', 'b.jpg', 'c.jpg'] }: { training?: Annotations | string; files?: string[] } = {},
): Promise<R> {
  return withFolder(async path => {
    for (const folder of ['annotations', 'train2017', 'val2017']) await mkdir(join(path, folder));
    const text = typeof training === 'string' ? training : JSON.stringify(training);
    await writeFile(join(path, 'annotations/instances_train2017.json'), text);
    await writeFile(join(path, 'annotations/instances_val2017.json'), JSON.stringify(val));
    // Images are red on the left and blue on the right.
    for (const { file_name: file, width, height } of train.images as {
      file_name: string;
      width: number;
      height: number;
    }[]) {
      const data = Buffer.from(
        Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? [200, 0, 0] : [0, 0, 200])).flat(),
      );
      const image = sharp(data, { raw: { width, height, channels: 3 } }).jpeg({
        quality: 95,
        chromaSubsampling: '4:4:4',
      });
      if (files.includes(file)) await image.toFile(join(path, 'train2017', file));
      if (file === 'a.jpg') await image.toFile(join(path, 'val2017', file));
    }
    return use(path);
  });
}

describe('coco', () => {
  it('letterboxes images in the order of their ids, with boxes where the pixels are', () =>
    withCoco(async path => {
      const data = await load({ path, image: 96 });
      assert.deepEqual(
        [data.classes, data.shape],
        [
          ['person', 'train', 'toothbrush'],
          [96, 96, 3],
        ],
      );
      assert.deepEqual([data.train.size, data.test.size], [3, 1]);
      const [batch] = await batches(data.train);
      const [a, b, c] = batch!.targets;
      // 64 x 32 becomes 96 x 48, 24 from the top; the crowd and the box without area are not for training.
      assert.deepEqual([...a!.boxes], [12, 30, 36, 42, 75, 54, 96, 72]);
      assert.deepEqual([...a!.classes], [1, 2]);
      assert.deepEqual([b!.boxes.length, b!.truth!.classes.length], [0, 0]);
      assert.deepEqual([...c!.boxes], [24, 0, 48, 96]);
      const pixel = (n: number, x: number, y: number) =>
        [...batch!.images.slice(((n * 96 + y) * 96 + x) * 3).slice(0, 3)].map(value => Math.round(value * 255));
      assert.deepEqual([pixel(0, 5, 5), pixel(2, 5, 5), pixel(2, 90, 90)], Array(3).fill([114, 114, 114]));
      const red = ([r, g, bl]: number[]) => r! > 180 && g! < 20 && bl! < 20;
      assert.ok(red(pixel(0, 5, 30)) && red(pixel(2, 27, 5)) && !red(pixel(2, 70, 5)), 'red on the left');
    }));
  it('keeps the truth as annotated, crowds and all, and says how the image lies in the input', () =>
    withCoco(async path => {
      const [batch] = await batches((await load({ path, image: 96 })).test);
      const { boxes, classes, crowd, frame, width, height } = batch!.targets[0]!.truth!;
      assert.deepEqual([...boxes], [8, 4, 16, 8, 50, 20, 40, 40, 0, 0, 30, 30, 5, 5, 0, 9]);
      assert.deepEqual([[...classes], [...crowd], width, height], [[1, 2, 1, 1], [0, 0, 1, 0], 64, 32]);
      assert.deepEqual(frame, { scaleX: 1.5, scaleY: 1.5, left: 0, top: 24 });
    }));
  it('augments by seed, epoch and index alone, with mosaic until the last epochs', () =>
    withCoco(async path => {
      const { train: split } = await load({ path, image: 64, closeMosaic: 2 });
      const epoch = (at: number, more: Partial<BatchOptions> = {}) =>
        batches(split, { augment: true, seed: 3, epoch: at, epochs: 10, ...more });
      const first = await epoch(0);
      assert.deepEqual(await epoch(0), first);
      const [one, two] = [first[0]!, (await epoch(0, { batch: 1 }))[1]!];
      assert.deepEqual(two.images, one.images.slice(64 * 64 * 3, 2 * 64 * 64 * 3));
      assert.deepEqual(two.targets[0], one.targets[1]);
      assert.notDeepEqual((await epoch(1))[0]!.images, one.images);
      assert.ok(first.every(({ targets }) => targets.every(({ truth }) => truth === undefined)));
      // Image b has no boxes: only others, put beside it by mosaic, can bring some.
      const boxesOfB = async (epochs: number[]) => {
        let sum = 0;
        for (const at of epochs) sum += (await epoch(at))[0]!.targets[1]!.classes.length;
        return sum;
      };
      assert.ok((await boxesOfB([0, 1, 2, 7])) > 0);
      assert.equal(await boxesOfB([8, 9]), 0);
    }));
  it('names by its checksum what samples come from', () =>
    withCoco(async path => {
      const { checksum } = await load({ path });
      assert.equal((await load({ path, image: 320, flip: 0 })).checksum, checksum);
      assert.notEqual((await load({ path, train: 2 })).checksum, checksum);
      await writeFile(join(path, 'annotations/instances_val2017.json'), JSON.stringify({ ...val, annotations: [] }));
      assert.notEqual((await load({ path })).checksum, checksum);
    }));
  it('names images that are missing, and goes on without them if asked to', () =>
    withCoco(
      async path => {
        await assert.rejects(
          load({ path }),
          /coco: 1 images of .*train2017 are missing or empty: c\.jpg; skipUnreadable/,
        );
        assert.equal((await load({ path, train: 2 })).train.size, 2);
        assert.equal((await load({ path, skipUnreadable: true })).train.size, 2);
      },
      { files: ['a.jpg', 'b.jpg'] },
    ));
  it('names images that are damaged', () =>
    withCoco(async path => {
      await writeFile(join(path, 'train2017/b.jpg'), 'no image');
      const data = await load({ path });
      await assert.rejects(batches(data.train), /image .*b\.jpg cannot be decoded: /);
      const kept = await load({ path, skipUnreadable: true });
      assert.equal(kept.train.size, 2);
      assert.equal((await batches(kept.train))[0]!.size, 2);
    }));
  for (const [what, training, message] of [
    ['no JSON', '{', /instances_train2017.json is not JSON/],
    ['no categories', JSON.stringify({ images: [], annotations: [] }), /has no list categories/],
    [
      'a box of an unknown image',
      { ...train, annotations: [annotation(9, 99, 1, [0, 0, 1, 1])] },
      /annotation 9: there is no image 99/,
    ],
    [
      'an unknown category',
      { ...train, annotations: [annotation(9, 10, 2, [0, 0, 1, 1])] },
      /annotation 9: there is no category 2/,
    ],
    [
      'a strange box',
      { ...train, annotations: [annotation(9, 10, 1, [0, null, 1, 1])] },
      /bbox is \[0,null,1,1\], expected 4 numbers/,
    ],
    [
      'other categories',
      { ...train, annotations: [], categories: [{ id: 1, name: 'cat' }] },
      /categories of the test images differ/,
    ],
  ] as const)
    it(`refuses ${what}`, () =>
      withCoco(path => assert.rejects(load({ path }), message), { training: training as unknown as Annotations }));
  it('says what it looks for where there is no folder', async () => {
    await assert.rejects(load({ path: '/nowhere' }), /coco: no folder \/nowhere; expected one with annotations/);
  });

  const real = fileURLToPath(new URL('../../../shared/data/coco', import.meta.url));
  it('reads real photographs, and its truth scores 1', async function () {
    if (!existsSync(real)) {
      console.log('      skipped: no ../shared/data/coco');
      return this.skip();
    }
    const data = await load({ path: real, image: 160 });
    assert.deepEqual([data.classes.length, data.classes[0], data.classes[79]], [80, 'person', 'toothbrush']);
    assert.deepEqual([data.train.size, data.test.size], [64, 32]);
    const targets = (await batches(data.test, { batch: 16 })).flatMap(batch => batch.targets);
    const images = targets.map(({ truth }) => ({
      truth: truth!,
      detections: {
        boxes: truth!.boxes,
        classes: truth!.classes,
        scores: new Float64Array(truth!.classes.length).fill(0.9),
      },
    }));
    assert.ok(Math.abs(averagePrecision(images).map - 1) < 1e-9);
    const trained = (await batches(data.train, { batch: 16, augment: true, epochs: 100 })).flatMap(
      batch => batch.targets,
    );
    const boxes = trained.reduce((sum, { classes }) => sum + classes.length, 0);
    assert.ok(boxes > 542 && boxes < 4 * 542, `${boxes} boxes in mosaics`);
    for (const { boxes: corners } of trained) assert.ok(corners.every(value => value >= 0 && value <= 160));
  });
  it('decodes grey photographs too', async function () {
    const file = join(real, 'train2017/000000000086.jpg');
    if (!existsSync(file)) {
      console.log('      skipped: no ../shared/data/coco');
      return this.skip();
    }
    await withCoco(async path => {
      await copyFile(file, join(path, 'train2017/b.jpg'));
      const [batch] = await batches((await load({ path, image: 64 })).train);
      const middle = batch!.images.slice((64 + 32) * 64 * 3, (64 + 33) * 64 * 3);
      for (let i = 0; i < middle.length; i += 3) assert.ok(middle[i] === middle[i + 1] && middle[i] === middle[i + 2]);
    });
  });
});
