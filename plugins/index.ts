/**
 * Structural pruning of neural networks: primitives, a benchmark with leaderboards, and what a notebook needs to show
 * them. In the `pruningbench` kernel all names here are there without an import.
 * @packageDocumentation
 */
export * as tf from '@tensorflow/tfjs';
export * from '../kernel/index.ts';
export * from './api.ts';
export * from './plans.ts';
export { help } from './help.ts';
export type { HelpPage } from '../kernel/jupyter/help.ts';
export * from './leaderboard.ts';
export type { PluginChoice } from './plugin-choice.ts';
export { catalogue } from './catalogue.ts';
export * as backends from './backends/index.ts';
export * as criteria from './criteria/index.ts';
export * as datasets from '../datasets/index.ts';
export { inconsistencies, publishedChecks, type Inconsistency } from '../datasets/paper/inconsistencies.ts';
export { publishedRows, type PublishedRow } from '../datasets/paper/published.ts';
export * as formats from './formats/index.ts';
export * as models from './models/index.ts';
export * as regularizers from './regularizers/index.ts';
export * as strategies from './strategies/index.ts';
export * as tasks from './tasks/index.ts';
export { detectionImages, type DetectionImagesOptions } from './tasks/detection/images.ts';
export type { DetectionTarget, DetectionTargets, Frame, Truth } from './tasks/detection/targets.ts';
