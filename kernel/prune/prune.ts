import { breather } from '../breather.ts';
import { suggestion } from '../catalogue.ts';
import { count, type Count } from '../graph/count.ts';
import { cutter } from '../graph/cut.ts';
import { analyze, type Group } from '../graph/groups.ts';
import type { Graph } from '../graph/graph.ts';
import type { Criterion, Strategy } from '../plugin.ts';
import { parseOptions } from '../options.ts';
import type { CalibrationData } from './calibration.ts';
import { finish } from './finish.ts';
import type { Normalization } from './normalize.ts';
import { isScored, normalizationNames, reductionNames, type Reduction, type Scoring } from './score.ts';
import { scorerOf } from './scorer.ts';
import { lowest, roundKept } from './select.ts';
import { countedSpeedup, type Speedup } from './speedup.ts';

export interface PruneOptions {
  readonly criterion: Criterion;
  readonly criterionOptions?: unknown;
  readonly strategy: Strategy;
  readonly strategyOptions?: unknown;
  /** Of the result over the given graph, at least: in multiply-adds, or in what `speedupOf` says. */
  readonly speedup: number;
  /** Step k of so many leaves 1 - k / steps of all units, scored anew at each (default 400, as in the paper's scripts). */
  readonly steps?: number;
  readonly reduce?: Reduction | undefined;
  readonly normalize?: Normalization | undefined;
  /** Groups keep a multiple of so many units (default 1). */
  readonly roundTo?: number;
  /** Which count of multiply-adds the speed-up is of (default plain). */
  readonly count?: 'plain' | 'compatible';
  /** What the speed-up is of, in place of a count: `latencySpeedup` measures time. */
  readonly speedupOf?: Speedup | undefined;
  /** Ids of groups that stay whole. */
  readonly ignore?: readonly string[];
  readonly seed?: number;
  /** For criteria that need data, or that correct weights by it at the end. */
  readonly calibration?: CalibrationData | undefined;
  readonly signal?: AbortSignal;
  readonly progress?: (state: { step: number; speedup: number; target: number }) => void;
}

/** What became of one group. */
export interface GroupResult {
  readonly id: string;
  readonly units: number;
  /** Positions of the units that stay. */
  readonly kept: readonly number[];
  /** Why the group was left whole, if it had to be. */
  readonly whole?: string;
}

export interface Pruned {
  readonly graph: Graph;
  readonly groups: readonly GroupResult[];
  readonly before: Count;
  readonly after: Count;
  /** In multiply-adds, in the count that was asked for, or in what `speedupOf` said. */
  readonly speedup: number;
  /** Units left and speed-up after each step. */
  readonly trace: readonly { readonly units: number; readonly speedup: number }[];
}

/** A criterion with options and the ways its scores are put together, complete with their defaults. */
export const scoringOf = (
  criterion: Criterion,
  {
    criterionOptions,
    reduce,
    normalize,
  }: Partial<Pick<PruneOptions, 'criterionOptions' | 'reduce' | 'normalize'>> = {},
): Scoring => {
  const one = <T extends string>(what: string, value: T, names: readonly T[]): T => {
    if (names.includes(value)) return value;
    throw new Error(`criterion ${criterion.id}: no ${what} ${value}${suggestion(value, names)}`);
  };
  return {
    criterion,
    options: parseOptions(criterion, criterionOptions),
    reduce: one('reduction', reduce ?? criterion.reduce ?? 'mean', reductionNames),
    normalize: one('normalization', normalize ?? criterion.normalize ?? 'mean', normalizationNames),
  };
};

/**
 * Prunes a graph until it is faster by the factor `speedup`: in small steps, scoring at each, the units with the lowest
 * scores go. The result is the first architecture at or past the target; where there is data, the criterion may then
 * correct its weights. Throws where the target cannot be reached under the strategy.
 */
