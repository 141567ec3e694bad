import type { DetectionTarget } from '../../../../plugins/tasks/detection/targets.ts';

/** Numbers in [0, 1) that fixtures/losses.py draws too. */
export function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A case that is drawn: outputs of a network for images of 64 x 64, and boxes. */
export interface Case {
  readonly seed: number;
  readonly images: number;
  readonly classes: number;
  /** Boxes of each image. */
  readonly boxes: readonly number[];
}

export interface Drawn {
  /** Per level `[images, height, width, 64 + classes]`. */
  readonly outputs: readonly {
    readonly values: Float32Array;
    readonly shape: readonly [number, number, number, number];
  }[];
  readonly targets: readonly DetectionTarget[];
}

export const side = 64;

/** Distributions lean towards short distances, so that predictions and boxes overlap often. */
export function drawCase({ seed, images, classes, boxes }: Case): Drawn {
  const next = draws(seed);
  const channels = 64 + classes;
  const outputs = [8, 4, 2].map(size => {
    const values = Float32Array.from({ length: images * size * size * channels }, (_, i) => {
      const channel = i % channels;
      const noise = 4 * next() - 2;
      return channel < 64 ? noise - 0.5 * Math.abs((channel % 16) - 2) : noise - 1;
    });
    return { values, shape: [images, size, size, channels] as const };
  });
  const targets = boxes.map(count => {
    const corners: number[] = [];
    const labels: number[] = [];
    for (let i = 0; i < count; i++) {
      const [width, height] = [4 + 40 * next(), 4 + 40 * next()];
      const [left, top] = [(side - width) * next(), (side - height) * next()];
      corners.push(left, top, left + width, top + height);
      labels.push(Math.floor(classes * next()));
    }
    return { boxes: Float32Array.from(corners), classes: Int32Array.from(labels) };
  });
  return { outputs, targets };
}

export const cases: readonly Case[] = [
  { seed: 1, images: 2, classes: 3, boxes: [3, 1] },
  { seed: 2, images: 3, classes: 80, boxes: [0, 12, 5] },
  { seed: 3, images: 2, classes: 2, boxes: [20, 25] },
  { seed: 4, images: 1, classes: 5, boxes: [0] },
];
