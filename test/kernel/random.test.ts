import assert from 'node:assert/strict';
import { planSchema } from '../../kernel/bench/plan.ts';
import { configurationSchema } from '../../kernel/bench/record.ts';
import { random } from '../../kernel/random.ts';
import { trainingOptions } from '../../kernel/train/training-options.ts';
import { catalogue } from '../../plugins/catalogue.ts';

describe('seeds', () => {
  const last = 2 ** 32 - 1;
  const wrong = [-1, 2 ** 32, 0.5, NaN];

  it('have a stream each', () => {
    const streams = [0, 1, 2 ** 31, last].map(seed => {
      const source = random(seed);
      return [source.uniform(), source.uniform(), source.uniform()].join();
    });
    assert.equal(new Set(streams).size, 4);
  });

  it('are refused where they would have the stream of another', () => {
    for (const seed of wrong)
      assert.throws(() => random(seed), {
        name: 'RangeError',
        message: `seed ${seed}: must be a whole number from 0 to ${last}`,
      });
  });

  it('are refused wherever they are read', () => {
    const seedOf = (options: unknown) =>
      (options as { shape: Record<string, typeof trainingOptions.shape.seed> }).shape['seed'];
    const owners = [...catalogue.models, ...catalogue.datasets].flatMap(({ id, options }) => {
      const schema = seedOf(options);
      return schema ? [[id, schema] as const] : [];
    });
    assert.ok(owners.length > 10);
    const schemas = [
      ...owners,
      ['training', trainingOptions.shape.seed] as const,
      ['plan', planSchema.shape.seeds.unwrap().element] as const,
      ['record', configurationSchema.shape.seed] as const,
    ];
    for (const [id, schema] of schemas)
      assert.deepEqual(
        [0, last, ...wrong].map(seed => schema.safeParse(seed).success),
        [true, true, false, false, false, false],
        id,
      );
  });
});
