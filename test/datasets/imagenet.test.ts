import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { decode, type Pixels } from '../../datasets/decode.ts';
import { readSynsets } from '../../datasets/devkit.ts';
import { middle, randomPart } from '../../datasets/imagenet-sample.ts';
import { imagenet, type ImagenetOptions } from '../../datasets/imagenet.ts';
import { resample, type Region } from '../../datasets/resample.ts';
import type { BatchOptions, Data, Split } from '../../kernel/plugin.ts';
import { random } from '../../kernel/random.ts';
import { collect, withFolder } from '../kernel/train/tiny.ts';

interface Fixture {
  readonly middles: readonly { readonly width: number; readonly height: number; readonly values: readonly number[] }[];
  readonly parts: readonly (Region & { readonly size: number; readonly values: readonly number[] })[];
  readonly jpeg: { readonly file: string; readonly values: readonly number[] };
}
const fixtureFile = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const fixture = JSON.parse(readFileSync(fixtureFile('crops.json'), 'utf8')) as Fixture;

/** As in fixtures/crops.py. */
function draw(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        data[at++] = Math.floor(127.5 + 127.5 * Math.sin(((c + 1) * ((x * x) / width + (y * y) / height)) / 5 + c));
  return { data, width, height };
}
function differences(actual: Uint8Array, step: number, expected: readonly number[]) {
  const values = actual.filter((_, i) => i % step === 0);
  assert.equal(values.length, expected.length);
  const all = expected.map((value, i) => Math.abs(value - values[i]!));
  return { most: Math.max(...all), mean: all.reduce((a, b) => a + b, 0) / all.length };
}

describe('images as torchvision resizes them', () => {
  for (const { width, height, values } of fixture.middles)
    it(`takes the middle of ${width} x ${height} as Resize and CenterCrop do`, () => {
      const { most, mean } = differences(middle(draw(width, height), 64, 56), 29, values);
      assert.ok(most <= 1 && mean < 0.01, `${most}, mean ${mean}`);
    });
  for (const { size, values, ...region } of fixture.parts)
    it(`resizes a part of ${region.width} x ${region.height} to ${size} as resized_crop does`, () => {
      const { most, mean } = differences(resample(draw(300, 200), region, { width: size, height: size }), 29, values);
      // The last one Pillow 13 takes in another order of the axes.
      assert.ok(most <= 1 && mean < (region.height > 3 * region.width ? 0.3 : 0.01), `${most}, mean ${mean}`);
    });
  it('differs by less than one grey level on a JPEG file, decoders included', () =>
    withFolder(async folder => {
      const file = join(folder, 'image.jpg');
      await writeFile(file, Buffer.from(fixture.jpeg.file, 'base64'));
      const { mean } = differences(middle(await decode(file), 64, 56), 7, fixture.jpeg.values);
      console.log(`      mean difference ${mean.toFixed(3)} grey levels`);
      assert.ok(mean < 1, `${mean}`);
    }));
  it('draws parts within the image, of the areas and sides that are asked for', () => {
    const source = random(1);
    const parts = Array.from({ length: 2000 }, () => randomPart({ width: 500, height: 375 }, source));
    for (const { left, top, width, height } of parts) {
      assert.ok(left >= 0 && top >= 0 && left + width <= 500 && top + height <= 375);
      const [area, ratio] = [(width * height) / (500 * 375), width / height];
      assert.ok(area > 0.078 && area <= 1 && ratio > 0.73 && ratio < 1.36, `${area}, ${ratio}`);
    }
    const mean = parts.reduce((sum, { width, height }) => sum + (width * height) / (500 * 375), 0) / parts.length;
    // 0.435 is the mean of torchvision's own: large parts fit less often.
    assert.ok(Math.abs(mean - 0.435) < 0.02, `${mean}`);
    assert.deepEqual(randomPart({ width: 4000, height: 20 }, source), { left: 1986, top: 0, width: 27, height: 20 });
  });
});

const [fox, setter, tench] = ['n02119789', 'n02100735', 'n01440764'];
const levels = [60, 120, 180];

/** A colour for each class, three images each for training and one to test. */
async function withImages<R>(use: (path: string) => Promise<R>): Promise<R> {
  return withFolder(async path => {
    for (const [i, id] of [tench, setter, fox].entries()) {
      const background = { r: levels[i]!, g: 0, b: 0 };
      const image = sharp({ create: { width: 40 + 8 * i, height: 50, channels: 3, background } }).jpeg({
        quality: 100,
      });
      for (const file of [...[1, 2, 3].map(n => `train/${id}/${id}_${n}.JPEG`), `val/${id}/val_${i}.JPEG`]) {
        await mkdir(dirname(join(path, file)), { recursive: true });
        await image.toFile(join(path, file));
      }
    }
    return use(path);
  });
}
/** Puts the images of val side by side, named as in the validation set. */
async function flatten(path: string): Promise<void> {
  for (const [i, id] of [fox, tench, setter].entries()) {
    const n = [tench, setter, fox].indexOf(id);
    await copyFile(join(path, `val/${id}/val_${n}.JPEG`), join(path, `val/ILSVRC2012_val_0000000${i + 1}.JPEG`));
    await rm(join(path, `val/${id}`), { recursive: true });
  }
}
const load = (given: Partial<ImagenetOptions>) =>
  imagenet.load(imagenet.options.parse({ image: 32, ...given })) as Promise<Data<Int32Array>>;
