import * as tf from '@tensorflow/tfjs';
import { defineTask, type Meter } from '../../kernel/plugin.ts';
import { averagePrecision, type ScoredImage } from './detection/average-precision.ts';
import { detect, readLevels, type Detections } from './detection/detect.ts';
import { detectionLosses, gains } from './detection/loss.ts';
import type { DetectionTargets, Truth } from './detection/targets.ts';

/**
 * Boxes and their classes, from one output per level (strides 8, 16, 32) with `[height, width, 64 + classes]`:
 * distributions of the distances to left, top, right and bottom over 16 bins, and class logits.
 *
 * The loss is what YOLOv8 prints, the sum of box, class and distribution losses with their gains 7.5, 0.5 and 1.5
 * (Ultralytics, v8DetectionLoss). Its published training steps on that number times the batch: a learning rate of it for
 * SGD is this loss's divided by the batch. AdamW does not depend on such a factor.
 */
export const detection = defineTask<DetectionTargets>({
  id: 'detection',
  title: 'Object detection',
  score: 'mAP50-95',
  loss(outputs, targets) {
    return tf.tidy(() => {
      const { box, class: classes, distribution } = detectionLosses(outputs, targets);
      return tf.addN([
        tf.mul(box, gains.box),
        tf.mul(classes, gains.class),
        tf.mul(distribution, gains.distribution),
      ]) as tf.Scalar;
    });
  },
  meter,
});

/** Gives `mAP50-95` and `mAP50`, both from 0 to 1, as COCO defines them, on boxes of the original images. */
function meter(): Meter<DetectionTargets> {
  const images: ScoredImage[] = [];
  return {
    async add(outputs, targets) {
      const { classes, levels } = await readLevels(outputs, targets.length);
      targets.forEach(({ truth }, image) => {
        if (!truth) throw new Error('detection: an image that was changed by augmentation cannot be scored');
        images.push({ detections: inOriginal(detect(levels, image, classes), truth), truth });
      });
    },
    result() {
      const { map, map50 } = averagePrecision(images);
      return { 'mAP50-95': map, mAP50: map50 };
    },
  };
}

/** Boxes in pixels of the original image, clipped to it, as left, top, width, height. */
function inOriginal({ boxes, ...rest }: Detections, { width, height, frame }: Truth): ScoredImage['detections'] {
  const { scaleX, scaleY, left, top } = frame;
  const x = (value: number) => Math.min(width, Math.max(0, (value - left) / scaleX));
  const y = (value: number) => Math.min(height, Math.max(0, (value - top) / scaleY));
  const original = new Float64Array(boxes.length);
  for (let i = 0; i < boxes.length; i += 4) {
    original[i] = x(boxes[i]!);
    original[i + 1] = y(boxes[i + 1]!);
    original[i + 2] = x(boxes[i + 2]!) - original[i]!;
    original[i + 3] = y(boxes[i + 3]!) - original[i + 1]!;
  }
  return { ...rest, boxes: original };
}
