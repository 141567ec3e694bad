import * as tf from '@tensorflow/tfjs';
import { optionsAmong, parseOptions } from '../options.ts';
import { modelOptionsOf, type Criterion, type Regularizer, type Strategy } from '../plugin.ts';
import { scoringOf } from '../prune/prune.ts';
import { graphDigest } from '../train/checkpoint.ts';
import type { PluginCode } from '../plugin-code.ts';
import type { BenchOptions, Method } from './bench.ts';
import { protocolSchema } from './protocol.ts';
import { hashOf, methodName, type Configuration } from './record.ts';

/** What a benchmark's runs follow from. */
export type RunChoice = Pick<
  BenchOptions,
  | 'model'
  | 'modelOptions'
  | 'data'
  | 'datasetOptions'
  | 'task'
  | 'methods'
  | 'strategies'
  | 'speedups'
  | 'protocol'
  | 'base'
  | 'seed'
  | 'roundTo'
  | 'code'
>;

/** A run that is to be made: one method under one strategy at one speed-up, and the id that its record will have. */
export interface PlannedRun {
  readonly id: string;
  readonly configuration: Configuration;
  readonly method: Method;
  readonly strategy: BenchOptions['strategies'][number];
  /** As in `lamp, protected-global, 2x`. */
  readonly label: string;
  /** Code of its plugins, of those that are not the package's. */
  readonly code: PluginCode;
}

/** The options of the model with those that follow from data and seed, complete. */
export function modelOptionsFor({ model, modelOptions, data, seed = 0 }: RunChoice): Record<string, unknown> {
  const given = { ...optionsAmong(model, { ...modelOptionsOf(data), seed }), ...modelOptions };
  return parseOptions(model, given) as Record<string, unknown>;
}

function codeAmong(
  { model, dataset, criterion, regularizer, strategy }: Configuration,
  code: PluginCode = {},
): PluginCode {
  const plugins = Object.entries({ model, dataset, criterion, regularizer, strategy });
  const names = new Set(plugins.map(([kind, plugin]) => `${kind} ${plugin?.id}`));
  return Object.fromEntries(Object.entries(code).filter(([name]) => names.has(name)));
}

/** The runs of a benchmark for one seed, in their order, with the backend that is selected. */
export function plannedRuns(choice: RunChoice): PlannedRun[] {
  const { model, data, datasetOptions = {}, task, methods, strategies, speedups, base, seed = 0, roundTo = 1 } = choice;
  const named = (plugin: Criterion | Regularizer | Strategy, given: unknown) => ({
    id: plugin.id,
    options: parseOptions(plugin, given) as Record<string, unknown>,
  });
  const common = {
    protocol: protocolSchema.parse(choice.protocol),
    model: { id: model.id, options: modelOptionsFor(choice) },
    base: base ? graphDigest(base.graph) : null,
    dataset: {
      id: data.id,
      options: { ...datasetOptions },
      checksum: data.checksum,
      train: data.train.size,
      test: data.test.size,
    },
    task: task.id,
    roundTo,
    seed,
    backend: tf.getBackend(),
  };
  return strategies.flatMap(strategy =>
    speedups.flatMap(speedup =>
      methods.map(method => {
        const { reduce, normalize } = scoringOf(method.criterion, method);
        const configuration: Configuration = {
          ...common,
          criterion: named(method.criterion, method.criterionOptions),
          regularizer: method.regularizer ? named(method.regularizer, method.regularizerOptions) : null,
          strategy: named(strategy.strategy, strategy.options),
          reduce,
          normalize,
          speedup,
        };
        return {
          id: hashOf(configuration),
          label: `${methodName(configuration)}, ${strategy.strategy.id}, ${speedup}x`,
          configuration,
          method,
          strategy,
          code: codeAmong(configuration, choice.code),
        };
      }),
    ),
  );
}
