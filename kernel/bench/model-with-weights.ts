import { createHash } from 'node:crypto';
import { z } from 'zod';
import { loadWeights } from '../graph/load-weights.ts';
import type { Model } from '../plugin.ts';
import { decodeSafetensors } from '../safetensors.ts';

/** A model that begins with these weights; records have their checksum among its options. */
export function modelWithWeights(model: Model, bytes: Uint8Array): Model {
  const { tensors } = decodeSafetensors(bytes);
  const weights = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    ...model,
    options: withChecksum(model.options, weights),
    build: options => loadWeights(model.build(model.options.parse(without(options))), tensors),
  };
}

/** The model's own schema, so that its options are known by name, and beside them the checksum, whatever was given. */
function withChecksum(options: z.ZodType, weights: string): z.ZodType {
  if (options instanceof z.ZodObject) return options.safeExtend({ weights: z.literal(weights).catch(weights) });
  return z
    .record(z.string(), z.unknown())
    .transform(given => ({ ...(options.parse(without(given)) as object), weights }));
}

const without = (options: unknown): object => {
  const { weights: _, ...rest } = options as { weights?: string };
  return rest;
};
