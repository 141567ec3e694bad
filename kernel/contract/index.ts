import type { Criterion, Dataset, Model, Regularizer, Strategy } from '../plugin.ts';
import type { Check } from './check.ts';
import { criterionChecks } from './criterion.ts';
import { datasetChecks } from './dataset.ts';
import { modelChecks } from './model.ts';
import { regularizerChecks } from './regularizer.ts';
import { strategyChecks } from './strategy.ts';

/** What can come from outside, by one of the functions `define...`. */
export type Extension = Criterion | Dataset | Model | Regularizer | Strategy;

/** What plugins must do, by kind. */
const contract = {
  criterion: criterionChecks,
  dataset: datasetChecks,
  model: modelChecks,
  regularizer: regularizerChecks,
  strategy: strategyChecks,
};

export const checksOf = (plugin: Extension): readonly Check<Extension>[] =>
  contract[plugin.kind] as readonly Check<Extension>[];
