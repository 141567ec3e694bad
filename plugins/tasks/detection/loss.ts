import * as tf from '@tensorflow/tfjs';
import { assign, boxList } from './assign.ts';
import { completeIou, constant, type Corners } from './boxes.ts';
import { anchorsOf, bins, boxesAround, distances, joined, sides, sizesOf } from './predictions.ts';
import type { DetectionTargets } from './targets.ts';

/** Shares of the loss, as published with YOLOv8. */
export const gains = { box: 7.5, class: 0.5, distribution: 1.5 } as const;

export interface DetectionLosses {
  /** 1 - CIoU of the boxes. */
  readonly box: tf.Scalar;
  /** Binary cross-entropy of the classes. */
  readonly class: tf.Scalar;
  /** Cross-entropy of the distances of the sides, between the two nearest bins (Li et al. 2020, Generalized Focal Loss). */
  readonly distribution: tf.Scalar;
}

/**
 * The three losses of YOLOv8 without their gains, each summed over the anchors of the batch, weighted by their target
 * scores, and divided by the sum of these scores (at least 1). Assignment is a constant for gradients.
 * @param outputs per level `[batch, height, width, 64 + classes]`, strides 8, 16, 32
 */
export function detectionLosses(outputs: readonly tf.Tensor[], targets: DetectionTargets): DetectionLosses {
  const { classes, sizes } = sizesOf(outputs, targets.length);
  const anchors = anchorsOf(sizes);
  if (targets.length * anchors.count >= 2 ** 24)
    throw new RangeError(
      `detection: a batch of ${targets.length} has ${targets.length * anchors.count} anchors, at most 2^24`,
    );
  const boxes = boxList(targets, classes);
  const predictions = joined(outputs);
  const assignment = constant(() => assign(predictions, anchors, boxes));
  const [place, box, weight] = tf.unstack(assignment, 1) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
  const total = tf.maximum(tf.sum(weight), 1);
  const mean = (values: tf.Tensor) => tf.div(tf.sum(tf.mul(values, weight)), total) as tf.Scalar;

  const places = tf.cast(place, 'int32');
  const numbers = tf.cast(box, 'int32');
  const rows = pick(tf.reshape(predictions, [-1, sides + classes]) as tf.Tensor2D, places);
  const count = rows.shape[0];
  const logits = tf.reshape(tf.slice(rows, [0, 0], [-1, sides]), [count, 4, bins]);

  // Everything about boxes is in strides from here on.
  const perAnchor = tf.tensor2d(interleaved(anchors.x, anchors.y, anchors.stride), [anchors.count, 3]);
  const anchor = tf.gather(perAnchor, tf.mod(places, tf.scalar(anchors.count, 'int32')));
  const [x, y, stride] = tf.unstack(anchor, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const [centreX, centreY] = [tf.div(x, stride), tf.div(y, stride)];
  const corners = tf.div(
    tf.gather(tf.tensor2d(boxes.corners, [boxes.size, 4]), numbers),
    tf.reshape(stride, [count, 1]),
  );
  const [left, top, right, bottom] = tf.unstack(corners, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const annotated: Corners = { left, top, right, bottom };
  const iou = completeIou(boxesAround(centreX, centreY, distances(logits)), annotated);

  const reach = [tf.sub(centreX, left), tf.sub(centreY, top), tf.sub(right, centreX), tf.sub(bottom, centreY)];
  const distance = tf.clipByValue(tf.stack(reach, 1), 0, bins - 1 - 0.01);
  // Shares of the bins: 1 - |bin - distance| for the two nearest.
  const shares = tf.relu(tf.sub(1, tf.abs(tf.sub(tf.expandDims(distance, -1), tf.range(0, bins)))));
  const sideLosses = tf.neg(tf.mean(tf.sum(tf.mul(shares, tf.logSoftmax(logits)), -1), -1));

  const wanted = tf.equal(
    tf.gather(tf.tensor2d(boxes.class, [boxes.size, 1], 'int32'), numbers),
    tf.range(0, classes, 1, 'int32'),
  );
  const own = tf.sum(tf.mul(tf.slice(rows, [0, sides], [-1, classes]), tf.cast(wanted, 'float32')), 1);
  const all = tf.sum(tf.softplus(tf.slice(predictions, [0, 0, sides], [-1, -1, classes])));
  return {
    box: mean(tf.sub(1, iou)),
    class: tf.sub(tf.div(all, total), mean(own)),
    distribution: mean(sideLosses),
  };
}

/** Rows of a matrix by number; unlike that of `tf.gather` the gradient takes one pass on every backend. */
function pick(matrix: tf.Tensor2D, rows: tf.Tensor1D): tf.Tensor2D {
  const picked = tf.customGrad(x => ({
    value: tf.gather(x as tf.Tensor2D, rows),
    gradFunc: (dy: tf.Tensor) => tf.scatterND(tf.reshape(rows, [-1, 1]), dy, (x as tf.Tensor).shape),
  }));
  return picked(matrix) as tf.Tensor2D;
}

function interleaved(...columns: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(columns[0]!.length * columns.length);
  columns.forEach((column, c) => column.forEach((value, row) => (values[row * columns.length + c] = value)));
  return values;
}