export async function prune(graph: Graph, options: PruneOptions): Promise<Pruned> {
  const {
    criterion,
    strategy,
    speedup: target,
    steps = 400,
    roundTo = 1,
    count: kind = 'plain',
    seed = 0,
    signal,
  } = options;
  if (!(target >= 1)) throw new RangeError(`speedup ${target}: must be at least 1`);
  if (!Number.isInteger(steps) || steps < 1) throw new RangeError(`steps ${steps}: must be a whole number from 1 on`);
  const scoring = scoringOf(criterion, options);
  const strategyOptions = parseOptions(strategy, options.strategyOptions);
  const analysis = analyze(graph);
  const all = analysis.groups;
  for (const id of options.ignore ?? [])
    if (!all.some(group => group.id === id)) throw new Error(`no group ${id} to ignore`);
  const whole = new Map(all.map(group => [group.id, reasonToStayWhole(group, criterion, options.ignore ?? [])]));
  const pruned = all.filter(group => whole.get(group.id) === undefined);
  if (pruned.length === 0)
    throw new Error(`${graph.name}: criterion ${criterion.id} scores none of its ${all.length} groups`);

  const kept = new Map(pruned.map(group => [group.id, new Uint8Array(group.units).fill(1)]));
  const cutTo = cutter(graph, analysis);
  const before = count(graph);
  const speedupOf = options.speedupOf ?? countedSpeedup(before, kind);
  const { calibration } = options;
  const scorer = await scorerOf(graph, all, kept, scoring, { seed, signal, calibration });
  const trace: { units: number; speedup: number }[] = [];
  let result = graph;
  let after = before;
  let reached = 1;
  let units = pruned.reduce((n, group) => n + group.units, 0);
  const breathe = breather(signal);
  for (let step = 1; reached < target && step <= steps; step++) {
    await breathe();
    const scores = await scorer.scores(step, result);
    const ranked = pruned.map((group, g) => ({ id: group.id, original: group.units, scores: scores[g]! }));
    const keep = strategy.keep(ranked, 1 - step / steps, strategyOptions);
    // What a strategy keeps where nothing shall be left is the least that it allows.
    const least = roundTo > 1 ? strategy.keep(ranked, 0, strategyOptions) : keep;
    let removed = 0;
    pruned.forEach((group, g) => {
      const alive = scores[g]!.length;
      const gone = lowest(scores[g]!, alive - roundKept(keep[g]!, alive, roundTo, least[g]!));
      if (gone.length === 0) return;
      const mask = kept.get(group.id)!;
      const units = positions(mask);
      const removedUnits = gone.map(position => units[position]!);
      for (const unit of removedUnits) mask[unit] = 0;
      scorer.remove(g, removedUnits);
      removed += gone.length;
    });
    if (removed > 0) {
      units -= removed;
      result = cutTo(kept);
      after = count(result);
      reached = await speedupOf(result, after);
    }
    trace.push({ units, speedup: reached });
    options.progress?.({ step, speedup: reached, target });
  }
  if (reached < target)
    throw new Error(
      `${graph.name}: strategy ${strategy.id} reaches a speed-up of ${reached.toFixed(2)} at most, ${target} was asked for`,
    );
  if (calibration)
    result = await finish({ original: graph, groups: all, kept, pruned: result }, scoring, calibration, {
      seed,
      signal,
    });
  return {
    graph: result,
    groups: all.map(group => {
      const mask = kept.get(group.id);
      const reason = whole.get(group.id);
      return {
        id: group.id,
        units: group.units,
        kept: positions(mask ?? new Uint8Array(group.units).fill(1)),
        ...(reason === undefined ? {} : { whole: reason }),
      };
    }),
    before,
    after,
    speedup: reached,
    trace,
  };
}

function reasonToStayWhole(group: Group, criterion: Criterion, ignore: readonly string[]): string | undefined {
  if (group.protected) return group.protected;
  if (ignore.includes(group.id)) return 'left out by option';
  if (!isScored(criterion, group)) return `nothing in it scores under ${criterion.id}`;
  if (group.units === 1) return 'it has a single unit';
  return undefined;
}

/** Units that stay. */
function positions(mask: ArrayLike<number>): number[] {
  const units: number[] = [];
  for (let unit = 0; unit < mask.length; unit++) if (mask[unit]) units.push(unit);
  return units;
}
