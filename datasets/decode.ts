import type { Sharp, SharpOptions } from 'sharp';

/** Pixels of an image, `[height, width, 3]`, red, green, blue from 0 to 255. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Decoder = (file: string, options: SharpOptions) => Sharp;
let decoder: Promise<Decoder> | undefined;

/**
 * Throws, with what to do, where images cannot be decoded here. To be called in the main thread before others decode: the
 * native library must outlive them.
 */
export async function needDecoder(dataset: string): Promise<void> {
  await load().catch((cause: unknown) => {
    decoder = undefined;
    const [reason] = String((cause as Error).message).split('\n');
    throw new Error(`${dataset}: images are decoded by sharp, which does not load (${reason}); run npm install sharp`, {
      cause,
    });
  });
}

function load(): Promise<Decoder> {
  return (decoder ??= import('sharp').then(({ default: sharp }) => {
    // Many images are decoded at a time, each by one thread; none comes twice in a row.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  }));
}

/**
 * Decodes an image file, as it is stored or resized to the given size. Grey images and other colour spaces become RGB.
 * Throws with the name of the file where it is missing or damaged.
 */
export async function decode(file: string, size?: { width: number; height: number }): Promise<Pixels> {
  const sharp = await load();
  try {
    let image = sharp(file, { failOn: 'error', limitInputPixels: 2 ** 28 })
      .removeAlpha()
      .toColourspace('srgb');
    if (size) image = image.resize({ ...size, fit: 'fill', kernel: 'linear' });
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    const reason = (cause as Error).message.replace(`: ${file}`, '');
    throw new Error(`image ${file} cannot be decoded: ${reason}`, { cause });
  }
}
