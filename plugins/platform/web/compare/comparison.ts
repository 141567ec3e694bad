import { flat } from '../../../../kernel/bench/canonical.ts';
import { countKey } from '../../../../kernel/prune/speedup.ts';
import type { RunDetail } from '../../api.ts';

/** What a run was given, by name; what it ran on is among it where it is done. */
export function settingsOf({ plan, resources, record }: Pick<RunDetail, 'plan' | 'resources' | 'record'>) {
  const { methods, strategies, speedups, seeds, modelOptions, datasetOptions, protocol, ...rest } = plan;
  return {
    model: rest.model,
    ...flat(modelOptions, 'model.'),
    dataset: rest.dataset,
    ...flat(datasetOptions, 'dataset.'),
    method: methods.join(', '),
    strategy: strategies.join(', '),
    speedup: speedups.join(', '),
    seed: seeds.join(', '),
    roundTo: rest.roundTo,
    resources,
    ...flat(protocol, 'protocol.'),
    ...(record
      ? { backend: record.configuration.backend, ...flat(record.provenance.hardware, 'hardware.'), ...versions(record) }
      : {}),
  } as Readonly<Record<string, unknown>>;
}

const versions = ({ provenance: { versions, commit } }: NonNullable<RunDetail['record']>) =>
  flat({ ...versions, ...(commit === null ? {} : { commit }) }, 'version.');

export interface Setting {
  readonly name: string;
  /** By run; undefined where a run has no such setting. */
  readonly values: readonly unknown[];
}

/** The settings in which runs differ. What only some can have, such as the machine of those that are done, is left out where those agree. */
export function differing(all: readonly Readonly<Record<string, unknown>>[]): Setting[] {
  const names = [...new Set(all.flatMap(Object.keys))];
  return names
    .map(name => ({ name, values: all.map(one => one[name]) }))
    .filter(({ name, values }) => {
      const told = /^(backend|hardware|version)/.test(name) ? values.filter(value => value !== undefined) : values;
      return new Set(told.map(value => JSON.stringify(value))).size > 1;
    });
}

/** A number of results. */
export interface Measure {
  readonly name: string;
  readonly unit: '%' | 'x' | 'ms' | 's' | 'count';
  /** Whether more is better; undefined where it is neither. */
  readonly up?: boolean;
  /** By run; null where it is not known. */
  readonly values: readonly (number | null)[];
}

type Record_ = NonNullable<RunDetail['record']>;

/** The numbers of runs that are done, in the units of `unit`: scores in percent, times as they say. */
export function measuresOf(runs: readonly Pick<RunDetail, 'record'>[]): Measure[] {
  const measure = (
    name: string,
    unit: Measure['unit'],
    up: boolean | undefined,
    of: (record: Record_) => number | null | undefined,
  ) => ({
    name,
    unit,
    ...(up === undefined ? {} : { up }),
    values: runs.map(({ record }) => (record ? (of(record) ?? null) : null)),
  });
  const score = (of: (record: Record_) => Readonly<Record<string, number>> | null) => (record: Record_) => {
    const value = of(record)?.[record.score];
    return value === undefined ? null : 100 * value;
  };
  const batches = [...new Set(runs.flatMap(({ record }) => record?.latency.map(({ batch }) => batch) ?? []))];
  const at = (record: Record_, batch: number) => record.latency.find(one => one.batch === batch);
  const macs = ({ configuration, base, pruned }: Record_): [number, number] => {
    const key = countKey(configuration.protocol.count);
    return [base[key], pruned[key]];
  };
  return [
    measure(
      'score',
      '%',
      true,
      score(({ pruned }) => pruned.scores),
    ),
    measure(
      'score, base',
      '%',
      undefined,
      score(({ base }) => base.scores),
    ),
    measure(
      'score, only pruned',
      '%',
      true,
      score(({ pruned }) => pruned.before),
    ),
    measure(
      'score, recalibrated',
      '%',
      true,
      score(({ pruned }) => pruned.recalibrated),
    ),
    measure('speed-up in multiply-adds', 'x', true, record => macs(record)[0] / macs(record)[1]),
    measure('multiply-adds', 'count', false, record => macs(record)[1]),
    measure('parameters', 'count', false, ({ pruned }) => pruned.params),
    ...batches.map(batch => measure(`latency, batch ${batch}`, 'ms', false, record => at(record, batch)?.pruned)),
    ...batches.map(batch =>
      measure(`speed-up in time, batch ${batch}`, 'x', true, record => {
        const found = at(record, batch);
        return found && found.base / found.pruned;
      }),
    ),
    measure('time to prune', 's', false, ({ seconds }) => seconds.prune),
    measure('time to fine-tune', 's', false, ({ seconds }) => seconds.finetune),
  ].filter(({ values }) => values.some(value => value !== null));
}

/** A difference to the baseline, in the measure's own terms: points of percent, else percent more or less. */
export function delta({ unit, values }: Pick<Measure, 'unit' | 'values'>, at: number, baseline: number): number | null {
  const [value, base] = [values[at], values[baseline]];
  if (at === baseline || value == null || base == null) return null;
  return unit === '%' ? value - base : base === 0 ? null : 100 * (value / base - 1);
}
