import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { detection } from '../../../../plugins/tasks/detection.ts';
import { assign, boxList } from '../../../../plugins/tasks/detection/assign.ts';
import { completeIou, type Corners } from '../../../../plugins/tasks/detection/boxes.ts';
import { detectionLosses, gains } from '../../../../plugins/tasks/detection/loss.ts';
import { anchorsOf, joined } from '../../../../plugins/tasks/detection/predictions.ts';
import { cases, drawCase, type Case, type Drawn } from './cases.ts';
import { ciou, referenceLoss, type Positive } from './reference.ts';

interface Fixture {
  readonly cases: readonly {
    readonly seed: number;
    readonly losses: readonly number[];
    readonly gradients: readonly { readonly sum: number; readonly absolute: number; readonly sine: number }[];
  }[];
}
const fixture = JSON.parse(readFileSync(new URL('./fixtures/losses.json', import.meta.url), 'utf8')) as Fixture;

const tensors = ({ outputs }: Drawn) => outputs.map(({ values, shape }) => tf.tensor(values, [...shape]));
const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, not ${expected}`,
  );

function losses(drawn: Drawn): [box: number, classes: number, distribution: number] {
  return tf.tidy(() => {
    const parts = detectionLosses(tensors(drawn), drawn.targets);
    return [parts.box, parts.class, parts.distribution].map(loss => loss.dataSync()[0]!) as [number, number, number];
  });
}
function gradients(drawn: Drawn): Float32Array[] {
  return tf.tidy(() => {
    const grads = tf.grads((...outputs: tf.Tensor[]) => detection.loss(outputs, drawn.targets));
    return grads(tensors(drawn)).map(gradient => gradient.dataSync() as Float32Array);
  });
}
/** What anchors learn, with candidates that are the same put together. */
function assignment({ outputs, targets }: Drawn): Positive[] {
  const anchors = anchorsOf(outputs.map(({ shape: [, height, width] }) => [height, width]));
  const boxes = boxList(targets, outputs[0]!.shape[3] - 64);
  const rows = tf.tidy(() => assign(joined(tensors({ outputs, targets })), anchors, boxes).arraySync());
  const before = targets.map((_, i) => targets.slice(0, i).reduce((sum, target) => sum + target.classes.length, 0));
  const found = new Map<number, Positive>();
  for (const [place, box, weight] of rows as [number, number, number][]) {
    if (weight === 0) continue;
    const image = Math.floor(place / anchors.count);
    const one = { image, anchor: place % anchors.count, box: box - before[image]!, score: weight };
    const other = found.get(place);
    if (other) assert.equal(one.box, other.box, 'an anchor learns one box');
    found.set(place, { ...one, score: weight + (other?.score ?? 0) });
  }
  return [...found.values()];
}
const byPlace = (positives: readonly Positive[]) =>
  [...positives].sort((a, b) => a.image - b.image || a.anchor - b.anchor);

describe('detection loss', () => {
  const label = ({ images, boxes, classes }: Case) =>
    `${images} images, ${boxes.join(' + ')} boxes, ${classes} classes`;
  for (const [i, given] of cases.entries()) {
    const drawn = drawCase(given);
    it(`assigns anchors as the reference does: ${label(given)}`, () => {
      const expected = byPlace(referenceLoss(drawn).positives);
      const actual = byPlace(assignment(drawn));
      const places = (list: readonly Positive[]) => list.map(({ image, anchor, box }) => [image, anchor, box]);
      assert.deepEqual(places(actual), places(expected));
      actual.forEach(({ score }, at) => near(score, expected[at]!.score, 1e-4, 'score'));
      const wanted = given.boxes.reduce((a, b) => a + b, 0);
      assert.ok(wanted === 0 || expected.length > wanted, `${expected.length} positives are too few to tell`);
    });
    it(`loses as much as the reference and as Ultralytics' own: ${label(given)}`, () => {
      const [box, classes, distribution] = losses(drawn);
      const reference = referenceLoss(drawn);
      near(box, reference.box, 1e-5, 'box');
      near(classes, reference.class, 1e-5, 'class');
      near(distribution, reference.distribution, 1e-5, 'distribution');
      const published = fixture.cases[i]!;
      assert.equal(published.seed, given.seed);
      near(box * gains.box, published.losses[0]!, 1e-5, 'box');
      near(classes * gains.class, published.losses[1]!, 1e-5, 'class');
      near(distribution * gains.distribution, published.losses[2]!, 1e-5, 'distribution');
    });
    it(`has the gradients of Ultralytics' own: ${label(given)}`, () => {
      gradients(drawn).forEach((values, level) => {
        const { sum, absolute, sine } = fixture.cases[i]!.gradients[level]!;
        near(
          values.reduce((a, b) => a + b, 0),
          sum,
          1e-4,
          'sum',
        );
        near(
          values.reduce((a, b) => a + Math.abs(b), 0),
          absolute,
          1e-4,
          'absolute sum',
        );
        near(
          values.reduce((a, b, at) => a + b * Math.sin(at), 0),
          sine,
          1e-4,
          'sum with signs',
        );
      });
    });
  }
  it('has gradients that finite differences agree with where the assignment is fixed', () => {
    // One box on a single level: what each anchor learns changes smoothly, which a constant for gradients leaves out; so
    // the difference is taken of a loss whose target scores are fixed, by the gradient of the reference's parts.
    const drawn = drawCase({ seed: 5, images: 1, classes: 2, boxes: [2] });
    const rows = byPlace(referenceLoss(drawn).positives);
    const [analytic] = gradients(drawn);
    const frozen = (values: Float32Array) =>
      frozenLoss({ ...drawn, outputs: [{ ...drawn.outputs[0]!, values }, ...drawn.outputs.slice(1)] }, rows);
    const { values } = drawn.outputs[0]!;
    const first = rows.find(({ anchor }) => anchor < 64)!;
    const places = [...Array.from({ length: 66 }, (_, c) => first.anchor * 66 + c), 7, 64, 65];
    for (const at of places) {
      const moved = (step: number) => frozen(values.map((value, i) => (i === at ? value + step : value)));
      near(analytic![at]!, (moved(1e-2) - moved(-1e-2)) / 2e-2, 2e-3, `value ${at}`);
    }
  });
  it('does not depend on the order of images', () => {
    const drawn = drawCase(cases[1]!);
    const turned = {
      outputs: drawn.outputs.map(({ values, shape }) => {
        const size = values.length / shape[0];
        const rows = Array.from({ length: shape[0] }, (_, i) => values.slice(i * size, (i + 1) * size)).reverse();
        return { shape, values: Float32Array.from(rows.flatMap(row => [...row])) };
      }),
      targets: [...drawn.targets].reverse(),
    };
    const [a, b] = [losses(drawn), losses(turned)];
    a.forEach((loss, i) => near(b[i]!, loss, 1e-5, `loss ${i}`));
  });
  it('is finite, with finite gradients, for huge logits and boxes without area', () => {
    const drawn = drawCase({ seed: 6, images: 1, classes: 2, boxes: [2] });
    const outputs = drawn.outputs.map(({ values, shape }) => ({ shape, values: values.map(v => v * 1e4) }));
    const point = { boxes: Float32Array.of(10, 10, 10, 10, 20, 20, 20, 40), classes: Int32Array.of(0, 1) };
    for (const targets of [drawn.targets, [point]]) {
      assert.ok(losses({ outputs, targets }).every(Number.isFinite));
      assert.ok(gradients({ outputs, targets }).every(values => values.every(Number.isFinite)));
    }
  });
  it('refuses outputs and classes that do not fit', () => {
    const { outputs, targets } = drawCase(cases[0]!);
    const given = tensors({ outputs, targets });
    assert.throws(() => detection.loss(given, targets.slice(1)), /output 1 is \[2, 8, 8, 67\], needs \[1, height/);
    assert.throws(() => detection.loss([given[0]!, given[2]!], targets), /output 2 is 2 x 2, needs 4 x 4/);
    assert.throws(() => detection.loss([tf.zeros([2, 8, 8, 64])], targets), /64 \+ classes/);
    assert.throws(() => detection.loss([], targets), /no outputs/);
    const strange = [targets[0]!, { boxes: Float32Array.of(0, 0, 9, 9), classes: Int32Array.of(3) }];
    assert.throws(() => detection.loss(given, strange), /class 3, the network has 3 classes/);
    tf.dispose(given);
  });
});

