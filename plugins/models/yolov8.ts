import { z } from 'zod';
import { Builder, fanInUniform, filled } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { seedSchema } from '../../kernel/seed.ts';

const yoloOptions = z.object({
  classes: z.int().min(1).default(80).describe('number of classes'),
  width: z.number().positive().default(1).describe('factor for the number of channels of every layer'),
  image: z.int().min(32).multipleOf(32).default(640).describe('side of the square input in pixels, a multiple of 32'),
  channels: z.int().min(1).default(3).describe('channels of the input'),
  seed: seedSchema.default(0).describe('seed of the initial weights'),
});
type YoloOptions = z.infer<typeof yoloOptions>;

/** Bins of the distribution over the distance from a place to a side of its box. */
const bins = 16;

/** Factors of a size, and the widest layer before them. */
interface Scale {
  readonly depth: number;
  readonly width: number;
  readonly widest: number;
}

/** Convolution, norm and SiLU. */
function unit(b: Builder, id: string, x: string, filters: number, kernel: number, stride = 1): string {
  const y = b.conv(`${id}.conv`, x, {
    filters,
    kernel,
    stride,
    padding: kernel >> 1,
    kernelInitializer: fanInUniform,
  });
  return b.activation('silu', `${id}.act`, b.batchNorm(`${id}.bn`, y, { epsilon: 1e-3, momentum: 0.03 }));
}

const half = (filters: number) => Math.max(1, filters >> 1);

/** Two halves, one of which runs through bottlenecks; all that comes up on the way is joined. */
function c2f(b: Builder, id: string, x: string, filters: number, depth: number, shortcut: boolean): string {
  const inner = half(filters);
  const both = unit(b, `${id}.cv1`, x, 2 * inner, 1);
  let y = b.slice(`${id}.right`, both, inner, inner);
  const parts = [b.slice(`${id}.left`, both, 0, inner), y];
  for (let i = 0; i < depth; i++) {
    const z = unit(b, `${id}.m.${i}.cv2`, unit(b, `${id}.m.${i}.cv1`, y, inner, 3), inner, 3);
    y = shortcut ? b.add(`${id}.m.${i}.add`, y, z) : z;
    parts.push(y);
  }
  return unit(b, `${id}.cv2`, b.concat(`${id}.concat`, parts), filters, 1);
}

/** Pyramid of max pools. */
function sppf(b: Builder, id: string, x: string, filters: number): string {
  const pools = [unit(b, `${id}.cv1`, x, half(filters), 1)];
  for (let i = 0; i < 3; i++) pools.push(b.maxPool(`${id}.m.${i}`, pools[i]!, { kernel: 5, stride: 1, padding: 2 }));
  return unit(b, `${id}.cv2`, b.concat(`${id}.concat`, pools), filters, 1);
}

/** Two units, and a convolution that gives logits. */
function branch(b: Builder, id: string, x: string, inner: number, filters: number, bias: number): string {
  const y = unit(b, `${id}.1`, unit(b, `${id}.0`, x, inner, 3), inner, 3);
  const initial = { kernelInitializer: fanInUniform, biasInitializer: filled(bias) };
  return b.conv(`${id}.2`, y, { filters, kernel: 1, bias: true, ...initial });
}

/** Layers have Ultralytics' numbers and names. */
function yolov8(id: string, { depth, width, widest }: Scale, options: YoloOptions) {
  const b = new Builder(id, options.seed);
  const published = (channels: number) => Math.ceil((Math.min(channels, widest) * width) / 8) * 8;
  const scaled = (channels: number) => Math.max(1, Math.round(channels * options.width));
  const down = (n: number, x: string, channels: number) => unit(b, `model.${n}`, x, scaled(published(channels)), 3, 2);
  const stage = (n: number, x: string, channels: number, count: number, shortcut = false) =>
    c2f(b, `model.${n}`, x, scaled(published(channels)), Math.max(1, Math.round(count * depth)), shortcut);
  const up = (n: number, x: string, skip: string) => b.concat(`model.${n + 1}`, [b.upsample(`model.${n}`, x, 2), skip]);

  const stem = down(0, b.input('image', [options.image, options.image, options.channels]), 64);
  const p2 = stage(2, down(1, stem, 128), 128, 3, true);
  const p3 = stage(4, down(3, p2, 256), 256, 6, true);
  const p4 = stage(6, down(5, p3, 512), 512, 6, true);
  const p5 = sppf(b, 'model.9', stage(8, down(7, p4, 1024), 1024, 3, true), scaled(published(1024)));
  const neck4 = stage(12, up(10, p5, p4), 512, 3);
  const out3 = stage(15, up(13, neck4, p3), 256, 3);
  const out4 = stage(18, b.concat('model.17', [down(16, out3, 256), neck4]), 512, 3);
  const out5 = stage(21, b.concat('model.20', [down(19, out4, 512), p5]), 1024, 3);

  const boxWidth = scaled(Math.max(16, published(256) >> 2, 4 * bins));
  const classWidth = scaled(Math.max(published(256), Math.min(options.classes, 100)));
  const outputs = [out3, out4, out5].map((x, level) => {
    const prior = Math.log(5 / options.classes / (640 / (8 << level)) ** 2);
    return b.concat(`p${level + 3}`, [
      branch(b, `model.22.cv2.${level}`, x, boxWidth, 4 * bins, 1),
      branch(b, `model.22.cv3.${level}`, x, classWidth, options.classes, prior),
    ]);
  });
  return b.build(...outputs);
}

/**
 * Anchor-free detector. Outputs are the levels of stride 8, 16 and 32, `[height, width, 64 + classes]`: for every place
 * four distributions of 16 bins, as logits (left, top, right, bottom), and the logits of the classes. The published
 * counts of parameters have 16 more: the fixed weights that take a distribution's mean, which belongs to the task here.
 */
const definition = (id: string, title: string, scale: Scale) =>
  defineModel<YoloOptions>({
    id,
    title,
    paper: 'Jocher et al. 2023, Ultralytics YOLOv8',
    task: 'detection',
    options: yoloOptions,
    build: options => yolov8(id, scale, options),
  });

export const yolov8n = definition('yolov8n', 'YOLOv8n', { depth: 1 / 3, width: 0.25, widest: 1024 });
export const yolov8s = definition('yolov8s', 'YOLOv8s', { depth: 1 / 3, width: 0.5, widest: 1024 });
export const yolov8m = definition('yolov8m', 'YOLOv8m', { depth: 2 / 3, width: 0.75, widest: 768 });
export const yolov8l = definition('yolov8l', 'YOLOv8l', { depth: 1, width: 1, widest: 512 });
export const yolov8x = definition('yolov8x', 'YOLOv8x', { depth: 1, width: 1.25, widest: 512 });
