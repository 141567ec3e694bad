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
    // The model's own schema may be strict, so it does not see the checksum.
    options: z
      .record(z.string(), z.unknown())
      .transform(options => ({ ...(model.options.parse(without(options)) as object), weights })),
    build: options => loadWeights(model.build(model.options.parse(without(options))), tensors),
  };
}

const without = (options: unknown): object => {
  const { weights: _, ...rest } = options as { weights?: string };
  return rest;
};
