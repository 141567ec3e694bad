import { useMemo } from 'preact/hooks';
import type { z } from 'zod';
import { paretoFront } from '../../../../kernel/leaderboard/front.ts';
import type { leaderboardsSchema, StandingInfo, standingsSchema } from '../../api.ts';
import { address } from '../address.ts';
import { Chart } from '../chart.tsx';
import { useModelName } from '../context.ts';
import { signed } from '../format.ts';
import { useLoad } from '../http.ts';
import { ask } from '../router.ts';
import { Table } from '../table.tsx';
import { ErrorNote, Loading, Section, View } from '../ui.tsx';
import { beside, boardName, paperTable, type Beside, type Board } from './boards.ts';
import { Method, StandingTable } from './standing-table.tsx';

type Rows = z.infer<typeof standingsSchema>;

const filters = {
  strategy: 'strategy',
  protocol: 'protocol',
  speedup: 'speed-up',
  method: 'method',
  source: 'of',
} as const;
type Filter = keyof typeof filters;
const sourceNames = { runs: 'runs here', entries: 'entries', paper: 'the paper' } as const;

/** What methods come to, by model and data set, with the paper's results beside ours. */
export function Leaderboards({ query }: { query: Readonly<Record<string, string>> }) {
  const { data, error, reload } = useLoad<z.infer<typeof leaderboardsSchema>>('api/leaderboards');
  const boards = useMemo(() => merged(data?.boards ?? []), [data]);
  const board =
    boards.find(({ model, dataset }) => model === query['model'] && dataset === query['dataset']) ?? boards[0];
  const rows = useLoad<Rows>(board && standingsPath({ model: board.model, dataset: board.dataset }));
  const papers = boards.filter(({ sources }) => sources.includes('paper'));
  const other = board && (papers.find(one => boardName(one) === query['beside']) ?? paperTable(board, papers));
  const published = useLoad<Rows>(
    other && standingsPath({ source: 'paper', model: other.model, dataset: other.dataset }),
  );
  const all = rows.data?.rows ?? [];
  const modelName = useModelName();
  const titleOf = ({ model, dataset }: Board) => boardName({ model: modelName(model), dataset });
  const shown = all.filter(row =>
    (Object.keys(filters) as Filter[]).every(name => !query[name] || String(row[name]) === query[name]),
  );
  const own = shown.filter(({ source }) => source !== 'paper');
  return (
    <View
      title="Leaderboards"
      about="Ranks are within protocol, strategy and speed-up, whatever is shown. Scores are in percent, deltas in points."
    >
      {error && <ErrorNote error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && boards.length === 0 && (
        <p class="empty">
          There are no results yet. <a href={address(['new'])}>Start a run</a>.
        </p>
      )}
      {board && (
        <>
          <form class="filters" role="search" aria-label="Filters" onSubmit={event => event.preventDefault()}>
            <label class="broad">
              model and data set
              <select
                value={boardName(board)}
                onChange={event => {
                  const next = boards.find(one => boardName(one) === event.currentTarget.value)!;
                  ask({
                    model: next.model,
                    dataset: next.dataset,
                    beside: undefined,
                    ...Object.fromEntries(Object.keys(filters).map(name => [name, undefined])),
                  });
                }}
              >
                {boards.map(one => (
                  <option value={boardName(one)}>
                    {titleOf(one)} ({one.sources.map(source => sourceNames[source]).join(', ')})
                  </option>
                ))}
              </select>
            </label>
            {(Object.keys(filters) as Filter[]).map(name => (
              <Select key={name} name={name} rows={all} value={query[name] ?? ''} />
            ))}
            <output aria-live="polite">
              {shown.length} of {all.length} rows
            </output>
          </form>
          {rows.error && <ErrorNote error={rows.error} retry={rows.reload} />}
          <Section title={titleOf(board)}>
            {!rows.data && !rows.error && <Loading />}
            {rows.data && shown.length === 0 && <p class="empty">No row is like this.</p>}
            {shown.length > 0 && <StandingTable rows={shown} caption={`Leaderboard of ${titleOf(board)}`} />}
            {shown.length > 0 && <Front rows={shown} />}
          </Section>
          {own.length > 0 && papers.length > 0 && (
            <Section
              title="Beside the paper"
              about="Scores of another network and data set cannot be compared with the paper's: it is the order that can."
            >
              <label class="inline">
                The paper's table of{' '}
                <select
                  value={other && boardName(other)}
                  onChange={event => ask({ beside: event.currentTarget.value })}
                >
                  {papers.map(one => (
                    <option value={boardName(one)}>{boardName(one)}</option>
                  ))}
                </select>
              </label>
              {published.error && <ErrorNote error={published.error} retry={published.reload} />}
              {published.data && <BesideTable rows={beside(own, published.data.rows)} />}
            </Section>
          )}
        </>
      )}
    </View>
  );
}

const standingsPath = (query: Readonly<Record<string, string>>): string =>
  `api/standings?${new URLSearchParams(query)}`;

function merged(boards: z.infer<typeof leaderboardsSchema>['boards']): Board[] {
  const byName = new Map<string, Board>();
  for (const { model, dataset, source } of boards) {
    const name = boardName({ model, dataset });
    byName.set(name, { model, dataset, sources: [...(byName.get(name)?.sources ?? []), source] });
  }
  return [...byName.values()];
}

