import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { modelWithWeights } from '../../../kernel/bench/model-with-weights.ts';
import { modelOptionsFor, type RunChoice } from '../../../kernel/bench/planned-runs.ts';
import { parseOptions } from '../../../kernel/options.ts';
import type { Model } from '../../../kernel/plugin.ts';
import { encodeSafetensors } from '../../../kernel/safetensors.ts';
import { shapes } from '../../../datasets/index.ts';
import { tiny } from '../tiny-model.ts';

describe('a model with weights', () => {
  const bytes = encodeSafetensors(new Map());
  const weights = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const optionsFor = async (model: Model, modelOptions = {}) => {
    const data = await shapes.load(parseOptions(shapes, { train: 10, test: 10 }));
    return modelOptionsFor({ model, data, modelOptions, seed: 3 } as RunChoice);
  };

  it('has the options of the model, and the checksum', async () => {
    const own = await optionsFor(tiny as Model, { width: 0.5 });
    assert.deepEqual(await optionsFor(modelWithWeights(tiny as Model, bytes), { width: 0.5 }), { ...own, weights });
  });

  it('has the checksum of its own weights, whatever a record has', () => {
    const options = { width: 0.5, weights: 'sha256:0' };
    assert.equal(
      (parseOptions(modelWithWeights(tiny as Model, bytes), options) as { weights: string }).weights,
      weights,
    );
  });

  it('refuses options that the model does not have', () =>
    assert.rejects(
      optionsFor(modelWithWeights(tiny as Model, bytes), { widht: 0.5 }),
      /model tiny: no option widht \(did you mean width\?\)/,
    ));

  it('is given what its schema knows of a data set only', async () => {
    const strict = { ...tiny, options: z.strictObject({ classes: z.int() }) } as unknown as Model;
    assert.deepEqual(await optionsFor(modelWithWeights(strict, bytes)), { classes: 10, weights });
  });

  it('takes any options where a schema does not say them', async () => {
    const open = { ...tiny, options: z.record(z.string(), z.unknown()) } as unknown as Model;
    const options = await optionsFor(modelWithWeights(open, bytes), { depth: 2 });
    assert.deepEqual([options['depth'], options['weights']], [2, weights]);
  });
});
