import { quantile } from '../../kernel/bench/statistics.ts';
import { groupBy } from '../../kernel/bench/analysis/result.ts';
import type { PublishedRow } from './published.ts';

/** What is checked, and what it means where it does not hold. */
export const publishedChecks = {
  delta: 'the printed delta is not the pruned score less the base score',
  parameters: 'the printed share of parameters is not that of the printed number',
  rank: 'a method ranks above one with a higher score',
  tie: 'equal scores have different ranks, or the ranks below do not count them',
  growth: 'at a higher speed-up more parameters are left',
  twins: 'two criteria leave the same number of parameters at several speed-ups',
} as const;

/** Printed numbers that do not go together. */
export interface Inconsistency {
  readonly check: keyof typeof publishedChecks;
  /** Lines of the file that it is about. */
  readonly lines: readonly number[];
  readonly model: string;
  readonly dataset: string;
  /** Null where it is about several. */
  readonly speedup: number | null;
  readonly method: string;
  /** What is printed, and what the other numbers say. */
  readonly printed: string;
  readonly otherwise: string;
}

/**
 * Contradictions within published rows, in the order of the checks. Every number may be rounded: a delta of three rounded
 * numbers may be off by one and a half of the last decimal that its board has, a share of parameters by what rounding the
 * millions and the percentages makes. The size of a base model, which is not printed, is the median of what its rows say.
 */
export function inconsistencies(rows: readonly PublishedRow[]): Inconsistency[] {
  const bySubject = groupBy(rows, ({ model, dataset }) => `${model}, ${dataset}`);
  // Methods with a regularizer are ranked by themselves.
  const byRanking = groupBy(rows, row => `${row.model}, ${row.dataset}, ${row.speedup}, ${row.regularizer !== null}`);
  return [
    ...bySubject.flatMap(deltas),
    ...bySubject.flatMap(parameters),
    ...byRanking.flatMap(order),
    ...byRanking.flatMap(ties),
    ...bySubject.flatMap(growth),
    ...bySubject.flatMap(twins),
  ];
}

const decimalsOf = (value: number): number => String(value).split('.')[1]?.length ?? 0;
const signed = (value: number, decimals: number): string => (value > 0 ? '+' : '') + value.toFixed(decimals);

function found(
  check: Inconsistency['check'],
  row: PublishedRow,
  printed: string,
  otherwise: string,
  others: readonly PublishedRow[] = [],
): Inconsistency {
  const { model, dataset, speedup, method } = row;
  const lines = [row, ...others].map(({ line }) => line);
  const several = others.some(other => other.speedup !== speedup);
  return { check, lines, model, dataset, speedup: several ? null : speedup, method, printed, otherwise };
}

function deltas(rows: readonly PublishedRow[]): Inconsistency[] {
  const decimals = Math.max(...rows.flatMap(({ base, score }) => [decimalsOf(base), decimalsOf(score)]));
  return rows
    .filter(({ delta, printed }) => Math.abs(delta - printed.delta) > 1.5 * 10 ** -decimals + 1e-9)
    .map(row => found('delta', row, signed(row.printed.delta, decimals), signed(row.delta, decimals)));
}

function parameters(rows: readonly PublishedRow[]): Inconsistency[] {
  const sizes = rows.map(({ paramsLeft, printed }) => (100 * printed.paramsMillions) / paramsLeft);
  const base = quantile(
    sizes.sort((a, b) => a - b),
    0.5,
  );
  const rounding = 0.005;
  return rows.flatMap(row => {
    const { paramsMillions } = row.printed;
    const share = (100 * paramsMillions) / base;
    // The percentage, the millions, and the base size, known to as much as its rows agree on.
    const tolerance = rounding + (100 * rounding) / base + (share * rounding) / base;
    if (Math.abs(share - row.paramsLeft) <= tolerance) return [];
    const printed = `${paramsMillions} M as ${row.paramsLeft} %`;
    return [found('parameters', row, printed, `${share.toFixed(2)} % of ${base.toFixed(2)} M`)];
  });
}

const place = ({ printed, score }: PublishedRow): string => `${printed.rank} with ${score}`;

function order(rows: readonly PublishedRow[]): Inconsistency[] {
  return rows.flatMap(row =>
    rows
      .filter(other => other.score > row.score && other.printed.rank > row.printed.rank)
      .map(other => found('rank', row, place(row), `${other.method} ${place(other)}`, [other])),
  );
}

function ties(rows: readonly PublishedRow[]): Inconsistency[] {
  return groupBy(rows, ({ score }) => String(score)).flatMap(tied => {
    const [first, ...others] = tied;
    if (!first || others.length === 0) return [];
    const { rank } = first.printed;
    const next = Math.min(...rows.filter(({ score }) => score < first.score).map(({ printed }) => printed.rank));
    const shared = others.every(({ printed }) => printed.rank === rank);
    if (shared && next >= rank + tied.length) return [];
    const otherwise = `${tied.map(({ method }) => method).join(' and ')} ${rank}, the next ${rank + tied.length}`;
    const printed = `${tied.map(row => row.printed.rank).join(' and ')}, the next ${next}`;
    return [found('tie', first, printed, otherwise, others)];
  });
}

const byMethod = (rows: readonly PublishedRow[]): PublishedRow[][] =>
  groupBy(rows, ({ method }) => method).map(members => members.toSorted((a, b) => a.speedup - b.speedup));

function growth(rows: readonly PublishedRow[]): Inconsistency[] {
  const text = ({ printed, speedup }: PublishedRow) => `${printed.paramsMillions} M at ${speedup}x`;
  return byMethod(rows).flatMap(members =>
    members.slice(1).flatMap((row, i) => {
      const before = members[i]!;
      return row.params > before.params ? [found('growth', row, text(row), text(before), [before])] : [];
    }),
  );
}

function twins(rows: readonly PublishedRow[]): Inconsistency[] {
  const criteria = byMethod(rows.filter(({ regularizer }) => regularizer === null));
  return criteria.flatMap((one, i) =>
    criteria.slice(i + 1).flatMap(other => {
      const same = one.flatMap(row => {
        const twin = other.find(({ speedup, params }) => speedup === row.speedup && params === row.params);
        return twin ? [[row, twin] as const] : [];
      });
      if (same.length < 2) return [];
      const [first, ...rest] = same.flat();
      const sizes = same.map(([{ printed, speedup }]) => `${printed.paramsMillions} M at ${speedup}x`).join(', ');
      return [found('twins', first!, sizes, `the same of ${other[0]!.method}`, rest)];
    }),
  );
}
