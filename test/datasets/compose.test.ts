import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  blank,
  clipped,
  flipped,
  hasArea,
  mosaic,
  paste,
  recolour,
  view,
  type Picture,
} from '../../datasets/compose.ts';
import type { Pixels } from '../../datasets/decode.ts';
import { random } from '../../kernel/random.ts';

/** Black, with a white rectangle that the only box is around. */
function rectangle(
  width: number,
  height: number,
  [left, top, right, bottom]: readonly [number, number, number, number],
): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = top; y < bottom; y++) data.fill(255, (y * width + left) * 3, (y * width + right) * 3);
  return {
    pixels: { data, width, height },
    corners: Float64Array.of(left, top, right, bottom),
    classes: Int32Array.of(7),
  };
}
/** Edges of what is nearer white than the rest. */
function whiteEdges({ data, width, height }: Pixels): number[] {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (data[(y * width + x) * 3]! > 200) {
        [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
      }
  return [left, top, right, bottom];
}
const follows = (actual: ArrayLike<number>, expected: readonly number[], tolerance: number) =>
  expected.forEach((value, i) =>
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `${[...Array.from(actual)]}, not ${expected}`),
  );
const rectangles = fc
  .tuple(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 12, max: 24 }),
    fc.integer({ min: 12, max: 28 }),
  )
  .map(([x, y, w, h]) => rectangle(64, 48, [x, y, x + w, y + h]));

describe('composition of images', () => {
  it('turns boxes round with what they are around', () => {
    fc.assert(
      fc.property(rectangles, picture => {
        const turned = flipped({ ...picture, pixels: { ...picture.pixels, data: picture.pixels.data.slice() } });
        assert.deepEqual([...turned.corners], whiteEdges(turned.pixels));
      }),
      { seed: 1 },
    );
  });
  it('moves, scales and cuts boxes with what they are around', () => {
    let compared = 0;
    fc.assert(
      fc.property(rectangles, fc.nat(), (picture, seed) => {
        const seen = view(picture, 64, { scale: 0.5, translate: 0.2 }, random(seed));
        if (seen.classes.length === 0) return;
        compared++;
        follows(seen.corners, whiteEdges(seen.pixels), 1);
      }),
      { seed: 2 },
    );
    assert.ok(compared > 60, `${compared}`);
  });
  it('is the picture itself in a view that changes nothing', () => {
    const picture = rectangle(64, 64, [10, 20, 30, 50]);
    assert.deepEqual(view(picture, 64, { scale: 0, translate: 0 }, random(1)), picture);
  });
  it('leaves out boxes of which a view shows next to nothing', () => {
    const boxes = {
      corners: Float64Array.of(-90, 0, 10, 20, 5, 5, 6, 20, 70, 5, 90, 20),
      classes: Int32Array.of(1, 2, 3),
    };
    const kept = clipped(boxes, 64, 64, hasArea);
    assert.deepEqual([...kept.classes], [1, 2]);
    assert.deepEqual([...kept.corners.slice(0, 4)], [0, 0, 10, 20]);
  });
  it('puts four pictures around a place in the middle of a canvas', () => {
    const whole = (label: number, value: number): Picture => ({
      pixels: { data: new Uint8Array(64 * 48 * 3).fill(value), width: 64, height: 48 },
      corners: Float64Array.of(0, 0, 64, 48),
      classes: Int32Array.of(label),
    });
    const four = [10, 60, 160, 220].map((value, i) => whole(i, value));
    for (let seed = 0; seed < 20; seed++) {
      const { pixels, corners, classes } = mosaic(four, 64, random(seed));
      assert.deepEqual([pixels.width, pixels.height], [128, 128]);
      assert.deepEqual([...classes], [0, 1, 2, 3]);
      const [x, y] = [corners[2]!, corners[3]!];
      assert.ok(x >= 32 && x < 96 && y >= 32 && y < 96);
      const expected = [
        [Math.max(0, x - 64), Math.max(0, y - 48), x, y],
        [x, Math.max(0, y - 48), Math.min(128, x + 64), y],
        [Math.max(0, x - 64), y, x, Math.min(128, y + 48)],
        [x, y, Math.min(128, x + 64), Math.min(128, y + 48)],
      ];
      assert.deepEqual([...corners], expected.flat());
      const at = (column: number, row: number) => pixels.data[(row * 128 + column) * 3];
      assert.deepEqual([at(x - 1, y - 1), at(x, y - 1), at(x - 1, y), at(x, y)], [10, 60, 160, 220]);
    }
  });
  it('pastes what fits', () => {
    const to = blank(8, 8);
    paste({ data: new Uint8Array(3 * 4 * 4).fill(9), width: 4, height: 4 }, to, -2, 6);
    const nines = [...to.data].flatMap((value, i) => (value === 9 && i % 3 === 0 ? [i / 3] : []));
    assert.deepEqual(nines, [48, 49, 56, 57]);
    paste({ data: new Uint8Array(3), width: 1, height: 1 }, to, 20, 0);
    assert.ok(to.data.every(value => value === 9 || value === 114));
  });
  it('keeps colours where the gains are zero, and greys grey', () => {
    const data = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 256);
    const same = { data: data.slice(), width: 100, height: 10 };
    recolour(same, { hue: 0, saturation: 0, value: 0 }, random(1));
    assert.deepEqual(same.data, data);
    const grey = { data: new Uint8Array(300).fill(77), width: 10, height: 10 };
    recolour(grey, { hue: 0.5, saturation: 0.7, value: 0 }, random(2));
    assert.ok(grey.data.every(value => value === 77));
  });
  it('changes brightness and saturation by up to their gains', () => {
    const most = (seed: number, gains: Partial<Parameters<typeof recolour>[1]>) => {
      const pixels = { data: Uint8Array.of(100, 50, 75), width: 1, height: 1 };
      recolour(pixels, { hue: 0, saturation: 0, value: 0, ...gains }, random(seed));
      return [...pixels.data];
    };
    const bright = Array.from({ length: 200 }, (_, seed) => most(seed, { value: 0.4 }));
    const tops = bright.map(([red]) => red!);
    assert.ok(Math.min(...tops) >= 60 && Math.min(...tops) < 65 && Math.max(...tops) <= 140 && Math.max(...tops) > 135);
    for (const [red, green] of bright) assert.ok(Math.abs(green! - red! / 2) <= 1);
    const pale = Array.from({ length: 200 }, (_, seed) => most(seed, { saturation: 0.7 }));
    for (const [red] of pale) assert.equal(red, 100);
    const lows = pale.map(([, green]) => green!);
    assert.ok(Math.min(...lows) < 18 && Math.max(...lows) > 83);
    assert.deepEqual(
      [...new Set(Array.from({ length: 50 }, (_, seed) => Math.max(...most(seed, { hue: 0.5 }))))],
      [100],
    );
  });
});
