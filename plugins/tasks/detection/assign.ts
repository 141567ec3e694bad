import * as tf from '@tensorflow/tfjs';
import { aspect, completeIou, type Corners } from './boxes.ts';
import { boxesAround, distances, bins, sides, type Anchors } from './predictions.ts';
import type { DetectionTargets } from './targets.ts';

/** As YOLOv8 has them. */
const most = 10;
const epsilon = 1e-9;
/** Boxes with a shorter side take anchors as if it were so long, in pixels. */
const shortest = 16;

/** The boxes of a batch, padded so that batches with about as many boxes look alike. */
export interface BoxList {
  readonly size: number;
  /** Which image a box is of; 0 for padding. */
  readonly image: Int32Array;
  readonly class: Int32Array;
  /** `[size, 4]`: left, top, right, bottom in pixels. */
  readonly corners: Float32Array;
  /** 0 for padding, else 1. */
  readonly real: Float32Array;
}

/** Throws where a class is unknown to the network. */
export function boxList(targets: DetectionTargets, classes: number): BoxList {
  const count = targets.reduce((sum, target) => sum + target.classes.length, 0);
  const size = paddedSize(count);
  const list = {
    size,
    image: new Int32Array(size),
    class: new Int32Array(size),
    corners: new Float32Array(4 * size),
    real: new Float32Array(size).fill(1, 0, count),
  };
  let at = 0;
  targets.forEach((target, image) => {
    const wrong = target.classes.find(c => c < 0 || c >= classes);
    if (wrong !== undefined) throw new RangeError(`detection: class ${wrong}, the network has ${classes} classes`);
    list.image.fill(image, at, at + target.classes.length);
    list.class.set(target.classes, at);
    list.corners.set(target.boxes, 4 * at);
    at += target.classes.length;
  });
  return list;
}

/**
 * 16, 64, 256 and so on: a network is compiled for each, which takes more time and memory than padding does, so that a
 * training should meet two or three.
 */
function paddedSize(count: number): number {
  let size = 16;
  while (size < count) size *= 4;
  return size;
}

/**
 * Which anchors learn which boxes (Feng et al. 2021, TOOD: Task-aligned One-stage Object Detection), as rows of three
 * numbers, `[candidates, 3]`:
 * - the place of an anchor among those of all images, `image * anchors + anchor`;
 * - the box that it learns, by its number in `boxes`;
 * - the weight of that, which is the target score of the class.
 *
 * A box may take the 10 anchors within it that agree best with it, by `score^0.5 * overlap^6`; of several boxes an anchor
 * learns the one that it overlaps most. It is listed then by each box that took it, all of them naming the same box, and
 * the weight is shared among them. Rows that are no anchor's have weight 0.
 *
 * Cost: some forty elementwise passes over `[boxes, anchors]`, whatever the number of classes.
 * @param predictions `[batch, anchors, 64 + classes]`
 */
