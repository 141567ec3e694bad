import assert from 'node:assert/strict';
import fc from 'fast-check';
import { random } from '../../../kernel/random.ts';
import { drawChange, normalization, unchanged, writeImage, type Change } from '../../../kernel/train/augment.ts';

const plain = normalization([0], [1 / 255]);
const change = (bytes: number[], shape: number[], change: Partial<Change>): number[] => {
  const out = new Float32Array(bytes.length);
  const table = normalization(Array<number>(shape[2]!).fill(0), Array<number>(shape[2]!).fill(1 / 255));
  writeImage(Uint8Array.from(bytes), 0, shape, table, { ...unchanged, ...change }, out, 0);
  return [...out].map(Math.round);
};

describe('augmentation', () => {
  it('normalises by channel', () => {
    const table = normalization([0.5, 0.25], [0.5, 2]);
    assert.equal(table[0], -1);
    assert.equal(table[255], 1);
    assert.equal(table[256], -0.125);
    assert.equal(table[511], 0.375);
    assert.equal(plain[7], Math.fround(7));
  });
  it('mirrors pixels, not channels', () => {
    assert.deepEqual(change([1, 2, 3, 4, 5, 6], [1, 3, 2], { flip: true }), [5, 6, 3, 4, 1, 2]);
  });
  it('shifts and fills with black', () => {
    const image = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert.deepEqual(change(image, [3, 3, 1], { dy: 1, dx: 0 }), [4, 5, 6, 7, 8, 9, 0, 0, 0]);
    assert.deepEqual(change(image, [3, 3, 1], { dy: 0, dx: -2 }), [0, 0, 1, 0, 0, 4, 0, 0, 7]);
    assert.deepEqual(change(image, [3, 3, 1], { dy: -1, dx: 1 }), [0, 0, 0, 2, 3, 0, 5, 6, 0]);
    assert.deepEqual(change(image, [3, 3, 1], { dy: -1, dx: 1, flip: true }), [0, 0, 0, 2, 1, 0, 5, 4, 0]);
  });
  it('fills with normalised black', () => {
    const out = new Float32Array(1);
    writeImage(Uint8Array.of(9), 0, [1, 1, 1], normalization([0.5], [0.25]), { dy: 1, dx: 0, flip: false }, out, 0);
    assert.equal(out[0], -2);
  });
  it('is the padded, cropped, mirrored image for every change', () => {
    const image = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 24, maxLength: 24 });
    const shift = fc.integer({ min: -4, max: 4 });
    fc.assert(
      fc.property(image, shift, shift, fc.boolean(), (bytes, dy, dx, flip) => {
        const at = (y: number, x: number, c: number) =>
          y < 0 || y >= 3 || x < 0 || x >= 4 ? 0 : bytes[(y * 4 + (flip ? 3 - x : x)) * 2 + c]!;
        const expected: number[] = [];
        for (let y = 0; y < 3; y++)
          for (let x = 0; x < 4; x++) expected.push(at(y + dy, x + dx, 0), at(y + dy, x + dx, 1));
        assert.deepEqual(change(bytes, [3, 4, 2], { dy, dx, flip }), expected);
      }),
    );
  });
  it('draws offsets within the padding, all of them, and flips half the time', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 5 }), (seed, pad) => {
        const { dy, dx, flip } = drawChange({ pad, flip: false }, random(seed));
        return Math.abs(dy) <= pad && Math.abs(dx) <= pad && !flip;
      }),
    );
    const source = random(3);
    const changes = Array.from({ length: 2000 }, () => drawChange({ pad: 4, flip: true }, source));
    assert.equal(new Set(changes.map(({ dy, dx }) => `${dy},${dx}`)).size, 81);
    const flips = changes.filter(({ flip }) => flip).length;
    assert.ok(flips > 900 && flips < 1100, `${flips} of 2000 flipped`);
  });
});
