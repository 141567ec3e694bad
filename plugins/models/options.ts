import { z } from 'zod';
import type { Shape } from '../../kernel/graph/parameter.ts';
import { seedSchema } from '../../kernel/seed.ts';

/** Options that all models for image classification share. */
export const imageModelOptions = z.object({
  classes: z.int().min(1).default(10).describe('number of classes'),
  width: z.number().positive().default(1).describe('factor for the number of channels of every layer'),
  image: z
    .int()
    .min(1)
    .optional()
    .describe('side of the square input in pixels (default 224 from 1000 classes on, else 32)'),
  channels: z.int().min(1).default(3).describe('channels of the input'),
  seed: seedSchema.default(0).describe('seed of the initial weights'),
});
export type ImageModelOptions = z.infer<typeof imageModelOptions>;

export const imageSide = ({ image, classes }: ImageModelOptions): number => image ?? (classes >= 1000 ? 224 : 32);

/** Whether the network is built in its CIFAR form: images that are too small for a stem that divides them by 4. */
export const isSmall = (options: ImageModelOptions): boolean => imageSide(options) < 64;

export const imageShape = (options: ImageModelOptions): Shape => [
  imageSide(options),
  imageSide(options),
  options.channels,
];

/** Channels of a layer at a width: at least one. */
export const scaled = (channels: number, { width }: ImageModelOptions): number =>
  Math.max(1, Math.round(channels * width));
