import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ListEvent, RunDetail } from '../../api.ts';
import { paretoFront } from '../../../../kernel/leaderboard/front.ts';
import { address, listIn } from '../address.ts';
import { useModelName } from '../context.ts';
import { Chart } from '../chart.tsx';
import { epochAxis } from '../epoch-axis.ts';
import { amount, plural, seconds, signed } from '../format.ts';
import { ApiError, request, requestText } from '../http.ts';
import { useEvents } from '../live.ts';
import { ask } from '../router.ts';
import { curveOfCsv, curveOfRecord, type CurvePoint } from '../run/curves.ts';
import { text } from '../run/settings.tsx';
import { mostCompared } from '../runs/runs.tsx';
import { Table } from '../table.tsx';
import { ended, ErrorNote, Loading, runLink, runName, Section, State, View } from '../ui.tsx';
import { delta, differing, measuresOf, settingsOf, type Measure, type Setting } from './comparison.ts';

interface Entry {
  readonly run: RunDetail;
  readonly points: readonly CurvePoint[];
  readonly name: string;
  readonly colour: string;
}

const colours = [
  ...['#4c78a8', '#f58518', '#54a24b', '#e45756', '#b279a2'],
  ...['#3fb8af', '#d9a514', '#8c6d4f', '#e377c2', '#6b5bd2'],
];

