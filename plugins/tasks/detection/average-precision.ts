/** Detections of an image and what there is, boxes as left, top, width, height. */
export interface ScoredImage {
  readonly detections: { readonly boxes: Float64Array; readonly scores: Float64Array; readonly classes: Int32Array };
  readonly truth: { readonly boxes: Float64Array; readonly classes: Int32Array; readonly crowd: Uint8Array };
}

/** `count` numbers from `from` to `to`, computed as numpy does it. */
const linear = (from: number, to: number, count: number): Float64Array => {
  const step = (to - from) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? to : i * step + from));
};
const thresholds = linear(0.5, 0.95, 10);
const recalls = linear(0, 1, 101);
/** Detections of an image and class that count, the surest. */
const mostDetections = 100;

export interface AveragePrecision {
  /** Mean over classes and IoU thresholds 0.5, 0.55 to 0.95, from 0 to 1. */
  readonly map: number;
  /** Mean over classes at IoU 0.5. */
  readonly map50: number;
}

/**
 * Mean average precision as COCO defines it (Lin et al. 2014, Microsoft COCO): precision at 101 recalls, at most 100
 * detections per image and class, boxes of all sizes, crowds ignored; equal to pycocotools on images in this order.
 * Classes of which there is nothing but crowds do not count. Throws where nothing counts.
 */
export function averagePrecision(images: readonly ScoredImage[]): AveragePrecision {
  const classes = new Set(images.flatMap(({ truth }) => [...truth.classes].filter((_, i) => !truth.crowd[i])));
  if (classes.size === 0) throw new Error(`detection: no boxes in ${images.length} images to score against`);
  const views = images.map(byClass);
  const perClass = [...classes]
    .sort((a, b) => a - b)
    .map(label => ofClass(views.flatMap(view => view.get(label) ?? [])));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return { map: mean(perClass.map(row => mean([...row]))), map50: mean(perClass.map(row => row[0]!)) };
}

/** Boxes of one class in one image. */
interface ClassView {
  /** The surest first. */
  readonly detections: Float64Array[];
  readonly scores: number[];
  /** Crowds last. */
  readonly truth: Float64Array[];
  readonly crowd: boolean[];
}

function byClass({ detections, truth }: ScoredImage): Map<number, ClassView> {
  const views = new Map<number, ClassView>();
  const viewOf = (label: number): ClassView => {
    const view = views.get(label) ?? { detections: [], scores: [], truth: [], crowd: [] };
    views.set(label, view);
    return view;
  };
  const box = (boxes: Float64Array, i: number) => boxes.subarray(4 * i, 4 * i + 4);
  for (const crowds of [false, true])
    truth.classes.forEach((label, i) => {
      if (Boolean(truth.crowd[i]) !== crowds) return;
      const view = viewOf(label);
      view.truth.push(box(truth.boxes, i));
      view.crowd.push(crowds);
    });
  const order = [...detections.scores.keys()].sort((a, b) => detections.scores[b]! - detections.scores[a]!);
  for (const i of order) {
    const view = viewOf(detections.classes[i]!);
    if (view.scores.length === mostDetections) continue;
    view.detections.push(box(detections.boxes, i));
    view.scores.push(detections.scores[i]!);
  }
  return views;
}

/** Average precision of a class at every threshold. */
function ofClass(views: readonly ClassView[]): Float64Array {
  const wanted = views.reduce((sum, { crowd }) => sum + crowd.filter(c => !c).length, 0);
  const scores = views.flatMap(view => view.scores);
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
  const ious = views.map(view => view.detections.map(d => view.truth.map((t, i) => iou(d, t, view.crowd[i]!))));
  return thresholds.map(threshold => {
    const outcomes = views.flatMap((view, i) => match(view, ious[i]!, threshold));
    return interpolated(
      order.map(i => outcomes[i]!),
      wanted,
    );
  });
}

type Outcome = 'hit' | 'miss' | 'ignored';

/** Greedily, the surest detections first: each takes the free box that it overlaps most, a crowd only where none is left. */
function match(
  { detections, truth, crowd }: ClassView,
  ious: readonly (readonly number[])[],
  threshold: number,
): Outcome[] {
  const taken = truth.map(() => false);
  return detections.map((_, d) => {
    let least = Math.min(threshold, 1 - 1e-10);
    let found = -1;
    for (let t = 0; t < truth.length; t++) {
      if (taken[t] && !crowd[t]) continue;
      if (found >= 0 && !crowd[found] && crowd[t]) break;
      if (ious[d]![t]! < least) continue;
      least = ious[d]![t]!;
      found = t;
    }
    if (found < 0) return 'miss';
    taken[found] = true;
    return crowd[found] ? 'ignored' : 'hit';
  });
}

/** Mean over the recalls of the best precision at that recall or beyond. */
function interpolated(outcomes: readonly Outcome[], wanted: number): number {
  const counted = outcomes.filter(outcome => outcome !== 'ignored');
  let hits = 0;
  const recall: number[] = [];
  const precision = counted.map((outcome, i) => {
    if (outcome === 'hit') hits++;
    recall.push(hits / wanted);
    return hits / (i + 1 + Number.EPSILON);
  });
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i]!, precision[i + 1]!);
  let at = 0;
  let sum = 0;
  for (const r of recalls) {
    while (at < recall.length && recall[at]! < r) at++;
    if (at === recall.length) break;
    sum += precision[at]!;
  }
  return sum / recalls.length;
}

/** Intersection over union; over the detection where the other box is around a crowd. */
function iou(detection: Float64Array, truth: Float64Array, crowd: boolean): number {
  const [x, y, w, h] = detection as unknown as [number, number, number, number];
  const [u, v, a, b] = truth as unknown as [number, number, number, number];
  const width = Math.min(w + x, a + u) - Math.max(x, u);
  const height = Math.min(h + y, b + v) - Math.max(y, v);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (crowd ? w * h : w * h + a * b - intersection);
}