/** The loss of given outputs when anchors learn what they are told, by the parts of the reference. */
function frozenLoss(drawn: Drawn, positives: readonly Positive[]): number {
  return tf.tidy(() => {
    const { outputs, targets } = drawn;
    const classes = outputs[0]!.shape[3] - 64;
    const all = outputs.flatMap(({ values, shape: [, h, w, c] }, level) =>
      Array.from({ length: h * w }, (_, cell) => ({ row: values.slice(cell * c, (cell + 1) * c), w, level, cell })),
    );
    const total = Math.max(
      1,
      positives.reduce((sum, { score }) => sum + score, 0),
    );
    let [box, cls, distribution] = [0, 0, 0];
    for (const { row } of all) for (let c = 0; c < classes; c++) cls += Math.log1p(Math.exp(row[64 + c]!));
    for (const { anchor, box: n, score } of positives) {
      const { row, w, level, cell } = all[anchor]!;
      const stride = 8 * 2 ** level;
      const [x, y] = [(cell % w) + 0.5, Math.floor(cell / w) + 0.5];
      const goal = [...targets[0]!.boxes.slice(4 * n, 4 * n + 4)].map(v => v / stride) as [
        number,
        number,
        number,
        number,
      ];
      const shares = [0, 1, 2, 3].map(side => {
        const exp = [...row.slice(16 * side, 16 * side + 16)].map(Math.exp);
        const sum = exp.reduce((a, b) => a + b, 0);
        return exp.map(v => v / sum);
      });
      const d = shares.map(bins => bins.reduce((sum, p, i) => sum + p * i, 0));
      box += score * (1 - ciouWithFixedWeight([x - d[0]!, y - d[1]!, x + d[2]!, y + d[3]!], goal, `${anchor}`));
      cls -= score * row[64 + targets[0]!.classes[n]!]!;
      const reach = [x - goal[0], y - goal[1], goal[2] - x, goal[3] - y].map(v => Math.min(14.99, Math.max(0, v)));
      reach.forEach((r, side) => {
        const low = Math.floor(r);
        distribution -=
          (score / 4) * (Math.log(shares[side]![low]!) * (low + 1 - r) + Math.log(shares[side]![low + 1]!) * (r - low));
      });
    }
    return (gains.box * box + gains.class * cls + gains.distribution * distribution) / total;
  });
}

