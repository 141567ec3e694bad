import assert from 'node:assert/strict';
import {
  blocked,
  channelsFirst,
  permuted,
  physicalShape,
  reshaped,
  rowMajor,
  toRowMajor,
  uniform,
} from '../../../../plugins/backends/onnxruntime/layout.ts';

describe('onnxruntime backend: layouts', () => {
  it('equal layouts are the same object', () => {
    assert.equal(permuted([0, 3, 1, 2]), channelsFirst);
    assert.equal(permuted([0, 1]), rowMajor(2));
    assert.notEqual(blocked(8), blocked(16));
  });

  it('physical shapes', () => {
    assert.deepEqual(physicalShape([2, 5, 6, 16], channelsFirst), [2, 16, 5, 6]);
    assert.deepEqual(physicalShape([2, 5, 6, 16], blocked(8)), [2, 16, 5, 6]);
    assert.deepEqual(physicalShape([2, 5, 6, 13], blocked(8)), [2, 16, 5, 6]);
    assert.deepEqual(physicalShape([2, 3], uniform), []);
  });

  it('elements come back in logical order', () => {
    const shape = [2, 2, 3, 16];
    const logical = Float32Array.from({ length: 192 }, (_, i) => i);
    const at = (n: number, y: number, x: number, c: number) => ((n * 2 + y) * 3 + x) * 16 + c;
    const first: number[] = [];
    const inBlocks: number[] = [];
    for (let n = 0; n < 2; n++) {
      for (let c = 0; c < 16; c++) for (let y = 0; y < 2; y++) for (let x = 0; x < 3; x++) first.push(at(n, y, x, c));
      for (let b = 0; b < 2; b++)
        for (let y = 0; y < 2; y++)
          for (let x = 0; x < 3; x++) for (let c = 0; c < 8; c++) inBlocks.push(at(n, y, x, 8 * b + c));
    }
    assert.deepEqual(toRowMajor(Float32Array.from(first), shape, channelsFirst), logical);
    assert.deepEqual(toRowMajor(Float32Array.from(inBlocks), shape, blocked(8)), logical);
    assert.deepEqual(
      [...toRowMajor(new Float32Array([1, 2, 3, 0, 4, 5, 6, 0]), [1, 1, 2, 3], blocked(4))],
      [1, 2, 3, 4, 5, 6],
    );
    assert.deepEqual([...toRowMajor(new Int32Array([7]), [2, 2], uniform)], [7, 7, 7, 7]);
  });

  it('a reshape that only adds or drops axes of size one keeps the order', () => {
    assert.equal(reshaped([2, 1, 1, 5], channelsFirst, [2, 5]), rowMajor(2));
    assert.equal(reshaped([4, 5], permuted([1, 0]), [1, 4, 5]), permuted([2, 1, 0]));
    assert.equal(reshaped([2, 3, 4, 5], channelsFirst, [6, 20]), undefined);
    assert.equal(reshaped([2, 3], rowMajor(2), [6]), rowMajor(1));
    assert.equal(reshaped([2, 3], uniform, [6]), uniform);
  });
});
