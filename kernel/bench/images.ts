import { crc32, deflateSync } from 'node:zlib';
import { displaySymbol, type Displayable } from '../jupyter/index.ts';
import type { Data } from '../plugin.ts';

/**
 * The first images of a data set's training split as one picture, each stretched to its full range of brightness. By
 * default small ones are shown at twice their size and large ones 96 pixels wide.
 */
export async function sampleImages(
  data: Data,
  { count = 20, columns = 10, scale: wanted = 0 } = {},
): Promise<Displayable> {
  const [height, width, channels] = data.shape as [number, number, number];
  const scale = wanted || Math.min(2, 96 / Math.max(height, width));
  const batches = data.train.batches({ batch: count, shuffle: true, augment: false });
  for await (const { size, images } of batches) {
    const rows = Math.ceil(size / columns);
    const [shownHeight, shownWidth] = [Math.round(height * scale), Math.round(width * scale)];
    const [cellHeight, cellWidth] = [shownHeight + 2, shownWidth + 2];
    const [pictureHeight, pictureWidth] = [rows * cellHeight, columns * cellWidth];
    const picture = new Uint8Array(pictureHeight * pictureWidth * 3).fill(255);
    for (let n = 0; n < size; n++) {
      const image = pixelsOf(
        images.subarray(n * height * width * channels, (n + 1) * height * width * channels),
        channels,
      );
      const [top, left] = [Math.floor(n / columns) * cellHeight, (n % columns) * cellWidth];
      for (let y = 0; y < shownHeight; y++)
        for (let x = 0; x < shownWidth; x++)
          for (let c = 0; c < 3; c++) {
            const pixel = Math.floor(y / scale) * width + Math.floor(x / scale);
            picture[((top + y) * pictureWidth + left + x) * 3 + c] = image[pixel * 3 + c]!;
          }
    }
    const png = encodePng(picture, pictureWidth, pictureHeight).toString('base64');
    return { [displaySymbol]: () => ({ 'image/png': png, 'text/plain': `${size} images of ${data.id}` }) };
  }
  throw new Error(`${data.id}: no training images`);
}

/** Normalised values of an image as 8-bit RGB pixels, stretched to the full range of brightness. */
export function pixelsOf(image: Float32Array, channels: number): Uint8Array {
  let [least, most] = [Infinity, -Infinity];
  for (const value of image) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const colour = (i: number) => image[Math.floor(i / 3) * channels + Math.min(i % 3, channels - 1)]!;
  const range = most - least || 1;
  return Uint8Array.from({ length: (image.length / channels) * 3 }, (_, i) => (255 * (colour(i) - least)) / range);
}

/** A PNG file of 8-bit RGB pixels. */
export function encodePng(pixels: Uint8Array, width: number, height: number): Buffer {
  const lines = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++)
    lines.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
