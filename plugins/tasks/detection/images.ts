import * as tf from '@tensorflow/tfjs';
import { encodePng, pixelsOf } from '../../../kernel/bench/images.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { displaySymbol, type Displayable } from '../../../kernel/jupyter/index.ts';
import { escapeHtml } from '../../../kernel/jupyter/mime.ts';
import type { Batch, Data } from '../../../kernel/plugin.ts';
import { ready } from '../../backend-choice.ts';
import { detect, readLevels, type Detections } from './detect.ts';
import type { DetectionTargets } from './targets.ts';

export interface DetectionImagesOptions {
  /** How many images, the first of the test split (default 8). */
  readonly count?: number;
  readonly columns?: number;
  /** Width of an image on the page in pixels (default 180). */
  readonly width?: number;
  /** Least score of what is drawn (default 0.25). */
  readonly confidence?: number;
  /** Of two boxes of a class that overlap more than this, the surer is drawn (default 0.5). */
  readonly iou?: number;
}

const [truth, guess] = ['#2fbf71', '#ff8c1a'];
/** Room above and below an image for labels that stand out. */
const margin = 12;

/**
 * Test images of a detection data set as one picture, with the true boxes dashed; with a graph, also the boxes that it
 * predicts, each with its class and score. Throws where the data are for another task.
 */
export async function detectionImages(
  data: Data,
  graph?: Graph,
  options: DetectionImagesOptions = {},
): Promise<Displayable> {
  const { count = 8, columns = 4, width: shown = 180, confidence = 0.25, iou = 0.5 } = options;
  if (data.task !== 'detection')
    throw new Error(`${data.id}: is for ${data.task}, boxes need a data set for detection`);
  const batch = await firstBatch(data as Data<DetectionTargets>, count);
  const found = graph ? await detections(graph, batch, { confidence, iou }) : undefined;
  const [height, width, channels] = data.shape as [number, number, number];
  const scale = shown / width;
  const [cellWidth, cellHeight] = [shown + 8, height * scale + 2 * margin];
  /** Corners of a box on the page, within the image. */
  const place = (boxes: ArrayLike<number>, n: number) =>
    [width, height, width, height].map((side, k) =>
      round(Math.min(side, Math.max(0, boxes[4 * n + k]!)) * scale),
    ) as unknown as Corners;
  const name = (label: number) => data.classes[label] ?? `class ${label}`;
  const cells = batch.targets.map(({ boxes, classes }, i) => {
    const image = batch.images.subarray(i * height * width * channels, (i + 1) * height * width * channels);
    const png = encodePng(pixelsOf(image, channels), width, height).toString('base64');
    const own = [...classes].map((label, n) => boxSvg(place(boxes, n), truth, { below: name(label), dash: true }));
    const predicted = [...(found?.[i]?.classes ?? [])].map((label, n) => {
      const { boxes, scores } = found![i]!;
      return boxSvg(place(boxes, n), guess, {
        above: `${name(label)} ${scores[n]!.toFixed(2)}`,
      });
    });
    const at = `translate(${(i % columns) * cellWidth} ${Math.floor(i / columns) * cellHeight + margin})`;
    const picture = `<image href="data:image/png;base64,${png}" width="${shown}" height="${round(height * scale)}" preserveAspectRatio="none" style="image-rendering:pixelated"/>`;
    return `<g transform="${at}">${picture}${[...own, ...predicted].join('')}</g>`;
  });
  const total = [Math.min(columns, batch.size) * cellWidth, Math.ceil(batch.size / columns) * cellHeight].map(round);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${total[0]}" height="${total[1]}" viewBox="0 0 ${total.join(' ')}" font-family="system-ui, sans-serif" font-size="10">${cells.join('')}</svg>`;
  const drawn = found?.reduce((sum, { classes }) => sum + classes.length, 0);
  const text = `${batch.size} images of ${data.id}${drawn === undefined ? '' : ` with ${drawn} predicted boxes`}`;
  return { [displaySymbol]: () => ({ 'image/svg+xml': svg, 'text/plain': text }) };
}

async function firstBatch(data: Data<DetectionTargets>, count: number): Promise<Batch<DetectionTargets>> {
  for await (const batch of data.test.batches({ batch: count })) return batch;
  throw new Error(`${data.id}: no test images`);
}

async function detections(
  graph: Graph,
  batch: Batch<DetectionTargets>,
  options: { readonly confidence: number; readonly iou: number },
): Promise<Detections[]> {
  await ready();
  const network = new Network(graph);
  try {
    const outputs = tf.tidy(() => network.apply(network.input(batch)));
    const { classes, levels } = await readLevels(outputs, batch.size);
    tf.dispose(outputs);
    return batch.targets.map((_, i) => detect(levels, i, classes, options));
  } finally {
    network.dispose();
  }
}

type Corners = readonly [left: number, top: number, right: number, bottom: number];

interface Marks {
  readonly above?: string;
  readonly below?: string;
  readonly dash?: boolean;
}

/** A box given by its corners in pixels of the page, and what is written at it. */
function boxSvg([left, top, right, bottom]: Corners, colour: string, { above, below, dash }: Marks): string {
  const shape = `x="${left}" y="${top}" width="${round(right - left)}" height="${round(bottom - top)}"`;
  const dashes = dash ? ' stroke-dasharray="4 3"' : '';
  const write = (text: string | undefined, y: number) =>
    text === undefined
      ? ''
      : `<text x="${left}" y="${round(y)}" fill="${colour}" stroke="#000" stroke-opacity="0.75" stroke-width="2.5" stroke-linejoin="round" paint-order="stroke">${escapeHtml(text)}</text>`;
  return `<rect ${shape} fill="none" stroke="${colour}" stroke-width="1.8"${dashes}/>${write(above, top - 3)}${write(below, bottom + 10)}`;
}

const round = (value: number): number => Math.round(10 * value) / 10;
