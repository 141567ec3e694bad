import { table, type Table } from '../../jupyter/table.ts';
import { signed } from '../tables.ts';
import { agreement, methodsInCommon, type Agreement } from './rankings.ts';
import { boards, ranks, type Board, type Result } from './result.ts';
import type { Resampling } from './bootstrap.ts';

/** A board of our own and the published one that it is held against. */
export interface Beside {
  readonly own: Board;
  readonly published: Board;
  /** How many methods both have. */
  readonly common: number;
  /** Whether both rank alike the methods that both have. */
  readonly agreement: Agreement;
}

/**
 * Boards beside published ones of the same speed-up, whatever their model, data set and strategy are called: `published`
 * are the rows of one table.
 */
export function besidePublished(
  own: readonly Result[],
  published: readonly Result[],
  options: Resampling = {},
): Beside[] {
  const theirs = boards(published);
  return boards(own).flatMap(board => {
    const same = theirs.filter(({ speedup }) => speedup === board.speedup);
    if (same.length > 1)
      throw new Error(`published rows of ${same.map(({ name }) => name).join(' and ')}: give one table`);
    const [other] = same;
    if (!other) return [];
    const common = methodsInCommon([board, other]).length;
    return [{ own: board, published: other, common, agreement: agreement([[board, other]], options) }];
  });
}

/** Every method's rank and points lost, ours beside the published; methods that one side lacks are left empty there. */
export function besideTable(list: readonly Beside[], caption?: string): Table {
  const rows = list.flatMap(({ own, published }) => {
    const [ours, theirs] = [ranks(own), ranks(published)];
    const of = (board: Board, method: string) => board.results.find(result => result.method === method);
    const methods = [...new Set([...own.results, ...published.results].map(({ method }) => method))];
    return methods.map(method => ({
      speedup: own.speedup,
      method,
      rank: ours.get(method) ?? null,
      publishedRank: theirs.get(method) ?? null,
      delta: of(own, method)?.delta ?? null,
      publishedDelta: of(published, method)?.delta ?? null,
      left: of(own, method)?.paramsLeft ?? null,
      publishedLeft: of(published, method)?.paramsLeft ?? null,
    }));
  });
  return table(rows, {
    ...(caption === undefined ? {} : { caption }),
    limit: rows.length,
    headings: {
      speedup: 'speed-up',
      publishedRank: 'paper: rank',
      publishedDelta: 'paper: delta',
      publishedLeft: 'paper: left',
    },
    format: {
      speedup: (value: number) => `${value}x`,
      rank: orEmpty(String),
      publishedRank: orEmpty(String),
      delta: orEmpty(signed),
      publishedDelta: orEmpty(signed),
      left: orEmpty(percent),
      publishedLeft: orEmpty(percent),
    },
  });
}

/** With fewer methods in common an order is soon the same by chance. */
const fewest = 6;

/** What results come to, as Markdown: who was first and last, how much it mattered, how far it agrees with the paper. */
export function conclusions(own: readonly Result[], published: readonly Result[] = []): string {
  const lines = boards(own).map(({ name, results }) => {
    const [first, last] = [results[0]!, results.at(-1)!];
    const chance = results.find(({ method }) => method === 'random');
    const better = chance && results.filter(({ score }) => score > chance.score).length;
    const firsts = results.filter(({ score }) => score === first.score).map(({ method }) => `**${method}**`);
    const lasts = results.filter(({ score }) => score === last.score).map(({ method }) => method);
    const lefts = results.map(({ paramsLeft }) => paramsLeft);
    return [
      `**${name}**: the base model has ${first.base.toFixed(2)} %.`,
      `Best ${firsts.length > 1 ? 'are' : 'is'} ${firsts.join(' and ')} with ${first.score.toFixed(2)} % (${signed(first.delta)}),`,
      `last ${lasts.length > 1 ? 'are' : 'is'} ${lasts.join(' and ')} with ${last.score.toFixed(2)} % (${signed(last.delta)}).`,
      ...(chance ? [`${better} of ${results.length - 1} methods are better than removing channels at random.`] : []),
      `The networks keep ${Math.min(...lefts).toFixed(0)} to ${Math.max(...lefts).toFixed(0)} % of their parameters.`,
    ].join(' ');
  });
  const agreements = besidePublished(own, published).map(({ own: board, common: count, agreement: a }) => {
    const common = `${count} methods in common`;
    if (Number.isNaN(a.tau)) return `**${board.name}**, beside the paper's table: nothing to rank (${common}).`;
    if (count < fewest)
      return `**${board.name}**, beside the paper's table: ${common} are too few to say whether the orders agree.`;
    const says =
      a.low > 0
        ? 'the two orders have something in common'
        : a.high < 0
          ? 'the two orders contradict each other'
          : 'that is no evidence that the two orders have anything in common';
    return (
      `**${board.name}**, beside the paper's table: Kendall's tau is ${a.tau.toFixed(2)} ` +
      `(95 % of draws between ${a.low.toFixed(2)} and ${a.high.toFixed(2)}, ${common}); ${says}.`
    );
  });
  return [...lines, ...agreements].map(line => `- ${line}`).join('\n');
}

const percent = (value: number): string => `${value.toFixed(1)} %`;
const orEmpty = (text: (value: number) => string) => (value: number | null) => (value === null ? '' : text(value));