const all = async (split: Split<Int32Array>, options: Partial<BatchOptions> = {}) =>
  (await collect(split.batches({ batch: split.size, ...options })))[0]!;

describe('imagenet', () => {
  it('reads a folder per class, classes in the order of their names', () =>
    withImages(async path => {
      await writeFile(join(path, 'LOC_synset_mapping.txt'), `${tench} tench, Tinca tinca\n${fox} kit fox, Vulpes\n`);
      const data = await load({ path });
      assert.deepEqual(
        [data.classes, data.shape],
        [
          ['tench', setter, 'kit fox'],
          [32, 32, 3],
        ],
      );
      const { targets, images } = await all(data.train);
      assert.deepEqual([...targets], [0, 0, 0, 1, 1, 1, 2, 2, 2]);
      targets.forEach((label, i) => {
        const red = (images[(i * 32 * 32 + 500) * 3]! * 0.229 + 0.485) * 255;
        assert.ok(Math.abs(red - levels[label]!) < 2, `${red}`);
      });
      assert.deepEqual([...(await all(data.test)).targets], [0, 1, 2]);
    }));
  it('augments by seed and epoch, and uses as many images of each class where not all are', () =>
    withImages(async path => {
      const data = await load({ path, train: 6, test: 2 });
      assert.deepEqual([data.train.size, data.test.size], [6, 2]);
      const options = { augment: true, shuffle: true, seed: 5, epoch: 1 };
      const first = await all(data.train, options);
      assert.deepEqual([...first.targets].sort(), [0, 0, 1, 1, 2, 2]);
      assert.deepEqual(await all(data.train, options), first);
      assert.notDeepEqual([...(await all(data.train, { ...options, epoch: 2 })).targets], [...first.targets]);
      assert.notEqual((await load({ path })).checksum, data.checksum);
    }));
  for (const [name, content] of Object.entries({
    'LOC_val_solution.csv': `ImageId,PredictionString\n${[setter, tench, fox].map((id, i) => `ILSVRC2012_val_0000000${[3, 2, 1][i]},${id} 1 2 3 4 ${id} 5 6 7 8`).join('\n')}\n`,
    'val.txt': 'ILSVRC2012_val_00000001.JPEG 2\nILSVRC2012_val_00000002.JPEG 0\nILSVRC2012_val_00000003.JPEG 1\n',
    'ILSVRC2012_validation_ground_truth.txt': '1\n300\n2\n',
  }))
    it(`reads a flat val with ${name}`, () =>
      withImages(async path => {
        await flatten(path);
        await writeFile(join(path, name), content);
        if (name.endsWith('truth.txt')) await copyFile(fixtureFile('meta.mat'), join(path, 'meta.mat'));
        assert.deepEqual([...(await all((await load({ path })).test)).targets], [2, 0, 1]);
      }));
  it("reads the development kit's numbers of the classes", async () => {
    const synsets = await readSynsets(fixtureFile('meta.mat'));
    assert.deepEqual(
      [...synsets],
      [
        [1, fox],
        [2, setter],
        [300, tench],
        [70000, 'n00001740'],
      ],
    );
    await assert.rejects(readSynsets(fixtureFile('crops.json')), /crops.json is not the development kit's meta.mat/);
  });
  it('names what is wrong', () =>
    withImages(async path => {
      await writeFile(join(path, `train/${tench}/${tench}_2.JPEG`), 'no image');
      await assert.rejects(all((await load({ path })).train), /image .*n01440764_2\.JPEG cannot be decoded/);
      await writeFile(join(path, `train/${tench}/${tench}_2.JPEG`), '');
      await assert.rejects(load({ path }), /n01440764_2\.JPEG is missing or empty/);
      await mkdir(join(path, 'val/n9'));
      await assert.rejects(load({ path }), /val\/n9 is no class of the training images/);
      await mkdir(join(path, 'train/n9'));
      await assert.rejects(load({ path }), /train\/n9 has no images/);
      await assert.rejects(load({ path, image: 64, resize: 32 }), /resized to 32 have no middle of 64/);
      await assert.rejects(load({ path: join(path, 'val') }), /train cannot be read \(ENOENT\)/);
    }));
  it('names images that a file of labels lacks, and a flat val without one', () =>
    withImages(async path => {
      await flatten(path);
      await assert.rejects(
        load({ path }),
        /no folders of classes, and there is no file of labels \(LOC_val_solution.csv/,
      );
      await writeFile(join(path, 'val.txt'), 'ILSVRC2012_val_00000001.JPEG 2\n');
      await assert.rejects(load({ path }), /val.txt has no known class for val\/ILSVRC2012_val_00000002.JPEG/);
    }));
});
