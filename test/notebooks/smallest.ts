import { catalogue } from '../../plugins/catalogue.ts';

/** The smallest run of each notebook, as values of its parameters. */
export const smallest: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '00-quickstart.ipynb': { width: 0.0625, images: 60, epochs: { base: 1, finetune: 1 } },
  '01-groups.ipynb': { width: 0.0625, images: 60 },
  '02-your-criterion.ipynb': { width: 0.0625, images: { train: 60, test: 20 }, epochs: 1, speedups: [2] },
  '03-your-regularizer.ipynb': {
    width: 0.0625,
    images: { train: 60, test: 20 },
    epochs: { base: 1, sparsify: 1 },
  },
  '04-your-model.ipynb': { width: 0.25, images: { train: 60, test: 20 }, epochs: { base: 1, finetune: 1 } },
  '05-onnx.ipynb': { width: 0.0625, images: { train: 60, test: 20 }, epochs: { base: 1, finetune: 1 } },
  '06-detection.ipynb': { width: 0.25, images: { train: 16, test: 8 }, epochs: { base: 1, finetune: 1 } },
  '07-vit.ipynb': { width: 0.25, depth: 2, images: { train: 60, test: 20 }, epochs: { base: 1, finetune: 1 } },
  '08-leaderboard.ipynb': {
    width: 0.0625,
    images: { train: 60, test: 20 },
    epochs: { base: 1, finetune: 1 },
    seeds: [0],
  },
  '09-gpu.ipynb': { width: 0.0625, batch: 8, steps: 2, patience: 100 },
  'analysis-cost.ipynb': {},
  'analysis-published-rows.ipynb': {},
  'analysis-rankings.ipynb': {},
  'analysis-regularizers.ipynb': {},
  ...Object.fromEntries(catalogue.experiments.map(({ id }) => [`${id}.ipynb`, {}])),
};