/** Runs side by side. */
export function Compare({ query }: { query: Readonly<Record<string, string>> }) {
  const ids = listIn(query['runs']).slice(0, mostCompared);
  const modelName = useModelName();
  const { runs, errors } = useRuns(ids);
  const loaded = ids.flatMap(id => runs.get(id) ?? []);
  const settings = useMemo(() => differing(loaded.map(({ run }) => settingsOf(run))), [runs, query['runs']]);
  const entries = useMemo(() => named(loaded, settings, modelName), [runs, settings, modelName]);
  const chosen = entries.findIndex(({ run }) => run.id === query['baseline']);
  const baseline = Math.max(0, chosen);
  const measures = measuresOf(entries.map(({ run }) => run));
  const more = address(['runs'], { kind: 'pruned', compare: ids.join() });
  return (
    <View
      title="Compare"
      about={`Up to ${mostCompared} runs side by side; the address of this page keeps them.`}
      actions={
        <a class="button" href={more}>
          {ids.length === 0 ? 'Choose runs' : 'Choose others'}
        </a>
      }
    >
      {ids.length === 0 && <p class="empty">No run is chosen. The list of runs has a box beside each.</p>}
      {errors.map(error => (
        <ErrorNote key={error.message} error={error} />
      ))}
      {ids.length > loaded.length + errors.length && <Loading />}
      {entries.length > 0 && (
        <>
          <Section title="Runs">
            <ul class="compared">
              {entries.map(({ run, name, colour }) => (
                <li key={run.id}>
                  <svg viewBox="0 0 10 10" aria-hidden="true">
                    <circle cx="5" cy="5" r="5" fill={colour} />
                  </svg>
                  <a href={runLink(run.id)}>{name}</a>
                  <State state={run.state} />
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Remove ${name}`}
                    onClick={() => ask({ runs: ids.filter(id => id !== run.id).join() })}
                  >
                    Remove
                  </button>
                </li>
              ))}
            </ul>
            <label class="inline">
              Baseline{' '}
              <select
                value={entries[baseline]!.run.id}
                onChange={event => ask({ baseline: event.currentTarget.value })}
              >
                {entries.map(({ run, name }) => (
                  <option value={run.id}>{name}</option>
                ))}
              </select>
            </label>
          </Section>
          {measures.length > 0 ? (
            <Section title="Results" about="What stands below a number is its difference to the baseline.">
              <Results entries={entries} measures={measures} baseline={baseline} />
            </Section>
          ) : (
            <p class="hint">None of them is done: results come with the first.</p>
          )}
          <Section title="Settings that differ">
            {settings.length === 0 ? (
              <p class="hint">{entries.length > 1 ? 'There are none.' : 'One run differs from nothing.'}</p>
            ) : (
              <Table
                caption="Settings that differ"
                rows={settings}
                columns={[
                  { title: 'setting', head: true, cell: ({ name }) => name },
                  ...entries.map(({ name }, i) => ({
                    title: name,
                    cell: ({ values }: Setting) => text(values[i]),
                  })),
                ]}
              />
            )}
          </Section>
          <Section title="Fine-tuning">
            <Curves entries={entries} />
          </Section>
          <Section title="Score and cost">
            <Pareto entries={entries} cost={query['cost'] === 'latency' ? 'latency' : 'macs'} />
          </Section>
        </>
      )}
    </View>
  );
}

/** Runs and their curves. What is known is not asked again, but for runs that go on. */
function useRuns(ids: readonly string[]) {
  const [runs, setRuns] = useState<ReadonlyMap<string, Pick<Entry, 'run' | 'points'>>>(new Map());
  const [errors, setErrors] = useState<readonly ApiError[]>([]);
  const load = async (id: string, signal?: AbortSignal) => {
    const init = signal ? { signal } : {};
    try {
      const run = await request<RunDetail>(`api/runs/${encodeURIComponent(id)}`, init);
      const points = run.record
        ? curveOfRecord(run.record)
        : curveOfCsv(await requestText(`api/runs/${id}/curves.csv`, init));
      setRuns(before => new Map([...before, [id, { run, points }]]));
    } catch (error) {
      if (signal?.aborted) return;
      const { message, status } = error as ApiError;
      setErrors(before => [...before, new ApiError(`Run ${id}: ${message}`, status)]);
    }
  };
  const key = ids.join();
  useEffect(() => {
    const controller = new AbortController();
    setErrors([]);
    for (const id of ids) if (!runs.has(id)) void load(id, controller.signal);
    return () => controller.abort();
  }, [key]);
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents<ListEvent>([...runs.values()].some(({ run }) => !ended(run)) ? 'api/events' : undefined, ['run'], event => {
    if (event.event !== 'run' || !ids.includes(event.data.id)) return;
    changed.current.add(event.data.id);
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      for (const id of changed.current) void load(id);
      changed.current.clear();
    }, 1000);
  });
  return { runs, errors };
}

/** Runs with names that tell them apart, by what they differ in. */
function named(
  list: readonly Pick<Entry, 'run' | 'points'>[],
  settings: readonly Setting[],
  modelName: (model: string) => string,
): Entry[] {
  const told = settings.filter(({ name }) => ['model', 'dataset', 'strategy', 'seed', 'protocol.name'].includes(name));
  return list.map((one, i) => ({
    ...one,
    name: [
      runName(one.run),
      ...told.map(({ name, values }) =>
        name === 'seed' ? `seed ${text(values[i])}` : name === 'model' ? modelName(text(values[i])) : text(values[i]),
      ),
    ].join(', '),
    colour: colours[i % colours.length]!,
  }));
}

function Results({
  entries,
  measures,
  baseline,
}: {
  entries: readonly Entry[];
  measures: readonly Measure[];
  baseline: number;
}) {
  return (
    <Table
      caption="Results"
      rows={measures}
      columns={[
        { title: 'measure', head: true, cell: ({ name }) => name },
        ...entries.map(({ name }, i) => ({
          title: i === baseline ? `${name} (baseline)` : name,
          figure: true,
          cell: (measure: Measure) => {
            const value = measure.values[i];
            const by = delta(measure, i, baseline);
            if (value == null) return '–';
            const better = by === null || by === 0 || measure.up === undefined ? undefined : by > 0 === measure.up;
            return (
              <>
                {shown(value, measure.unit)}
                {by !== null && (
                  <small class={better === undefined ? 'delta' : better ? 'delta better' : 'delta worse'}>
                    {signed(by, measure.unit === '%' ? 2 : 1)}
                    {measure.unit === '%' ? ' points' : ' %'}
                  </small>
                )}
              </>
            );
          },
        })),
      ]}
    />
  );
}

function shown(value: number, unit: Measure['unit']): string {
  if (unit === '%') return `${value.toFixed(2)} %`;
  if (unit === 'x') return `${value.toFixed(2)}x`;
  if (unit === 'ms') return `${value.toFixed(2)} ms`;
  if (unit === 's') return seconds(value);
  return amount(value);
}

interface Line {
  readonly run: string;
  readonly epoch: number;
  readonly loss: number;
  readonly score: number | null;
}

const byRun = (entries: readonly Entry[]) => ({
  field: 'run',
  type: 'nominal',
  title: null,
  scale: { domain: entries.map(({ name }) => name), range: entries.map(({ colour }) => colour) },
  legend: null,
});

function Curves({ entries }: { entries: readonly Entry[] }) {
  const rows = entries.flatMap(({ name, points }) =>
    points
      .filter(({ stage }) => stage === 'finetune')
      .map(({ epoch, loss, score }): Line => ({ run: name, epoch, loss, score })),
  );
  if (rows.length === 0) return <p class="hint">No epoch of fine-tuning is done yet.</p>;
  const spec = (field: string, format: string) => ({
    width: 'container',
    height: 200,
    autosize: { type: 'fit', contains: 'padding', resize: true },
    mark: { type: 'line', point: { size: 26 }, strokeWidth: 1.8 },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', title: 'epoch', axis: epochAxis },
      y: { field, type: 'quantitative', title: null, axis: { format }, scale: { zero: false } },
      color: byRun(entries),
      tooltip: [{ field: 'run' }, { field: 'epoch' }, { field, format: field === 'score' ? '.2%' : '.4g' }],
    },
  });
  const scored = rows.filter(({ score }) => score !== null);
  const best = scored.reduce<Line | undefined>((top, row) => (!top || row.score! > top.score! ? row : top), undefined);
  const columns = [
    { title: 'run', head: true, cell: ({ run }: Line) => run },
    { title: 'epoch', figure: true, cell: ({ epoch }: Line) => epoch },
    { title: 'loss', figure: true, cell: ({ loss }: Line) => loss.toFixed(4) },
    {
      title: 'score',
      figure: true,
      cell: ({ score }: Line) => (score === null ? '' : `${(100 * score).toFixed(2)} %`),
    },
  ];
  return (
    <div class="charts wide">
      <Chart
        title="Score on test images"
        spec={spec('score', '.0%')}
        rows={scored}
        columns={columns}
        text={
          best
            ? `Highest is ${best.run}, ${(100 * best.score!).toFixed(2)} % after epoch ${best.epoch}.`
            : 'Nothing was scored yet.'
        }
      />
      <Chart
        title="Training loss"
        spec={spec('loss', '.2f')}
        rows={rows}
        text={`${plural(rows.length, 'epoch')} of ${plural(new Set(rows.map(({ run }) => run)).size, 'run')}.`}
      />
    </div>
  );
}

interface Point {
  readonly run: string;
  readonly cost: number;
  readonly score: number;
  readonly front: boolean;
  readonly link: string;
}

const costs = {
  macs: {
    title: 'multiply-adds left, %',
    of: ({ base, pruned }: NonNullable<RunDetail['record']>) => (100 * pruned.macs) / base.macs,
  },
  latency: {
    title: 'latency left, %',
    of: ({ latency: [first] }: NonNullable<RunDetail['record']>) =>
      first ? (100 * first.pruned) / first.base : undefined,
  },
} as const;

function Pareto({ entries, cost }: { entries: readonly Entry[]; cost: keyof typeof costs }) {
  const { title, of } = costs[cost];
  const points = entries.flatMap(({ run, name }) => {
    const value = run.record ? of(run.record) : undefined;
    if (!run.record || value === undefined) return [];
    const score = 100 * run.record.pruned.scores[run.record.score]!;
    return [{ run: name, cost: value, score, link: runLink(run.id) }];
  });
  const front = new Set(
    paretoFront(
      points,
      point => point.cost,
      point => point.score,
    ),
  );
  const rows: Point[] = points.map(point => ({ ...point, front: front.has(point) }));
  return (
    <>
      <label class="inline">
        Cost{' '}
        <select
          value={cost}
          onChange={event => ask({ cost: event.currentTarget.value === 'latency' ? 'latency' : undefined })}
        >
          <option value="macs">multiply-adds</option>
          <option value="latency">latency</option>
        </select>
      </label>
      {rows.length === 0 ? (
        <p class="hint">No run has both numbers yet.</p>
      ) : (
        <Chart
          title={`Score against ${title.replace(' left, %', '')}`}
          spec={paretoSpec(title, entries)}
          rows={rows}
          text={`No other run has both a better score and less cost than ${[...front].map(({ run }) => run).join('; ')}.`}
          columns={[
            { title: 'run', head: true, cell: ({ run, link }: Point) => <a href={link}>{run}</a> },
            { title: title, figure: true, cell: ({ cost }: Point) => cost.toFixed(1) },
            { title: 'score, %', figure: true, cell: ({ score }: Point) => score.toFixed(2) },
            { title: 'on the front', cell: ({ front }: Point) => (front ? 'yes' : 'no') },
          ]}
        />
      )}
    </>
  );
}

const paretoSpec = (title: string, entries: readonly Entry[]) => {
  const x = { field: 'cost', type: 'quantitative', title, scale: { zero: false, padding: 12 } };
  const y = { field: 'score', type: 'quantitative', title: 'score, %', scale: { zero: false, padding: 12 } };
  return {
    width: 'container',
    height: 260,
    autosize: { type: 'fit', contains: 'padding' },
    layer: [
      {
        transform: [{ filter: 'datum.front' }],
        mark: { type: 'line', interpolate: 'step-after', color: '#9aa2ae', strokeDash: [4, 3] },
        encoding: { x, y, order: { field: 'cost' } },
      },
      {
        mark: { type: 'point', filled: true, size: 110, opacity: 0.95 },
        encoding: {
          x,
          y,
          color: byRun(entries),
          tooltip: [{ field: 'run' }, { field: 'cost', format: '.1f', title }, { field: 'score', format: '.2f' }],
        },
      },
    ],
  };
};
