import { join } from 'node:path';
import { random, type Random } from '../kernel/random.ts';
import type { Sampler } from '../kernel/train/sample-worker.ts';
import { normalization } from '../kernel/train/augment.ts';
import { decode, type Pixels } from './decode.ts';
import { resample, type Region } from './resample.ts';
import { textAt, type Texts } from './shared.ts';

/** Labelled image files as threads read them. */
export interface ImagenetSource {
  /** Where the files are. */
  readonly folder: string;
  readonly files: Texts;
  readonly labels: Int32Array;
  /** Side of the network's input. */
  readonly image: number;
  /** What the shorter side of a test image becomes before its middle is cropped. */
  readonly resize: number;
}

/** Of the training images, on the scale 0 to 1, as everybody takes them. */
const table = normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/** Image `index`, its middle or a random part of it; the target is its class. */
export const sample: Sampler<ImagenetSource, number> = async (source, request, image) => {
  const { index, seed, epoch, augment } = request;
  const pixels = await decode(join(source.folder, textAt(source.files, index)));
  const stream = random(seed, `epoch ${epoch}/sample ${index}`);
  const bytes = augment
    ? resample(pixels, randomPart(pixels, stream), { width: source.image, height: source.image })
    : middle(pixels, source.resize, source.image);
  write(bytes, source.image, augment && stream.uniform() < 0.5, image);
  return source.labels[index]!;
};

/**
 * A part of 8 to 100 percent of the area with sides as 3 to 4 up to 4 to 3, as torchvision's RandomResizedCrop draws it
 * (Szegedy et al. 2015, Going deeper with convolutions).
 */
export function randomPart({ width, height }: Pick<Pixels, 'width' | 'height'>, random: Random): Region {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const steepest = Math.log(4 / 3);
  for (let tries = 0; tries < 10; tries++) {
    const area = width * height * between(0.08, 1);
    const ratio = Math.exp(between(-steepest, steepest));
    const part = { width: Math.round(Math.sqrt(area * ratio)), height: Math.round(Math.sqrt(area / ratio)) };
    if (part.width > 0 && part.width <= width && part.height > 0 && part.height <= height)
      return { ...part, left: random.integer(width - part.width + 1), top: random.integer(height - part.height + 1) };
  }
  const part = {
    width: Math.min(width, Math.round((height * 4) / 3)),
    height: Math.min(height, Math.round((width * 4) / 3)),
  };
  return { ...part, left: Math.floor((width - part.width) / 2), top: Math.floor((height - part.height) / 2) };
}

/** The middle of an image whose shorter side was resized, as torchvision's Resize and CenterCrop compute it. */
export function middle(pixels: Pixels, resize: number, crop: number): Uint8Array {
  const { width, height } = pixels;
  const shorter = Math.min(width, height);
  const size = {
    width: width <= height ? resize : Math.trunc((resize * width) / shorter),
    height: height <= width ? resize : Math.trunc((resize * height) / shorter),
  };
  const window = { left: half(size.width - crop), top: half(size.height - crop), width: crop, height: crop };
  return resample(pixels, { left: 0, top: 0, width, height }, size, window);
}

/** Half of a whole number, halves to the even one, as Python rounds. */
function half(n: number): number {
  const low = Math.floor(n / 2);
  return n % 2 === 0 || low % 2 === 0 ? low : low + 1;
}

function write(bytes: Uint8Array, side: number, flip: boolean, image: Float32Array): void {
  for (let y = 0, at = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const from = (y * side + (flip ? side - 1 - x : x)) * 3;
      for (let c = 0; c < 3; c++) image[at++] = table[(c << 8) | bytes[from + c]!]!;
    }
}
