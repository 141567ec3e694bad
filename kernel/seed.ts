import { z } from 'zod';
import { seeds } from './random.ts';

/** A seed as options, plans and records have it. */
export const seedSchema = z
  .int()
  .min(0)
  .max(seeds - 1);
