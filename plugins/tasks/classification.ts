import * as tf from '@tensorflow/tfjs';
import { defineTask, type Meter } from '../../kernel/plugin.ts';
import type { Random } from '../../kernel/random.ts';

/** One class per image: softmax cross-entropy over logits `[batch, classes]`, labels as targets. */
export const classification = defineTask<Int32Array>({
  id: 'classification',
  title: 'Image classification',
  score: 'accuracy',
  loss(outputs, labels) {
    return tf.tidy(() => {
      const logits = logitsOf(outputs, labels);
      const classes = logits.shape[1];
      const oneHot = new Float32Array(logits.size);
      labels.forEach((label, i) => (oneHot[i * classes + inRange(label, classes)] = 1));
      const likelihood = tf.sum(tf.mul(tf.logSoftmax(logits), tf.tensor2d(oneHot, logits.shape)));
      return tf.mul(likelihood, -1 / labels.length) as tf.Scalar;
    });
  },
  sample,
  meter,
});

/** Classes drawn with the probabilities of the softmax. */
async function sample(outputs: readonly tf.Tensor[], random: Random): Promise<Int32Array> {
  const [logits] = outputs;
  const probabilities = tf.tidy(() => tf.softmax(logits as tf.Tensor2D));
  const [images, classes] = probabilities.shape;
  const values = await probabilities.data();
  probabilities.dispose();
  return Int32Array.from({ length: images }, (_, i) => {
    let left = random.uniform();
    for (let c = 0; c < classes - 1; c++) if ((left -= values[i * classes + c]!) < 0) return c;
    return classes - 1;
  });
}

/**
 * Gives `accuracy` and, with more than five classes, `top5`, both from 0 to 1, and the mean `loss`. Equal logits rank by
 * class, and a logit that is not a number ranks first, so that it never counts as right.
 */
function meter(): Meter<Int32Array> {
  let images = 0;
  let classes = 0;
  let first = 0;
  let firstFive = 0;
  let loss = 0;
  return {
    async add(outputs, labels) {
      const logits = logitsOf(outputs, labels);
      classes = logits.shape[1];
      const values = await logits.data();
      labels.forEach((label, i) => {
        const row = values.subarray(i * classes, (i + 1) * classes);
        const place = rank(row, inRange(label, classes));
        if (place === 0) first++;
        if (place < 5) firstFive++;
        loss += crossEntropy(row, label);
      });
      images += labels.length;
    },
    result() {
      if (images === 0) throw new Error('classification: no images to score');
      return { accuracy: first / images, ...(classes > 5 ? { top5: firstFive / images } : {}), loss: loss / images };
    },
  };
}

/** How many classes come before the label. */
function rank(logits: ArrayLike<number>, label: number): number {
  const own = logits[label]!;
  let before = 0;
  for (let c = 0; c < logits.length; c++) {
    if (c === label) continue;
    const other = logits[c]!;
    if (!(other < own) && (other !== own || c < label)) before++;
  }
  return before;
}

function crossEntropy(logits: ArrayLike<number>, label: number): number {
  let largest = -Infinity;
  for (let c = 0; c < logits.length; c++) largest = Math.max(largest, logits[c]!);
  let sum = 0;
  for (let c = 0; c < logits.length; c++) sum += Math.exp(logits[c]! - largest);
  return largest + Math.log(sum) - logits[label]!;
}

function logitsOf(outputs: readonly tf.Tensor[], labels: Int32Array): tf.Tensor2D {
  if (outputs.length !== 1) throw new Error(`classification: the network has ${outputs.length} outputs, needs 1`);
  const [logits] = outputs;
  if (logits!.rank !== 2 || logits!.shape[0] !== labels.length)
    throw new RangeError(`classification: output is [${logits!.shape.join(', ')}], needs [${labels.length}, classes]`);
  return logits as tf.Tensor2D;
}

function inRange(label: number, classes: number): number {
  if (label >= 0 && label < classes) return label;
  throw new RangeError(`classification: label ${label}, the network has ${classes} classes`);
}
