import type { ScoredImage } from '../../../../plugins/tasks/detection/average-precision.ts';
import { draws } from './cases.ts';

/**
 * Images with boxes, some of them crowds, and detections, some of them near boxes: few values of scores and places, so
 * that there are ties, and more classes than are used, so that some have no boxes or no detections.
 */
export function drawImages(seed: number, most = 12): ScoredImage[] {
  const next = draws(seed);
  const upTo = (n: number) => Math.floor(n * next());
  const classes = 2 + upTo(6);
  return Array.from({ length: 1 + upTo(8) }, () => {
    const boxes = Array.from({ length: upTo(most) }, () => [upTo(60), upTo(60), 4 + 36 * next(), 4 + 36 * next()]);
    const labels = boxes.map(() => upTo(classes - 1));
    const detections = Array.from({ length: upTo(4 * most) }, () => {
      const near = boxes[upTo(2 * boxes.length + 1)];
      const label = near && next() < 0.8 ? labels[boxes.indexOf(near)]! : upTo(classes);
      const box = near ? near.map(value => value + 4 * next() * (upTo(3) - 1)) : [upTo(60), upTo(60), 9, 9 + upTo(20)];
      return { box, label, score: next() < 0.5 ? upTo(5) / 5 : next() };
    });
    return {
      truth: {
        boxes: Float64Array.from(boxes.flat()),
        classes: Int32Array.from(labels),
        crowd: Uint8Array.from(labels, () => (next() < 0.15 ? 1 : 0)),
      },
      detections: {
        boxes: Float64Array.from(detections.flatMap(({ box }) => box)),
        classes: Int32Array.from(detections, ({ label }) => label),
        scores: Float64Array.from(detections, ({ score }) => score),
      },
    };
  });
}

/** Plain arrays, for JSON. */
export const plain = (images: readonly ScoredImage[]) =>
  images.map(({ truth, detections }) => ({
    truth: { boxes: [...truth.boxes], classes: [...truth.classes], crowd: [...truth.crowd] },
    detections: {
      boxes: [...detections.boxes],
      classes: [...detections.classes],
      scores: [...detections.scores],
    },
  }));
