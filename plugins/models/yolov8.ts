import { z } from 'zod';
import { Builder, fanInUniform, filled } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';

const yoloOptions = z.object({
  classes: z.int().min(1).default(80).describe('number of classes'),
  width: z.number().positive().default(1).describe('factor for the number of channels of every layer'),
  image: z
    .int()
    .min(32)
    .multipleOf(32)
    .default(640)
    .describe('side of the square input in pixels, a multiple of 32'),
  channels: z.int().min(1).default(3).describe('channels of the input'),
  seed: z.int().default(0).describe('seed of the initial weights'),
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

/** Layers under Ultralytics' names: `<id>.conv`, `<id>.bn`. */
class Layers {
  readonly b: Builder;
  constructor(name: string, seed: number) {
    this.b = new Builder(name, seed);
  }

  /** Convolution, norm and SiLU. */
  unit(id: string, x: string, filters: number, kernel: number, stride = 1): string {
    const { b } = this;
    const y = b.conv(`${id}.conv`, x, {
      filters,
      kernel,
      stride,
      padding: kernel >> 1,
      kernelInitializer: fanInUniform,
    });
    return b.activation('silu', `${id}.act`, b.batchNorm(`${id}.bn`, y, { epsilon: 1e-3, momentum: 0.03 }));
  }

  /** Two halves, one of which runs through bottlenecks; all that comes up on the way is joined. */
  c2f(id: string, x: string, filters: number, depth: number, shortcut: boolean): string {
    const { b } = this;
    const half = Math.max(1, filters >> 1);
    const both = this.unit(`${id}.cv1`, x, 2 * half, 1);
    let y = b.slice(`${id}.right`, both, half, half);
    const parts = [b.slice(`${id}.left`, both, 0, half), y];
    for (let i = 0; i < depth; i++) {
      const inner = this.unit(`${id}.m.${i}.cv2`, this.unit(`${id}.m.${i}.cv1`, y, half, 3), half, 3);
      y = shortcut ? b.add(`${id}.m.${i}.add`, y, inner) : inner;
      parts.push(y);
    }
    return this.unit(`${id}.cv2`, b.concat(`${id}.concat`, parts), filters, 1);
  }

  /** Pyramid of max pools. */
  sppf(id: string, x: string, filters: number): string {
    const { b } = this;
    const pools = [this.unit(`${id}.cv1`, x, Math.max(1, filters >> 1), 1)];
    for (let i = 0; i < 3; i++) pools.push(b.maxPool(`${id}.m.${i}`, pools[i]!, { kernel: 5, stride: 1, padding: 2 }));
    return this.unit(`${id}.cv2`, b.concat(`${id}.concat`, pools), filters, 1);
  }

  /** Two units and a convolution whose results are of the network. */
  branch(id: string, x: string, inner: number, filters: number, bias: number): string {
    const y = this.unit(`${id}.1`, this.unit(`${id}.0`, x, inner, 3), inner, 3);
    const initial = { kernelInitializer: fanInUniform, biasInitializer: filled(bias) };
    return this.b.conv(`${id}.2`, y, { filters, kernel: 1, bias: true, ...initial });
  }
}

function yolov8(id: string, { depth, width, widest }: Scale, options: YoloOptions) {
  const layers = new Layers(id, options.seed);
  const { b } = layers;
  const published = (channels: number) => Math.ceil((Math.min(channels, widest) * width) / 8) * 8;
  const scaled = (channels: number) => Math.max(1, Math.round(channels * options.width));
  const down = (n: number, x: string, channels: number) =>
    layers.unit(`model.${n}`, x, scaled(published(channels)), 3, 2);
  const c2f = (n: number, x: string, channels: number, count: number, shortcut = false) =>
    layers.c2f(`model.${n}`, x, scaled(published(channels)), Math.max(1, Math.round(count * depth)), shortcut);
  const up = (n: number, x: string, skip: string) => b.concat(`model.${n + 1}`, [b.upsample(`model.${n}`, x, 2), skip]);

  const stem = down(0, b.input('image', [options.image, options.image, options.channels]), 64);
  const p2 = c2f(2, down(1, stem, 128), 128, 3, true);
  const p3 = c2f(4, down(3, p2, 256), 256, 6, true);
  const p4 = c2f(6, down(5, p3, 512), 512, 6, true);
  const p5 = layers.sppf('model.9', c2f(8, down(7, p4, 1024), 1024, 3, true), scaled(published(1024)));
  const neck4 = c2f(12, up(10, p5, p4), 512, 3);
  const out3 = c2f(15, up(13, neck4, p3), 256, 3);
  const out4 = c2f(18, b.concat('model.17', [down(16, out3, 256), neck4]), 512, 3);
  const out5 = c2f(21, b.concat('model.20', [down(19, out4, 512), p5]), 1024, 3);

  const boxWidth = scaled(Math.max(16, published(256) >> 2, 4 * bins));
  const classWidth = scaled(Math.max(published(256), Math.min(options.classes, 100)));
  const outputs = [out3, out4, out5].map((x, level) => {
    const prior = Math.log(5 / options.classes / (640 / (8 << level)) ** 2);
    return b.concat(`p${level + 3}`, [
      layers.branch(`model.22.cv2.${level}`, x, boxWidth, 4 * bins, 1),
      layers.branch(`model.22.cv3.${level}`, x, classWidth, options.classes, prior),
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
