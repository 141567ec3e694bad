import { z } from 'zod';
import { protocolSchema } from './protocol.ts';
import { seedSchema } from '../seed.ts';

const options = z.record(z.string(), z.unknown()).default({});

/** Everything a benchmark is given, by names: what a page, a notebook and the command line have in common. */
export const planSchema = z.strictObject({
  model: z.string(),
  /** Options of the model but those that follow from the data set. */
  modelOptions: options,
  dataset: z.string(),
  datasetOptions: options,
  /** `criterion` or `criterion + regularizer`. */
  methods: z.array(z.string()).min(1),
  strategies: z.array(z.string()).min(1).default(['protected-global']),
  speedups: z.array(z.number().min(1)).min(1).default([2]),
  /** Everything is run once for each. */
  seeds: z.array(seedSchema).min(1).default([0]),
  /** Groups keep a multiple of so many units. */
  roundTo: z.int().positive().default(1),
  protocol: protocolSchema,
});
export type Plan = z.infer<typeof planSchema>;
export type PlanInput = z.input<typeof planSchema>;

/** How many runs a plan has. */
export const runsOf = ({ methods, strategies, speedups, seeds }: Plan): number =>
  methods.length * strategies.length * speedups.length * seeds.length;
