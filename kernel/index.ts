// the model
export {
  Builder,
  fanInUniform,
  filled,
  kaimingFanIn,
  kaimingFanOut,
  normal,
  ones,
  uniform,
  zeros,
} from './graph/builder.ts';
export type {
  AttentionOptions,
  ConvOptions,
  DenseOptions,
  Initializer,
  MaxPoolOptions,
  Pair,
  WindowOptions,
} from './graph/builder.ts';
export type { Role } from './graph/channels.ts';
export { check } from './graph/check.ts';
export { count, type Count } from './graph/count.ts';
export { cut, keptIndices, type KeptUnits } from './graph/cut.ts';
export { decode, encode } from './graph/file.ts';
export { shapesOf, withParameters, type Graph, type Node } from './graph/graph.ts';
export { groups, restrict, type Group, type Member } from './graph/groups.ts';
export { Parameter, type Shape } from './graph/parameter.ts';
export type { NodeView } from './graph/op.ts';
export { Network, type ApplyOptions, type Computed } from './graph/run.ts';

// extensions
export { z } from 'zod';
export type { Random } from './random.ts';
export type { BackendOptions, ChosenBackend } from './backend.ts';
export * from './plugin.ts';
export { find, type Catalogue } from './catalogue.ts';

// pruning
export { lowest, rankTogether } from './prune/select.ts';
export { parseOptions } from './options.ts';
export { type GroupResult, type Pruned } from './prune/prune.ts';
export type { Speedup, SpeedupKind } from './prune/speedup.ts';
export type { CalibrationOptions } from './prune/calibration.ts';
export { contributionProducts } from './prune/contributions.ts';
export { meanGradients, meanSquaredGradients, type ByParameter } from './prune/gradients.ts';
export { UnitDecay, weightsPerUnit, type Factor } from './prune/unit-decay.ts';
export { normalizations, type Normalization } from './prune/normalize.ts';
export { reductions, type Reduction } from './prune/score.ts';

// training
export type { CheckpointOptions, Fitted, FitOptions } from './train/fit.ts';
export { trainingOptions, type TrainingOptions } from './train/training-options.ts';
export type { TrainingProgress } from './train/progress.ts';
export type { Moment, Regularize } from './train/step.ts';
export type { NamedVariables } from './train/optimizer.ts';
export type { RecalibrateOptions } from './train/recalibrate.ts';
export type { Best, EpochRecord } from './train/run-state.ts';
export type { Augmentation } from './train/augment.ts';
export { memorySplit, type MemorySplitOptions } from './train/loader.ts';

// the benchmark
export type { BenchModels, BenchProgress, Method, Trained } from './bench/bench.ts';
export { latencyChart, layersChart, rankChart, recoveryChart, scoreChart, trainingChart } from './bench/charts.ts';
export { standings, type EntryLabels, type Standing } from './bench/leaderboard.ts';
export { defineExperiment, type Experiment, type ProfileName } from './bench/experiment.ts';
export type { BenchEstimate, TimeEstimate } from './bench/estimate.ts';
export { planSchema, type Plan, type PlanInput } from './bench/plan.ts';
export { protocolSchema, type Protocol, type ProtocolInput } from './bench/protocol.ts';
export { protocols } from './bench/protocols.ts';
export { readRecords, recordSchema, type RunRecord } from './bench/record.ts';
export {
  compareLatency,
  measureLatency,
  type Comparison,
  type Latency,
  type LatencyOptions,
  type Runner,
  type Stopwatch,
} from './bench/measure.ts';
export { groupsChart, type GroupsChartOptions } from './bench/groups-chart.ts';
export { groupTable, layerTable, leaderboardTable, standingsTable } from './bench/tables.ts';
export { sampleImages } from './bench/images.ts';

// analyses of results
export { bootstrap, type Resampling } from './bench/analysis/bootstrap.ts';
export {
  latencyDelivery,
  parametersKept,
  regularizerTimes,
  stepTimes,
  scoreTrend,
  type Delivery,
  type RatioSummary,
  type Trend,
} from './bench/analysis/costs.ts';
export { gainSummaries, regularizerGains, signTest, type Gain, type GainSummary } from './bench/analysis/gains.ts';
export { kendall, type Kendall } from './bench/analysis/kendall.ts';
export {
  agreement,
  differenceOf,
  methodsInCommon,
  pairsOf,
  rankRows,
  tauOf,
  type Agreement,
  type BoardPair,
  type RankRow,
} from './bench/analysis/rankings.ts';
export { besidePublished, besideTable, conclusions, type Beside } from './bench/analysis/beside.ts';
export { bumpChart, costChart, gainChart, paramsChart, tauChart } from './bench/analysis/charts.ts';
export { boards, criteriaAlone, partsOf, type Board, type Result } from './bench/analysis/result.ts';

// leaderboards
export type { Extension } from './contract/index.ts';
export { entryStandings } from './leaderboard/board.ts';
export {
  differenceSchema,
  entrySchema,
  pluginSourceSchema,
  rerunSchema,
  verificationSchema,
  type Difference,
  type Entry,
  type PluginSource,
  type Rerun,
  type Verification,
} from './leaderboard/entry.ts';
export { leaderboardPage } from './leaderboard/page.ts';
export { leaderboardsFolder, readEntries, type Stored } from './leaderboard/store.ts';
export type { Submission } from './leaderboard/submit.ts';

// notebooks
export {
  chart,
  clearOutput,
  display,
  displaySymbol,
  input,
  interruptSignal,
  progress,
  ProgressBar,
  registerFormatter,
  table,
} from './jupyter/index.ts';
export type {
  Chart,
  ChartSpec,
  Displayable,
  DisplayHandle,
  Formatter,
  MimeBundle,
  PendingDisplay,
  Postfix,
  Progress,
  ProgressOptions,
  Table,
  TableOptions,
  TableSource,
} from './jupyter/index.ts';