/** CIoU whose weight of the aspects is that of the first call for an anchor, as for gradients. */
const weights = new Map<string, number>();
function ciouWithFixedWeight(
  a: readonly [number, number, number, number],
  b: readonly [number, number, number, number],
  key: string,
): number {
  const aspect = (box: readonly number[]) => Math.atan((box[2]! - box[0]!) / (box[3]! - box[1]! + 1e-7));
  const v = (4 / Math.PI ** 2) * (aspect(a) - aspect(b)) ** 2;
  const whole = ciou(a, b);
  const inner =
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const iou = inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner + 1e-7);
  const weight = v / (v - iou + 1 + 1e-7);
  const fixed = weights.get(key) ?? weight;
  weights.set(key, fixed);
  return whole + v * weight - v * fixed;
}

describe('completeIou', () => {
  const corner = fc.double({ min: 0, max: 100, noNaN: true });
  const box = fc.tuple(corner, corner, corner, corner).map(([x, y, w, h]) => [x, y, x + w + 0.5, y + h + 0.5] as const);
  const corners = (list: readonly (readonly number[])[]): Corners => {
    const [left, top, right, bottom] = [0, 1, 2, 3].map(i => tf.tensor1d(list.map(b => b[i]!)));
    return { left: left!, top: top!, right: right!, bottom: bottom! };
  };
  it('is that of plain arithmetic', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(box, box), { minLength: 1, maxLength: 8 }), pairs => {
        const actual = tf.tidy(() =>
          completeIou(corners(pairs.map(p => p[0])), corners(pairs.map(p => p[1]))).dataSync(),
        );
        pairs.forEach(([a, b], i) => near(actual[i]!, ciou(a, b), 1e-4, 'CIoU'));
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});
