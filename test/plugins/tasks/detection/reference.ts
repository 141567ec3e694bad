import type { Drawn } from './cases.ts';

type Box = readonly [left: number, top: number, right: number, bottom: number];

const epsilon = 1e-7;

export function ciou(a: Box, b: Box): number {
  const [w1, h1, w2, h2] = [a[2] - a[0], a[3] - a[1] + epsilon, b[2] - b[0], b[3] - b[1] + epsilon];
  const intersection =
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const iou = intersection / (w1 * h1 + w2 * h2 - intersection + epsilon);
  const c2 =
    (Math.max(a[2], b[2]) - Math.min(a[0], b[0])) ** 2 + (Math.max(a[3], b[3]) - Math.min(a[1], b[1])) ** 2 + epsilon;
  const rho2 = ((b[0] + b[2] - a[0] - a[2]) ** 2 + (b[1] + b[3] - a[1] - a[3]) ** 2) / 4;
  const v = (4 / Math.PI ** 2) * (Math.atan(w2 / h2) - Math.atan(w1 / h1)) ** 2;
  return iou - (rho2 / c2 + (v * v) / (1 - iou + v + epsilon));
}

/** An anchor that learns a box. */
export interface Positive {
  readonly image: number;
  readonly anchor: number;
  readonly box: number;
  readonly score: number;
}

export interface ReferenceLoss {
  readonly box: number;
  readonly class: number;
  readonly distribution: number;
  readonly positives: readonly Positive[];
}

/** The losses of a batch one anchor, one box and one class at a time, in double precision. */
export function referenceLoss({ outputs, targets }: Drawn): ReferenceLoss {
  const classes = outputs[0]!.shape[3] - 64;
  const positives: Positive[] = [];
  let [box, distribution, cls, total] = [0, 0, 0, 0];
  targets.forEach((target, image) => {
    const anchors = outputs.flatMap(({ values, shape: [, height, width, channels] }, level) =>
      Array.from({ length: height * width }, (_, cell) => {
        const row = [...values.slice((image * height * width + cell) * channels).slice(0, channels)];
        const stride = 8 * 2 ** level;
        const [x, y] = [(cell % width) + 0.5, Math.floor(cell / width) + 0.5];
        const logs = [0, 1, 2, 3].map(side => logSoftmax(row.slice(16 * side, 16 * side + 16)));
        const [l, t, r, b] = logs.map(log => log.reduce((sum, value, i) => sum + Math.exp(value) * i, 0));
        return { x, y, stride, logs, logits: row.slice(64), predicted: [x - l!, y - t!, x + r!, y + b!] as Box };
      }),
    );
    const boxes = Array.from(target.classes, (_, i) => [...target.boxes.slice(4 * i, 4 * i + 4)] as unknown as Box);
    const overlaps = boxes.map(b =>
      anchors.map(a =>
        inside(b, a.x * a.stride, a.y * a.stride) ? Math.max(0, ciou(b, scaled(a.predicted, a.stride))) : 0,
      ),
    );
    const metrics = overlaps.map((row, n) =>
      row.map((o, a) => Math.sqrt(sigmoid(anchors[a]!.logits[target.classes[n]!]!)) * o ** 6),
    );
    const learnt = new Map<number, number[]>();
    metrics.forEach((row, n) => {
      const best = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, 10);
      for (const a of best) if (row[a]! > 0) learnt.set(a, [...(learnt.get(a) ?? []), n]);
    });
    const assigned = [...learnt].map(([anchor, candidates]) => {
      if (candidates.length === 1) return { anchor, box: candidates[0]! };
      const column = overlaps.map(row => row[anchor]!);
      return { anchor, box: column.indexOf(Math.max(...column)) };
    });
    const scores = new Map<number, { box: number; score: number }>();
    for (const { anchor, box: n } of assigned) {
      const own = assigned.filter(other => other.box === n).map(other => other.anchor);
      const best = Math.max(...own.map(a => metrics[n]![a]!));
      const widest = Math.max(...own.map(a => overlaps[n]![a]!));
      const score = (metrics[n]![anchor]! * widest) / (best + 1e-9);
      scores.set(anchor, { box: n, score });
      positives.push({ image, anchor, box: n, score });
    }
    anchors.forEach((a, i) => {
      const positive = scores.get(i);
      for (let c = 0; c < classes; c++) {
        const wanted = positive && target.classes[positive.box] === c ? positive.score : 0;
        cls += softplus(a.logits[c]!) - wanted * a.logits[c]!;
      }
      if (!positive) return;
      const { score } = positive;
      const goal = scaled(boxes[positive.box]!, 1 / a.stride);
      total += score;
      box += score * (1 - ciou(a.predicted, goal));
      const reach = [a.x - goal[0], a.y - goal[1], goal[2] - a.x, goal[3] - a.y];
      const sides = reach.map((distance, side) => {
        const d = Math.min(14.99, Math.max(0, distance));
        const low = Math.floor(d);
        return -(a.logs[side]![low]! * (low + 1 - d) + a.logs[side]![low + 1]! * (d - low));
      });
      distribution += (score * sides.reduce((sum, value) => sum + value, 0)) / 4;
    });
  });
  const divisor = Math.max(total, 1);
  return { box: box / divisor, class: cls / divisor, distribution: distribution / divisor, positives };
}

/** Boxes narrower than 16 pixels take anchors as if they were so wide. */
function inside([left, top, right, bottom]: Box, x: number, y: number): boolean {
  const within = (low: number, high: number, place: number) => {
    const half = Math.max(16, high - low) / 2;
    return Math.abs(place - (low + high) / 2) < half - 1e-9;
  };
  return within(left, right, x) && within(top, bottom, y);
}

const scaled = (box: Box, factor: number): Box => box.map(value => value * factor) as unknown as Box;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function logSoftmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const log = top + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0));
  return logits.map(value => value - log);
}
