import { join } from 'node:path';
import { random, type Random } from '../kernel/random.ts';
import type { Sampler } from '../kernel/train/sample-worker.ts';
import type { DetectionTarget, Frame } from '../plugins/tasks/detection/targets.ts';
import {
  blank,
  clipped,
  flipped,
  hasArea,
  mosaic,
  moved,
  paste,
  recolour,
  view,
  type Boxes,
  type Jitter,
  type Picture,
} from './compose.ts';
import { decode, type Pixels } from './decode.ts';
import { textAt, type Texts } from './shared.ts';

/** Annotated images as threads read them; images are in order. */
export interface CocoSource {
  /** Where the files are. */
  readonly folder: string;
  readonly files: Texts;
  /** `[images, 2]`: width, height. */
  readonly sizes: Int32Array;
  /** Where the boxes of each image end. */
  readonly ends: Uint32Array;
  /** `[boxes, 4]`: left, top, width, height. */
  readonly boxes: Float64Array;
  readonly classes: Int32Array;
  readonly crowd: Uint8Array;
  /** Side of the network's input. */
  readonly image: number;
  readonly augmentation: CocoAugmentation;
}

export interface CocoAugmentation extends Jitter {
  readonly mosaic: boolean;
  /** Epochs at the end without mosaic. */
  readonly closeMosaic: number;
  readonly scale: number;
  readonly translate: number;
  /** Chance of being turned round left to right. */
  readonly flip: number;
}

/** Image `index` as it is, or as it is in this epoch; values from 0 to 1. */
export const sample: Sampler<CocoSource, DetectionTarget> = async (source, request, image) => {
  const { index, seed, epoch, augment } = request;
  if (!augment) {
    const { picture, frame } = await letterboxed(source, index);
    write(picture.pixels, image);
    return { ...targetOf(picture), truth: truthOf(source, index, frame) };
  }
  const stream = random(seed, `epoch ${epoch}/sample ${index}`);
  const picture = await augmented(source, index, epoch >= request.epochs - source.augmentation.closeMosaic, stream);
  write(picture.pixels, image);
  return targetOf(picture);
};

async function augmented(source: CocoSource, index: number, closing: boolean, stream: Random): Promise<Picture> {
  const { image, augmentation, sizes } = source;
  const others = [1, 2, 3].map(() => stream.integer(sizes.length / 2));
  const whole =
    augmentation.mosaic && !closing
      ? mosaic(await Promise.all([index, ...others].map(i => fitted(source, i))), image, stream)
      : (await letterboxed(source, index)).picture;
  const seen = view(whole, image, augmentation, stream);
  recolour(seen.pixels, augmentation, stream);
  return stream.uniform() < augmentation.flip ? flipped(seen) : seen;
}

/** An image as large as it fits into the network's input. */
async function fitted(source: CocoSource, index: number): Promise<Picture> {
  const [width, height] = source.sizes.subarray(2 * index, 2 * index + 2) as unknown as [number, number];
  const ratio = source.image / Math.max(width, height);
  const size = { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)) };
  const pixels = await decode(join(source.folder, textAt(source.files, index)), size);
  const boxes = clipped(boxesOf(source, index), width, height, hasArea);
  return { pixels, ...moved(boxes, size.width / width, size.height / height, 0, 0) };
}

/** An image in the middle of a square, the rest grey. */
async function letterboxed(source: CocoSource, index: number): Promise<{ picture: Picture; frame: Frame }> {
  const { pixels, ...boxes } = await fitted(source, index);
  const [width, height] = source.sizes.subarray(2 * index, 2 * index + 2) as unknown as [number, number];
  const square = blank(source.image, source.image);
  const left = Math.floor((source.image - pixels.width) / 2);
  const top = Math.floor((source.image - pixels.height) / 2);
  paste(pixels, square, left, top);
  const frame = { scaleX: pixels.width / width, scaleY: pixels.height / height, left, top };
  return { picture: { pixels: square, ...moved(boxes, 1, 1, left, top) }, frame };
}

const rangeOf = ({ ends }: CocoSource, index: number): [number, number] => [
  index === 0 ? 0 : ends[index - 1]!,
  ends[index]!,
];

/** Boxes to train on: all but crowds. */
function boxesOf(source: CocoSource, index: number): Boxes {
  const [from, to] = rangeOf(source, index);
  const chosen = Array.from({ length: to - from }, (_, i) => from + i).filter(i => !source.crowd[i]);
  const corners = chosen.flatMap(i => {
    const [x, y, width, height] = source.boxes.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    return [x, y, x + width, y + height];
  });
  return { corners: Float64Array.from(corners), classes: Int32Array.from(chosen, i => source.classes[i]!) };
}

function truthOf(source: CocoSource, index: number, frame: Frame): NonNullable<DetectionTarget['truth']> {
  const [from, to] = rangeOf(source, index);
  return {
    width: source.sizes[2 * index]!,
    height: source.sizes[2 * index + 1]!,
    boxes: source.boxes.slice(4 * from, 4 * to),
    classes: source.classes.slice(from, to),
    crowd: source.crowd.slice(from, to),
    frame,
  };
}

const targetOf = ({ corners, classes }: Boxes): DetectionTarget => ({ boxes: Float32Array.from(corners), classes });

function write({ data }: Pixels, image: Float32Array): void {
  for (let i = 0; i < data.length; i++) image[i] = data[i]! / 255;
}
