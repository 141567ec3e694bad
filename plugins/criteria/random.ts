import { defineCriterion } from '../../kernel/plugin.ts';

export const random = defineCriterion({
  id: 'random',
  title: 'a random number per unit: what every other criterion has to beat',
  normalize: 'none',
  unit: ({ units, random }) => Float64Array.from({ length: units }, () => random.uniform()),
});
