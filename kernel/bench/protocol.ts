import { z } from 'zod';
import { speedupKinds } from '../prune/speedup.ts';
import { sparsifyOptions, trainingOptions, type TrainingOptions } from '../train/training-options.ts';

/**
 * How methods are compared: the schedules of training, the way to the speed-up, what is measured. A result is only
 * comparable with results of the same protocol; its hash is part of every record's identity.
 */
export const protocolSchema = z.strictObject({
  version: z.literal(1).default(1),
  name: z.string(),
  /** Training of the base model. Without it (null) the model is taken as it is, which has its weights from elsewhere. */
  base: trainingOptions.nullable().prefault({}),
  /** Training under a regularizer before pruning, for methods that have one. */
  sparsify: sparsifyOptions.prefault({}),
  /** Training after pruning. Without it (null) the pruned model is scored as it is. */
  finetune: trainingOptions.nullable().prefault({}),
  /** Training batches that batch norms are recalibrated with for the score `recalibrated`; 0 for none. */
  recalibration: z.int().min(0).default(20),
  /** Steps of the pruning schedule. */
  steps: z.int().positive().default(400),
  /** What criteria that need data are given: so many batches of training images, anew every so many pruning steps. */
  calibration: z
    .strictObject({
      batches: z.int().positive().default(10),
      batch: z.int().positive().default(128),
      every: z.int().positive().default(1),
    })
    .prefault({}),
  /** What speed-ups are of: a count of multiply-adds, or latency as it is measured for the first batch size. */
  count: z.enum(speedupKinds).default('plain'),
  /**
   * Latency of base and pruned model, in passes per batch size; none are measured with 0. One thread by default: many
   * wait for one another where a machine is shared, and the result says more of the neighbours than of the model.
   */
  latency: z
    .strictObject({
      batches: z.array(z.int().positive()).default([1]),
      repeats: z.int().min(0).default(20),
      threads: z.int().positive().default(1),
    })
    .prefault({}),
});
export type Protocol = z.infer<typeof protocolSchema>;
export type ProtocolInput = z.input<typeof protocolSchema>;

/** The first training that there is. */
export const firstTraining = ({ base, finetune, sparsify }: Protocol): TrainingOptions => base ?? finetune ?? sparsify;

/** Images per step where nothing is trained. */
export const evaluationBatch = (protocol: Protocol): number => firstTraining(protocol).batch;
