import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { coco } from '../../../../datasets/index.ts';
import type { Data } from '../../../../kernel/plugin.ts';
import { averagePrecision, type ScoredImage } from '../../../../plugins/tasks/detection/average-precision.ts';
import type { DetectionTargets, Truth } from '../../../../plugins/tasks/detection/targets.ts';
import { pythonWith, runPython } from '../../../python.ts';
import { draws } from './cases.ts';
import { drawImages, plain } from './scored-images.ts';

/** Of drawImages, for seeds 1 to 8: [mAP50-95, mAP50] of pycocotools 2.0.11, as the comparison below prints them. */
const golden: readonly (readonly [number, number])[] = [
  [0.22211481547136036, 0.42210471047104703],
  [0.14003209212219675, 0.2412430738872207],
  [0.21796445252693114, 0.3864157324553364],
  [0.08945828431320951, 0.20656274284150866],
  [0.13354373020417118, 0.18392368707600512],
  [0.20188327215883922, 0.3426738199996986],
  [0.15553781538833003, 0.28994754446006354],
  [0.2366949552098067, 0.5714285714285714],
];

const score = (images: readonly ScoredImage[]): [number, number] => {
  const { map, map50 } = averagePrecision(images);
  return [map, map50];
};
const near = ([a, b]: readonly number[], [c, d]: readonly number[], what: string) =>
  assert.ok(Math.abs(a! - c!) < 1e-9 && Math.abs(b! - d!) < 1e-9, `${what}: ${a}, ${b}, not ${c}, ${d}`);
const box = (...values: number[]) => Float64Array.from(values);

/** Detections about where things are: each box moved and scaled, some left out, some twice, some of another class. */
function nearly({ boxes, classes }: Truth, noise: number, seed: number): ScoredImage['detections'] {
  const next = draws(seed + 1);
  const found = [...classes].flatMap((label, i) => {
    const [left, top, width, height] = [...boxes.subarray(4 * i, 4 * i + 4)] as [number, number, number, number];
    return Array.from({ length: Math.floor(3 * next()) }, () => {
      const shift = () => noise * (2 * next() - 1);
      return {
        box: [left + width * shift(), top + height * shift(), width * (1 + shift()), height * (1 + shift())],
        label: next() < 0.9 ? label : Math.floor(80 * next()),
        score: next(),
      };
    });
  });
  return {
    boxes: Float64Array.from(found.flatMap(({ box }) => box)),
    classes: Int32Array.from(found, ({ label }) => label),
    scores: Float64Array.from(found, ({ score }) => score),
  };
}

describe('average precision', () => {
  it('is what pycocotools gave for the golden images', () => {
    golden.forEach((expected, i) => near(score(drawImages(i + 1)), expected, `seed ${i + 1}`));
  });
  it('is what pycocotools gives on random images with crowds, ties and empty classes', function () {
    const python = pythonWith('pycocotools');
    if (!python) return this.skip();
    const drawn = Array.from({ length: 200 }, (_, i) => drawImages(i + 1));
    // More than 100 detections of a class in an image.
    drawn.push(...[1001, 1002, 1003].map(seed => drawImages(seed, 150)));
    const counted = drawn.filter(images => images.some(({ truth }) => truth.crowd.includes(0)));
    assert.ok(counted.length > 180);
    const expected = runPython<[number, number][]>(
      python,
      new URL('./coco-map.py', import.meta.url),
      counted.map(plain),
    );
    counted.forEach((images, i) => near(score(images), expected[i]!, `case ${i}`));
    const middling = expected.filter(([map]) => map > 0.05 && map < 0.95);
    assert.ok(middling.length > 100, `only ${middling.length} cases tell anything`);
  });
  it('is what pycocotools gives on the annotations of COCO, one in nine made a crowd', async function () {
    const path = fileURLToPath(new URL('../../../../../shared/data/coco', import.meta.url));
    const python = pythonWith('pycocotools');
    if (!existsSync(path)) console.log('      skipped: no ../shared/data/coco');
    if (!python || !existsSync(path)) return this.skip();
    const data = (await coco.load(coco.options.parse({ path, image: 32 }))) as Data<DetectionTargets>;
    const truths: Truth[] = [];
    for (const split of [data.train, data.test])
      for await (const { targets } of split.batches({ batch: 16 })) truths.push(...targets.map(({ truth }) => truth!));
    assert.equal(truths.length, 96);
    for (const { crowd } of truths) crowd.forEach((_, i) => (crowd[i] = i % 9 === 5 ? 1 : 0));
    for (const noise of [0.02, 0.1, 0.3]) {
      const images = truths.map((truth, i) => ({ truth, detections: nearly(truth, noise, i) }));
      const [expected] = runPython<[number, number][]>(python, new URL('./coco-map.py', import.meta.url), [
        plain(images),
      ]);
      assert.ok(expected![0] > 0.01 && expected![0] < 0.99, `${expected}`);
      near(score(images), expected!, `noise ${noise}`);
    }
  }).timeout(60_000);
  it('is 1 for the truth itself and 0 for nothing or for the wrong class', () => {
    const truth = { boxes: box(10, 10, 20, 20, 50, 50, 9, 9), classes: Int32Array.of(0, 4), crowd: new Uint8Array(2) };
    const detections = { boxes: truth.boxes, classes: truth.classes, scores: Float64Array.of(0.2, 0.9) };
    near(score([{ truth, detections }]), [1, 1], 'score');
    assert.deepEqual(score([{ truth, detections: { ...detections, classes: Int32Array.of(4, 0) } }]), [0, 0]);
    const none = { boxes: box(), classes: new Int32Array(), scores: new Float64Array() };
    assert.deepEqual(score([{ truth, detections: none }]), [0, 0]);
  });
  it('lets detections within a crowd go, and counts a second one of the same box against', () => {
    const truth = {
      boxes: box(0, 0, 100, 100, 200, 200, 10, 10),
      classes: Int32Array.of(0, 0),
      crowd: Uint8Array.of(1, 0),
    };
    const at = (boxes: Float64Array, scores: number[]) => ({
      truth,
      detections: { boxes, classes: new Int32Array(scores.length), scores: Float64Array.from(scores) },
    });
    const inCrowd = box(5, 5, 20, 20, 40, 40, 20, 20, 200, 200, 10, 10);
    near(score([at(inCrowd, [0.9, 0.8, 0.7])]), [1, 1], 'score');
    const twice = box(200, 200, 10, 10, 200, 200, 10, 10);
    near(score([at(twice, [0.9, 0.8])]), [1, 1], 'score');
    const elsewhere = box(300, 300, 10, 10, 200, 200, 10, 10);
    near(score([at(elsewhere, [0.9, 0.8])]), [0.5, 0.5], 'a miss before the hit');
  });
  it('has nothing to say where there are no boxes', () => {
    const none = { boxes: box(), classes: new Int32Array(), scores: new Float64Array(), crowd: new Uint8Array() };
    assert.throws(() => averagePrecision([{ truth: none, detections: none }]), /no boxes in 1 images/);
  });
});
