import * as tf from '@tensorflow/tfjs';

/** Boxes as four tensors, whose shapes are for the caller to choose. */
export interface Corners {
  readonly left: tf.Tensor;
  readonly top: tf.Tensor;
  readonly right: tf.Tensor;
  readonly bottom: tf.Tensor;
}

/** As published with YOLOv8: added to heights, areas and diagonals. */
const epsilon = 1e-7;

const width = ({ left, right }: Corners): tf.Tensor => tf.sub(right, left);
const height = ({ top, bottom }: Corners): tf.Tensor => tf.add(tf.sub(bottom, top), epsilon);

/** Arc tangent of width over height. */
export const aspect = (box: Corners): tf.Tensor => tf.atan(tf.div(width(box), height(box)));

/**
 * Complete IoU, at most 1, pair by pair with the shapes broadcast (Zheng et al. 2020, Distance-IoU Loss). As published,
 * the weight of the aspect ratios is a constant for gradients. The aspects can be given where they are known.
 */
export function completeIou(a: Corners, b: Corners, aspectA = aspect(a), aspectB = aspect(b)): tf.Tensor {
  const overlap = (low: 'left' | 'top', high: 'right' | 'bottom') =>
    tf.relu(tf.sub(tf.minimum(a[high], b[high]), tf.maximum(a[low], b[low])));
  const hull = (low: 'left' | 'top', high: 'right' | 'bottom') =>
    tf.sub(tf.maximum(a[high], b[high]), tf.minimum(a[low], b[low]));
  const apart = (low: 'left' | 'top', high: 'right' | 'bottom') =>
    tf.square(tf.sub(tf.add(a[low], a[high]), tf.add(b[low], b[high])));
  const intersection = tf.mul(overlap('left', 'right'), overlap('top', 'bottom'));
  const areas = tf.add(tf.mul(width(a), height(a)), tf.mul(width(b), height(b)));
  const iou = tf.div(intersection, tf.add(tf.sub(areas, intersection), epsilon));
  const diagonal = tf.add(tf.add(tf.square(hull('left', 'right')), tf.square(hull('top', 'bottom'))), epsilon);
  const centres = tf.div(tf.add(apart('left', 'right'), apart('top', 'bottom')), 4);
  const aspects = tf.mul(tf.square(tf.sub(aspectA, aspectB)), 4 / Math.PI ** 2);
  const weight = constant(() => tf.div(aspects, tf.add(tf.sub(aspects, iou), 1 + epsilon)));
  return tf.sub(iou, tf.add(tf.div(centres, diagonal), tf.mul(weight, aspects)));
}

/** A tensor that is a constant for gradients, whatever it is computed from. */
export function constant<T extends tf.Tensor>(compute: () => T): T {
  // Kernels that run within a custom gradient leave no trace, and its only input here is this zero.
  const untraced = tf.customGrad(() => ({ value: compute(), gradFunc: () => tf.scalar(0) }));
  return untraced(tf.scalar(0)) as T;
}
