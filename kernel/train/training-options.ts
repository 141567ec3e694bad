import { z } from 'zod';
import { scheduleOptions } from './learning-rate.ts';
import { optimizerOptions, sparsifyOptimizerOptions } from './optimizer.ts';
import { seedSchema } from '../seed.ts';

/** What a training is made of, apart from graph, data and task. The defaults are the paper's fine-tuning on CIFAR. */
export const trainingOptions = z.strictObject({
  epochs: z.int().positive().default(100).describe('passes over the training images'),
  batch: z.int().positive().default(128).describe('images per step'),
  optimizer: optimizerOptions.prefault({ kind: 'sgd' }),
  schedule: scheduleOptions.prefault({ kind: 'milestones' }),
  seed: seedSchema.default(0).describe('seed of order and augmentation'),
  augment: z.boolean().default(true).describe('change training images at random, as the data set says'),
  dropLast: z.boolean().default(false).describe('leave out the last batch of an epoch where it is not full'),
  evaluateEvery: z.int().min(0).default(1).describe('epochs between evaluations; 0 evaluates at the end only'),
  keep: z.enum(['last', 'best']).default('last').describe('which weights are returned'),
});
export type TrainingOptions = z.infer<typeof trainingOptions>;

/** What a training under a regularizer is made of. */
export const sparsifyOptions = trainingOptions.extend({
  optimizer: sparsifyOptimizerOptions.prefault({ kind: 'sgd' }),
});