export function assign(predictions: tf.Tensor3D, anchors: Anchors, boxes: BoxList): tf.Tensor2D {
  return tf.tidy(() => {
    const { metric, overlap } = alignment(predictions, anchors, boxes);
    const [size, count] = metric.shape as [number, number];
    const k = Math.min(most, count);
    const candidates = size * k;
    const { values, indices } = tf.topk(metric, k);
    const anchor = tf.reshape(indices, [candidates]);
    const taken = tf.cast(tf.greater(tf.reshape(values, [candidates]), 0), 'float32');

    const boxOf = Int32Array.from({ length: candidates }, (_, i) => Math.floor(i / k));
    const own = tf.tensor1d(boxOf, 'int32');
    const image = tf.tensor1d(
      boxOf.map(box => boxes.image[box]!),
      'int32',
    );
    const first = tf.tensor1d(
      boxOf.map(box => boxes.image[box]! * count),
      'int32',
    );
    const place = tf.add(first, anchor);
    const placeAsRow = tf.reshape(place, [candidates, 1]);
    const times = tf.scatterND(placeAsRow, taken, [predictions.shape[0] * count]);
    const sharers = tf.maximum(tf.reshape(tf.gather(times, place), [candidates]), 1);

    // Of the boxes of the same image, the one that overlaps most.
    const sameImage = tf.equal(tf.tensor2d(boxes.image, [size, 1], 'int32'), tf.reshape(image, [1, candidates]));
    const ofAnchor = tf.gather(overlap, anchor, 1);
    const best = tf.argMax(tf.where(sameImage, ofAnchor, tf.fill(ofAnchor.shape, -1)), 0) as tf.Tensor1D;
    const box = tf.where(tf.greater(sharers, 1), best, own);

    const pair = tf.stack([box, anchor], 1);
    const metricOf = tf.gatherND(metric, pair);
    const overlapOf = tf.gatherND(overlap, pair);
    const learns = tf.mul(
      tf.cast(
        tf.equal(tf.reshape(tf.range(0, size, 1, 'int32'), [size, 1]), tf.reshape(box, [1, candidates])),
        'float32',
      ),
      taken,
    );
    // The best anchor of a box learns its overlap as the score, the others in proportion to how well they agree.
    const bestMetric = tf.gather(tf.max(tf.mul(learns, metricOf), 1), box);
    const bestOverlap = tf.gather(tf.max(tf.mul(learns, overlapOf), 1), box);
    const score = tf.div(tf.mul(metricOf, bestOverlap), tf.add(bestMetric, epsilon));
    const weight = tf.div(tf.mul(score, taken), sharers);
    return tf.stack([tf.cast(place, 'float32'), tf.cast(box, 'float32'), weight], 1) as tf.Tensor2D;
  });
}

/** How well each anchor agrees with each box, and how far they overlap: both `[boxes, anchors]`, 0 for anchors outside. */
function alignment(
  predictions: tf.Tensor3D,
  anchors: Anchors,
  boxes: BoxList,
): { metric: tf.Tensor; overlap: tf.Tensor } {
  const [batch, count, channels] = predictions.shape;
  const classes = channels - sides;
  const logits = tf.reshape(tf.slice(predictions, [0, 0, 0], [-1, -1, sides]), [batch, count, 4, bins]);
  const [x, y, stride] = [anchors.x, anchors.y, anchors.stride].map(values => tf.tensor1d(values));
  const predicted = boxesAround(x!, y!, tf.mul(distances(logits), tf.reshape(stride!, [count, 1])));
  const image = tf.tensor1d(boxes.image, 'int32');
  const perBox = (values: tf.Tensor): tf.Tensor => tf.gather(values, image);
  const column = (at: number) =>
    tf.tensor2d(
      Float32Array.from({ length: boxes.size }, (_, i) => boxes.corners[4 * i + at]!),
      [boxes.size, 1],
    );
  const [left, top, right, bottom] = [column(0), column(1), column(2), column(3)] as const;
  const annotated: Corners = { left, top, right, bottom };
  const aligned: Corners = {
    left: perBox(predicted.left),
    top: perBox(predicted.top),
    right: perBox(predicted.right),
    bottom: perBox(predicted.bottom),
  };
  const within = tf.mul(
    tf.mul(inside(left, right, x!), inside(top, bottom, y!)),
    tf.tensor2d(boxes.real, [boxes.size, 1]),
  );
  const iou = tf.relu(completeIou(annotated, aligned, aspect(annotated), perBox(aspect(predicted))));
  const overlap = tf.mul(iou, within);
  const scores = tf.transpose(tf.slice(predictions, [0, 0, sides], [-1, -1, -1]), [0, 2, 1]);
  const ofClass = tf.tensor1d(
    boxes.image.map((b, i) => b * classes + boxes.class[i]!),
    'int32',
  );
  const score = tf.sigmoid(tf.gather(tf.reshape(scores, [batch * classes, count]), ofClass));
  const squared = tf.square(overlap);
  return { metric: tf.mul(tf.sqrt(score), tf.mul(squared, tf.square(squared))), overlap };
}

/** 1 where a place is between two ends, which are moved apart where they are closer than the shortest side; else 0. */
function inside(low: tf.Tensor, high: tf.Tensor, place: tf.Tensor): tf.Tensor {
  const middle = tf.mul(tf.add(low, high), 0.5);
  const half = tf.mul(tf.maximum(tf.sub(high, low), shortest), 0.5);
  return tf.cast(tf.less(tf.abs(tf.sub(place, middle)), tf.sub(half, epsilon)), 'float32');
}
