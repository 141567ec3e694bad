import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fromCSV } from 'arquero';
import { z } from 'zod';
import type { Result } from '../../kernel/bench/analysis/result.ts';
import { methodName } from '../../kernel/bench/record.ts';

/** The paper's names, and ours. */
const criteria = {
  BNScale: 'bn-scale',
  CP: 'cp',
  FPGM: 'fpgm',
  HRank: 'hrank',
  LAMP: 'lamp',
  MagnitudeL1: 'magnitude-l1',
  MagnitudeL2: 'magnitude-l2',
  'OBD-C': 'obd-c',
  'OBD-Hessian': 'obd-hessian',
  Random: 'random',
  Taylor: 'taylor',
  ThiNet: 'thinet',
};
const regularizers = {
  BNScale: 'bn-scale',
  GroupLASSO: 'group-lasso',
  GroupNorm: 'group-norm',
  GrowingReg: 'growing-reg',
};
const models = {
  resnet18: 'resnet18',
  resnet50: 'resnet50',
  vgg19: 'vgg19',
  vit_small: 'vit-small',
  yolov8m: 'yolov8m',
};

const named = <T extends Record<string, string>>(names: T) =>
  z.enum(Object.keys(names) as [keyof T & string]).transform(name => names[name]!);
const number = z.string().min(1).transform(Number).pipe(z.number());
const positive = number.pipe(z.number().positive());
const percent = number.pipe(z.number().min(0).max(100));

const line = z.strictObject({
  model: named(models),
  dataset: z.enum(['cifar100', 'imagenet', 'coco']),
  speedup: number.pipe(z.number().gt(1)),
  importance: named(criteria),
  regularizer: z.union([z.literal('').transform(() => null), named(regularizers)]),
  rank: number.pipe(z.int().positive()),
  base_score: percent,
  pruned_score: percent,
  delta_score: number,
  params_millions: positive,
  params_percent: percent,
  step_seconds: positive,
  regularize_seconds: z.union([z.literal('').transform(() => null), positive]),
});

/** A row of the paper's leaderboards under our names, so that it joins with `standings` of own records. */
export interface PublishedRow extends Result {
  /** Where it stands in the file; the header is line 1. */
  readonly line: number;
  readonly criterion: string;
  readonly regularizer: string | null;
  /** What could be computed from the rest, as it was printed: see `inconsistencies`. */
  readonly printed: { readonly rank: number; readonly delta: number; readonly paramsMillions: number };
}

const root = dirname(createRequire(import.meta.url).resolve('pruningbench/package.json'));

/**
 * The 339 rows of PruningBench's leaderboards as published, one run each, all of the strategy `protected-global`. Scores
 * are in percent and `delta` is computed from them; `paramsLeft` is in percent as printed; times are in seconds, where
 * `regularizerSeconds` is the paper's "Reg Time", a longer piece of training than the step that own records state.
 */
export function publishedRows(): PublishedRow[] {
  return parseRows(readFileSync(join(root, 'datasets/paper/leaderboards.csv'), 'utf8'));
}

/** Rows of a file with the paper's columns. Throws with line and column where a value is not what it should be. */
export function parseRows(csv: string): PublishedRow[] {
  return fromCSV(csv, { autoType: false })
    .objects()
    .map((read, i) => {
      const cells = Object.fromEntries(Object.entries(read).map(([name, cell]) => [name, (cell ?? '') as string]));
      const parsed = line.safeParse(cells);
      if (parsed.success) return rowOf(parsed.data, i + 2);
      const { path, message } = parsed.error.issues[0]!;
      const column = path.join('.');
      throw new Error(`published rows, line ${i + 2}: ${column} is ${JSON.stringify(cells[column])}: ${message}`);
    });
}

function rowOf(cells: z.infer<typeof line>, at: number): PublishedRow {
  const { importance: criterion, regularizer, base_score: base, pruned_score: score } = cells;
  const plugin = (id: string) => ({ id, options: {} });
  return {
    line: at,
    model: cells.model,
    dataset: cells.dataset,
    protocol: 'published',
    strategy: 'protected-global',
    speedup: cells.speedup,
    criterion,
    regularizer,
    method: methodName({
      criterion: plugin(criterion),
      regularizer: regularizer === null ? null : plugin(regularizer),
    }),
    base,
    score,
    delta: score - base,
    params: 1e6 * cells.params_millions,
    paramsLeft: cells.params_percent,
    stepSeconds: cells.step_seconds,
    regularizerSeconds: cells.regularize_seconds,
    printed: { rank: cells.rank, delta: cells.delta_score, paramsMillions: cells.params_millions },
  };
}
