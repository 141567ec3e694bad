import { catalogue } from '../../plugins/catalogue.ts';

/** The smallest run of each notebook, as values of its parameters. */
export const smallest: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '00-quickstart.ipynb': { width: 0.0625, images: 60, epochs: { base: 1, finetune: 1 } },
  'analysis-cost.ipynb': {},
  'analysis-published-rows.ipynb': {},
  'analysis-rankings.ipynb': {},
  'analysis-regularizers.ipynb': {},
  ...Object.fromEntries(catalogue.experiments.map(({ id }) => [`${id}.ipynb`, {}])),
};
