import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { detection } from '../../../../plugins/tasks/detection.ts';
import { detect, type Detections, type Level } from '../../../../plugins/tasks/detection/detect.ts';
import type { DetectionTarget } from '../../../../plugins/tasks/detection/targets.ts';
import { draws } from './cases.ts';

interface Wanted {
  readonly level: number;
  readonly row: number;
  readonly column: number;
  /** Distances to left, top, right, bottom in strides, whole ones. */
  readonly sides: readonly [number, number, number, number];
  readonly class: number;
  readonly score: number;
}
const sizes = [8, 4, 2];

/** Outputs for one image of 64 x 64 that say exactly what is wanted, and nothing else. */
function levelsOf(classes: number, wanted: readonly Wanted[]): Level[] {
  const channels = 64 + classes;
  return sizes.map((size, level) => {
    const values = new Float32Array(size * size * channels);
    values.forEach((_, i) => (values[i] = i % channels < 64 ? 0 : -20));
    for (const one of wanted.filter(w => w.level === level)) {
      const at = (one.row * size + one.column) * channels;
      values.fill(0, at, at + 64);
      one.sides.forEach((distance, side) => (values[at + 16 * side + distance] = 60));
      values[at + 64 + one.class] = Math.log(one.score / (1 - one.score));
    }
    return { values, height: size, width: size };
  });
}
const rounded = ({ boxes, scores, classes }: Detections) =>
  [...classes].map((label, i) => [
    label,
    Number(scores[i]!.toFixed(4)),
    ...boxes.slice(4 * i, 4 * i + 4).map(Math.round),
  ]);

describe('detect', () => {
  const first: Wanted = { level: 0, row: 2, column: 3, sides: [1, 2, 1, 2], class: 1, score: 0.9 };
  it('decodes boxes from distances to the middle of a cell', () => {
    assert.deepEqual(rounded(detect(levelsOf(3, [first]), 0, 3)), [[1, 0.9, 20, 4, 36, 36]]);
    const coarse: Wanted = { level: 2, row: 1, column: 0, sides: [0, 1, 2, 0], class: 2, score: 0.5 };
    assert.deepEqual(rounded(detect(levelsOf(3, [coarse]), 0, 3)), [[2, 0.5, 16, 16, 80, 48]]);
  });
  it('takes the expected distance of a distribution', () => {
    const levels = levelsOf(1, [{ ...first, class: 0 }]);
    const at = (2 * 8 + 3) * 65;
    levels[0]!.values.fill(0, at, at + 16);
    levels[0]!.values[at + 3] = Math.log(4);
    const expected = 28 - 8 * ((120 - 3 + 12) / 19);
    assert.ok(Math.abs(detect(levels, 0, 1).boxes[0]! - expected) < 1e-4);
  });
  it('keeps of boxes that overlap the surest of each class', () => {
    const near: Wanted = { ...first, column: 4, sides: [2, 2, 0, 2], score: 0.8 };
    const other: Wanted = { ...near, class: 2, score: 0.7 };
    const found = rounded(detect(levelsOf(3, [near, first, other]), 0, 3));
    assert.deepEqual(
      found.map(([label, score]) => [label, score]),
      [
        [1, 0.9],
        [2, 0.7],
      ],
    );
  });
  it('leaves out what is less sure than asked, and more than asked', () => {
    const levels = levelsOf(3, [
      first,
      { ...first, row: 7, score: 0.4 },
      { ...first, row: 5, column: 7, score: 0.0005 },
    ]);
    const scores = (options?: Parameters<typeof detect>[3]) => rounded(detect(levels, 0, 3, options)).map(([, s]) => s);
    assert.deepEqual(scores(), [0.9, 0.4]);
    assert.deepEqual(scores({ confidence: 0.5 }), [0.9]);
    assert.deepEqual(scores({ most: 1 }), [0.9]);
    assert.deepEqual(scores({ confidence: 0.0001 }), [0.9, 0.4, 0.0005]);
  });
  it('does what slow suppression over all pairs does, whatever the levels and the image', () => {
    const [classes, images] = [4, 2];
    const next = draws(11);
    const channels = 64 + classes;
    const levels = sizes.map(size => ({
      height: size,
      width: size,
      values: Float32Array.from({ length: images * size * size * channels }, (_, i) =>
        i % channels < 64 ? 3 * next() - 0.3 * Math.abs(((i % channels) % 16) - 2) : 8 * next() - 6,
      ),
    }));
    for (let image = 0; image < images; image++) {
      const all = levels.flatMap(({ values, height, width }, level) =>
        Array.from({ length: height * width }, (_, cell) => {
          const row = [...values.subarray((image * height * width + cell) * channels).subarray(0, channels)];
          const [l, t, r, b] = [0, 1, 2, 3].map(side => {
            const shares = row.slice(16 * side, 16 * side + 16).map(Math.exp);
            return shares.reduce((sum, p, i) => sum + p * i, 0) / shares.reduce((sum, p) => sum + p, 0);
          });
          const [x, y, stride] = [(cell % width) + 0.5, Math.floor(cell / width) + 0.5, 8 * 2 ** level];
          const box = [x - l!, y - t!, x + r!, y + b!].map(v => v * stride);
          return row.slice(64).map((logit, label) => ({ box, label, score: 1 / (1 + Math.exp(-logit)) }));
        }).flat(),
      );
      const kept: typeof all = [];
      for (const one of all.filter(({ score }) => score > 0.05).sort((a, b) => b.score - a.score))
        if (!kept.some(k => k.label === one.label && iou(k.box, one.box) > 0.5)) kept.push(one);
      const found = detect(levels, image, classes, { confidence: 0.05, iou: 0.5 });
      assert.ok(kept.length > 20 && kept.length < 300, `${kept.length}`);
      assert.deepEqual(
        [...found.classes],
        kept.map(({ label }) => label),
      );
      kept.flatMap(({ box }) => box).forEach((value, i) => assert.ok(Math.abs(found.boxes[i]! - value) < 1e-3));
    }
  });
});

