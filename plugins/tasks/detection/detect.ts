import type * as tf from '@tensorflow/tfjs';
import { bins, sides, sizesOf, strideOf } from './predictions.ts';

/** One output of the network, read. */
export interface Level {
  /** `[batch, height, width, 64 + classes]` */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** Reads what a network gave for so many images. */
export async function readLevels(
  outputs: readonly tf.Tensor[],
  images: number,
): Promise<{ readonly classes: number; readonly levels: readonly Level[] }> {
  const { classes, sizes } = sizesOf(outputs, images);
  const values = await Promise.all(outputs.map(output => output.data<'float32'>()));
  return { classes, levels: sizes.map(([height, width], i) => ({ values: values[i]!, height, width })) };
}

/** What a network sees in an image, the surest first. */
export interface Detections {
  /** `[detections, 4]`: left, top, right, bottom in pixels of the network's input. */
  readonly boxes: Float64Array;
  readonly scores: Float64Array;
  readonly classes: Int32Array;
}

export interface DetectOptions {
  /** Least score. */
  readonly confidence?: number;
  /** Of two boxes of a class that overlap more than this, the surer is kept. */
  readonly iou?: number;
  /** Most detections of an image. */
  readonly most?: number;
}

/** As many candidates, the surest, are looked at. */
const mostCandidates = 30_000;

/**
 * Detections of one image: boxes decoded and, class by class, thinned by greedy non-maximum suppression. An anchor may
 * give several classes. The defaults are those of YOLOv8's evaluation.
 */
export function detect(
  levels: readonly Level[],
  image: number,
  classes: number,
  { confidence = 0.001, iou = 0.7, most = 300 }: DetectOptions = {},
): Detections {
  const { places, order } = candidatesOf(levels, image, classes, confidence);
  const keptBy = new Map<number, number[]>();
  const boxes: number[] = [];
  const scores: number[] = [];
  const labels: number[] = [];
  const box = new Float64Array(4);
  for (const candidate of order) {
    if (labels.length === most) break;
    const { level, cell, class: label, logit } = places(candidate);
    decode(levels[level]!, level, image, cell, sides + classes, box);
    let kept = keptBy.get(label);
    if (!kept) keptBy.set(label, (kept = []));
    if (kept.some(other => overlap(boxes, other, box) > iou)) continue;
    kept.push(labels.length);
    boxes.push(...box);
    scores.push(1 / (1 + Math.exp(-logit)));
    labels.push(label);
  }
  return { boxes: Float64Array.from(boxes), scores: Float64Array.from(scores), classes: Int32Array.from(labels) };
}

interface Place {
  readonly level: number;
  readonly cell: number;
  readonly class: number;
  readonly logit: number;
}

/** Anchors and classes with at least this score, as numbers in the order of their scores, and what the numbers mean. */
function candidatesOf(levels: readonly Level[], image: number, classes: number, confidence: number) {
  const least = Math.log(confidence / (1 - confidence));
  const channels = sides + classes;
  const logits: number[] = [];
  const numbers: number[] = [];
  let start = 0;
  for (const { values, height, width } of levels) {
    const cells = height * width;
    for (let cell = 0, at = image * cells * channels + sides; cell < cells; cell++, at += channels)
      for (let c = 0; c < classes; c++)
        if (values[at + c]! >= least) {
          logits.push(values[at + c]!);
          numbers.push((start + cell) * classes + c);
        }
    start += cells;
  }
  // Sorting all of an untrained network's candidates would take most of the time.
  const enough = logits.length > mostCandidates ? Float32Array.from(logits).sort().at(-mostCandidates)! : -Infinity;
  // Equal scores stay in the order of the anchors.
  const order = Uint32Array.from([...logits.keys()].filter(i => logits[i]! >= enough))
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .subarray(0, mostCandidates);
  const places = (candidate: number): Place => {
    const number = numbers[candidate]!;
    let cell = Math.floor(number / classes);
    let level = 0;
    for (; cell >= levels[level]!.height * levels[level]!.width; level++)
      cell -= levels[level]!.height * levels[level]!.width;
    return { level, cell, class: number % classes, logit: logits[candidate]! };
  };
  return { places, order };
}

function decode(
  { values, height, width }: Level,
  level: number,
  image: number,
  cell: number,
  channels: number,
  box: Float64Array,
) {
  const stride = strideOf(level);
  const from = (image * height * width + cell) * channels;
  const x = (cell % width) + 0.5;
  const y = Math.floor(cell / width) + 0.5;
  box[0] = (x - expectation(values, from)) * stride;
  box[1] = (y - expectation(values, from + bins)) * stride;
  box[2] = (x + expectation(values, from + 2 * bins)) * stride;
  box[3] = (y + expectation(values, from + 3 * bins)) * stride;
}

function expectation(logits: Float32Array, from: number): number {
  let largest = -Infinity;
  for (let i = 0; i < bins; i++) largest = Math.max(largest, logits[from + i]!);
  let sum = 0;
  let weighted = 0;
  for (let i = 0; i < bins; i++) {
    const share = Math.exp(logits[from + i]! - largest);
    sum += share;
    weighted += share * i;
  }
  return weighted / sum;
}

/** IoU of a box and one of those before it. */
function overlap(boxes: readonly number[], other: number, box: Float64Array): number {
  const at = 4 * other;
  const width = Math.min(boxes[at + 2]!, box[2]!) - Math.max(boxes[at]!, box[0]!);
  const height = Math.min(boxes[at + 3]!, box[3]!) - Math.max(boxes[at + 1]!, box[1]!);
  if (width <= 0 || height <= 0) return 0;
  const first = (boxes[at + 2]! - boxes[at]!) * (boxes[at + 3]! - boxes[at + 1]!);
  const second = (box[2]! - box[0]!) * (box[3]! - box[1]!);
  return (width * height) / (first + second - width * height);
}