function Select({ name, rows, value }: { name: Filter; rows: readonly StandingInfo[]; value: string }) {
  const values = [...new Set(rows.map(row => String(row[name])))];
  if (values.length < 2 && value === '') return null;
  const sorted = name === 'speedup' ? values.sort((a, b) => Number(a) - Number(b)) : values.sort();
  const shown = (one: string) =>
    name === 'speedup' ? `${one}x` : name === 'source' ? sourceNames[one as keyof typeof sourceNames] : one;
  return (
    <label>
      {filters[name]}
      <select name={name} value={value} onChange={event => ask({ [name]: event.currentTarget.value })}>
        <option value="">all</option>
        {(value === '' || values.includes(value) ? sorted : [...sorted, value]).map(one => (
          <option value={one}>{shown(one)}</option>
        ))}
      </select>
    </label>
  );
}

const figure = (value: number | null) => (value === null ? '' : value);

function BesideTable({ rows }: { rows: readonly Beside[] }) {
  if (rows.length === 0) return <p class="hint">No speed-up is in both.</p>;
  return (
    <Table
      caption="Ours beside the paper's"
      rows={rows}
      rowClass={({ own, published }) => (own && published ? undefined : 'partial')}
      columns={[
        {
          title: 'method',
          head: true,
          class: 'name',
          cell: ({ method, own }) => (own ? <Method row={own} /> : method),
        },
        { title: 'speed-up', figure: true, cell: ({ speedup }) => `${speedup}x` },
        { title: 'of', cell: ({ own }) => own && (own.by ?? 'here') },
        { title: 'strategy', class: 'whole', cell: ({ own }) => own?.strategy ?? '' },
        { title: 'rank', figure: true, cell: ({ own }) => own && <b>{own.rank}</b> },
        { title: 'paper: rank', figure: true, cell: ({ published }) => figure(published?.rank ?? null) },
        { title: 'delta', figure: true, cell: ({ own }) => own && signed(own.delta) },
        { title: 'paper: delta', figure: true, cell: ({ published }) => published && signed(published.delta) },
        { title: 'score', figure: true, cell: ({ own }) => own?.score.toFixed(2) },
        { title: 'paper: score', figure: true, cell: ({ published }) => published?.score.toFixed(2) },
        { title: 'left', figure: true, cell: ({ own }) => own && `${own.paramsLeft.toFixed(1)} %` },
        {
          title: 'paper: left',
          figure: true,
          cell: ({ published }) => published && `${published.paramsLeft.toFixed(1)} %`,
        },
      ]}
    />
  );
}

interface Point {
  readonly method: string;
  readonly speedup: string;
  readonly left: number;
  readonly score: number;
  readonly front: boolean;
}

/** Score against what is left of the multiply-adds, or of the parameters where nothing else is known. */
function Front({ rows }: { rows: readonly StandingInfo[] }) {
  const counted = rows.every(({ macsLeft }) => macsLeft !== null);
  const points = rows.map(row => ({
    method: row.method,
    speedup: `${row.speedup}x`,
    left: counted ? row.macsLeft! : row.paramsLeft,
    score: row.score,
  }));
  const front = new Set(
    paretoFront(
      points,
      ({ left }) => left,
      ({ score }) => score,
    ),
  );
  const what = counted ? 'multiply-adds' : 'parameters';
  const list: Point[] = points.map(point => ({ ...point, front: front.has(point) }));
  const methods = [...new Set([...front].map(({ method }) => method))];
  return (
    <Chart
      title={`Score against ${what} left`}
      rows={list}
      spec={frontSpec(`${what} left, %`, new Set(points.map(({ method }) => method)).size)}
      text={`On the Pareto front, which is dashed, ${methods.length === 1 ? 'is' : 'are'} ${methods.join(', ')}.`}
      columns={[
        { title: 'method', head: true, cell: ({ method }: Point) => method },
        { title: 'speed-up', figure: true, cell: ({ speedup }: Point) => speedup },
        { title: `${what} left, %`, figure: true, cell: ({ left }: Point) => left.toFixed(1) },
        { title: 'score, %', figure: true, cell: ({ score }: Point) => score.toFixed(2) },
        { title: 'on the front', cell: ({ front }: Point) => (front ? 'yes' : 'no') },
      ]}
    />
  );
}

function frontSpec(title: string, methods: number) {
  const x = { field: 'left', type: 'quantitative', title, scale: { zero: false, padding: 12 } };
  const y = { field: 'score', type: 'quantitative', title: 'score, %', scale: { zero: false, padding: 12 } };
  return {
    width: 'container',
    height: 280,
    autosize: { type: 'fit', contains: 'padding' },
    layer: [
      {
        transform: [{ filter: 'datum.front' }],
        mark: { type: 'line', interpolate: 'step-after', color: '#9aa2ae', strokeDash: [4, 3] },
        encoding: { x, y, order: { field: 'left' } },
      },
      {
        mark: { type: 'point', filled: true, size: 80, opacity: 0.9 },
        encoding: {
          x,
          y,
          color: {
            field: 'method',
            type: 'nominal',
            title: null,
            scale: { scheme: methods > 10 ? 'tableau20' : 'tableau10' },
            legend: { orient: 'bottom', columns: 3, labelLimit: 170 },
          },
          tooltip: ['method', 'speedup', 'left', 'score'].map(field => ({ field })),
        },
      },
    ],
  };
}
