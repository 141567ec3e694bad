import type { z } from 'zod';
import { standings, type Standing } from '../../../kernel/bench/leaderboard.ts';
import { labelsOf, type Labels } from '../../../kernel/bench/labels.ts';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import { grouped } from '../../../kernel/grouped.ts';
import { entryStandings } from '../../../kernel/leaderboard/board.ts';
import { leaderboardsFolder, readEntries } from '../../../kernel/leaderboard/store.ts';
import { packageFolder } from '../../../kernel/native.ts';
import { publishedRows } from '../../../datasets/paper/published.ts';
import type { standingsQuery, StandingInfo } from '../api.ts';
import type { Database } from '../database/database.ts';
import { asRecord, summarySchema } from './summary.ts';

/** A result without what leaderboards do not need: records are large. */
interface Result {
  readonly run: string;
  readonly submission: string;
  readonly record: RunRecord;
}

/** As many as are read at once. */
const batch = 200;

/** Leaderboards: of the runs here, of the entries that come with the package, and of the paper. */
export class Boards {
  readonly #database: Database;
  readonly #entries: string;
  readonly #results: Result[] = [];
  readonly #known = new Set<string>();
  #last = new Date(0);
  #loading: Promise<void> | undefined;
  #ours: { readonly results: number; readonly rows: StandingInfo[]; readonly until: number } = {
    results: 0,
    rows: [],
    until: 0,
  };
  #others: Promise<StandingInfo[]> | undefined;

  /** `entries` is the folder of the entries that come with the package. */
  constructor(database: Database, entries = leaderboardsFolder(packageFolder)) {
    this.#database = database;
    this.#entries = entries;
  }

  /** Rows of a source, model and data set, best first within each strategy and speed-up. */
  async rows({ source, model, dataset, submission }: z.infer<typeof standingsQuery>): Promise<StandingInfo[]> {
    const fits = (row: StandingInfo) =>
      (source === undefined || row.source === source) &&
      (model === undefined || row.model === model) &&
      (dataset === undefined || row.dataset === dataset);
    await (this.#loading ??= this.#load().finally(() => (this.#loading = undefined)));
    if (submission !== undefined)
      return rowsOf(this.#results.filter(result => result.submission === submission)).filter(fits);
    if (this.#ours.results !== this.#results.length && performance.now() >= this.#ours.until) this.#rank();
    return [...this.#ours.rows, ...(await this.#otherRows())].filter(fits);
  }

  /** Those that do not change while the server runs; what could not be read is read again the next time. */
  #otherRows(): Promise<StandingInfo[]> {
    return (this.#others ??= others(this.#entries).catch((error: unknown) => {
      this.#others = undefined;
      throw error;
    }));
  }

  #rank(): void {
    const began = performance.now();
    const rows = rowsOf(this.#results);
    const took = performance.now() - began;
    // thousands of results take a second: then they are ranked now and then only
    this.#ours = { results: this.#results.length, rows, until: took > 100 ? performance.now() + 10 * took : 0 };
  }

  /** Reads results that have come since the last time. */
  async #load(): Promise<void> {
    const { sql } = this.#database;
    // a transaction that began earlier may end later
    const since = new Date(this.#last.getTime() - 60_000);
    const rows = await sql<{ id: string; finished: Date }>(
      `select id, finished from pruningbench.runs where kind = 'pruned' and state = 'done' and finished >= $1
       order by finished`,
      [since],
    );
    const news = rows.filter(({ id }) => !this.#known.has(id));
    for (let at = 0; at < news.length; at += batch) {
      const ids = news.slice(at, at + batch).map(({ id }) => id);
      for (const result of await sql<{ id: string; submission: string; summary: unknown }>(
        'select id, submission, summary from pruningbench.runs where id = any($1)',
        [ids],
      )) {
        const { data: summary } = summarySchema.safeParse(result.summary);
        if (summary) this.#results.push({ run: result.id, submission: result.submission, record: asRecord(summary) });
      }
      for (const id of ids) this.#known.add(id);
    }
    this.#last = rows.at(-1)?.finished ?? this.#last;
  }
}

/** Rows of runs, those of each model and data set ranked among themselves. */
function rowsOf(results: readonly Result[]): StandingInfo[] {
  const boards = grouped(results, ({ record: { configuration: c } }) => JSON.stringify([c.model.id, c.dataset.id]));
  return [...boards.values()].flatMap(board => {
    const labels = labelsOf(board.map(({ record }) => record));
    const runs = grouped(board, ({ record }) => keyOf({ ...labels(record), speedup: record.configuration.speedup }));
    return standings(board.map(({ record }) => record)).map(row => ({
      ...info(row),
      source: 'runs' as const,
      ids: (runs.get(keyOf(row)) ?? []).map(({ run }) => run),
    }));
  });
}

/** What the runs that a row is the mean of have in common. */
const keyOf = ({
  model,
  dataset,
  protocol,
  strategy,
  method,
  speedup,
}: Labels & { readonly speedup: number }): string =>
  JSON.stringify([model, dataset, protocol, strategy, method, speedup]);

async function others(folder: string): Promise<StandingInfo[]> {
  const entries = entryStandings(await readEntries(folder));
  return [...entries.map(row => ({ ...info(row), source: 'entries' as const, ids: [] })), ...published()];
}

function published(): StandingInfo[] {
  const boards = grouped(publishedRows(), ({ model, dataset, speedup }) => JSON.stringify([model, dataset, speedup]));
  return [...boards.values()].flatMap(board =>
    [...board]
      .sort((a, b) => b.score - a.score)
      .map(row => ({
        source: 'paper' as const,
        model: row.model,
        dataset: row.dataset,
        protocol: row.protocol,
        strategy: row.strategy,
        speedup: row.speedup,
        rank: 1 + board.filter(({ score }) => score > row.score).length,
        method: row.method,
        runs: 1,
        base: row.base,
        before: null,
        recalibrated: null,
        score: row.score,
        spread: null,
        delta: row.delta,
        params: row.params,
        paramsLeft: row.paramsLeft,
        macsLeft: null,
        reached: null,
        latencyRatio: null,
        stepSeconds: row.stepSeconds,
        regularizerSeconds: row.regularizerSeconds,
        by: null,
        status: null,
        ids: [],
      })),
  );
}

const info = ({ entry: _, division: _d, ...row }: Standing) => row;