describe('detection meter', () => {
  // An image of 128 x 100 pixels, at half its size within 64 x 64, 7 pixels from the top.
  const frame = { scaleX: 0.5, scaleY: 0.5, left: 0, top: 7 };
  const truth = {
    width: 128,
    height: 100,
    boxes: Float64Array.of(40, 0, 32, 58),
    classes: Int32Array.of(1),
    crowd: Uint8Array.of(0),
    frame,
  };
  const first: Wanted = { level: 0, row: 2, column: 3, sides: [1, 2, 1, 2], class: 1, score: 0.9 };
  const outputs = () =>
    levelsOf(3, [first]).map(({ values, height, width }) => tf.tensor(values, [1, height, width, 67]));
  async function scores(target: DetectionTarget) {
    const meter = detection.meter();
    const tensors = outputs();
    await meter.add(tensors, [target]);
    tf.dispose(tensors);
    return meter.result();
  }
  const target = { boxes: new Float32Array(), classes: new Int32Array() };
  it('scores boxes in the original image, clipped to it', async () => {
    // In the input 20, 4 to 36, 36, so 40, -6 to 72, 58 in the original.
    const result = await scores({ ...target, truth });
    assert.deepEqual(Object.keys(result), ['mAP50-95', 'mAP50']);
    assert.equal(detection.score, 'mAP50-95');
    for (const value of Object.values(result)) assert.ok(Math.abs(value - 1) < 1e-9);
    const off = await scores({ ...target, truth: { ...truth, boxes: Float64Array.of(40, 0, 32, 38) } });
    assert.ok(off['mAP50']! > 0.99 && Math.abs(off['mAP50-95']! - 0.4) < 1e-9, JSON.stringify(off));
  });
  it('refuses images that augmentation changed', async () => {
    await assert.rejects(scores(target), /changed by augmentation cannot be scored/);
  });
});

function iou(a: readonly number[], b: readonly number[]): number {
  const side = (low: number, high: number) => Math.max(0, Math.min(a[high]!, b[high]!) - Math.max(a[low]!, b[low]!));
  const area = (c: readonly number[]) => (c[2]! - c[0]!) * (c[3]! - c[1]!);
  const inner = side(0, 2) * side(1, 3);
  return inner / (area(a) + area(b) - inner);
}
