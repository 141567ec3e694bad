import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RunDetail, RunEvent, RunInfo } from '../../api.ts';
import { address } from '../address.ts';
import { useCatalogue, useModelName } from '../context.ts';
import { ago, duration } from '../format.ts';
import { ApiError, post, requestText, useLoad } from '../http.ts';
import { useEvents } from '../live.ts';
import { Connection } from '../runs/runs.tsx';
import {
  announce,
  ended,
  ErrorNote,
  Linked,
  Loading,
  runLink,
  runName,
  Section,
  Standing,
  State,
  View,
} from '../ui.tsx';
import { CurveCharts } from './curve-charts.tsx';
import { curveOfCsv, curveOfEvents, curveOfRecord, type CurvePoint } from './curves.ts';
import { Files } from './files.tsx';
import { Groups } from './groups.tsx';
import { Layers } from './layers.tsx';
import { Log, mostLines } from './log.tsx';
import { Numbers } from './numbers.tsx';
import { Settings } from './settings.tsx';

/** One run: what it does, what came of it, and everything there is about it. */
export function Run({ id }: { id: string }) {
  const { datasets, tasks } = useCatalogue();
  const modelName = useModelName();
  const { data: run, error, reload, set } = useLoad<RunDetail>(`api/runs/${id}`);
  const live = useLive(run, reload, info => set(before => before && { ...before, ...info }));
  const kept = useKept(run, live.any);
  const points = useMemo<readonly CurvePoint[]>(
    () => (run?.record ? curveOfRecord(run.record) : live.any ? curveOfEvents(live.epochs) : kept.points),
    [run?.record, live, kept.points],
  );
  if (error && !run)
    return (
      <View title="Run">
        <ErrorNote error={error} retry={reload} />
      </View>
    );
  if (!run) return <Loading />;
  const task = datasets.find(({ id }) => id === run.dataset)?.task;
  const score = run.scores?.score ?? tasks.find(({ id }) => id === task)?.score ?? 'score';
  return (
    <View
      title={runName(run)}
      about={
        <>
          <State state={run.state} /> {modelName(run.model)} on {run.dataset}, protocol {run.protocol}
          {run.kind === 'pruned' && `, ${run.strategy}`}, seed {run.seed}, of{' '}
          <a href={address(['submissions', run.submission])}>{run.title}</a>
          {run.needs && (
            <>
              , from <a href={runLink(run.needs)}>the model it begins with</a>
            </>
          )}
        </>
      }
      actions={<Actions run={run} changed={reload} />}
    >
      <Now run={run} connected={live.connected} />
      {error && <ErrorNote error={error} retry={reload} />}
      {run.record && <Numbers record={run.record} />}
      {!run.record && run.scores && <Scores run={run} />}
      <Section title="Training">
        {points.length > 0 ? (
          <CurveCharts points={points} score={score} />
        ) : (
          <p class="hint">{ended(run) ? 'Nothing was trained.' : 'Curves come with the first epoch.'}</p>
        )}
      </Section>
      <Layers run={run} />
      <Groups run={run} />
      <Section title="Files">
        <Files run={run} />
      </Section>
      <Section title="Log">
        <Log id={id} lines={live.any ? live.lines : kept.lines} following={!ended(run)} />
      </Section>
      <Settings run={run} />
    </View>
  );
}

function Now({ run, connected }: { run: RunDetail; connected: boolean }) {
  if (run.state === 'done') {
    const { started, finished, attempt } = run;
    if (!started || !finished) return null;
    const took = duration((Date.parse(finished) - Date.parse(started)) / 1000);
    return (
      <p class="hint">
        Done {ago(finished)}, after {took}
        {attempt > 1 && `, in ${attempt} attempts`}.
      </p>
    );
  }
  return (
    <div class={run.state === 'failed' ? 'notice error' : 'notice now'}>
      <div aria-live="off">
        {run.state === 'failed' || run.state === 'cancelled' ? (
          <p>
            <Linked
              text={run.reason ?? (run.state === 'failed' ? 'It failed: the log says more.' : 'It was cancelled.')}
            />
          </p>
        ) : (
          <Standing run={run} />
        )}
      </div>
      {!ended(run) && <Connection connected={connected} />}
    </div>
  );
}

function Scores({ run }: { run: RunDetail }) {
  const { base, score } = run.scores!;
  return base === null ? null : (
    <dl class="tiles">
      <div>
        <dt>{score}</dt>
        <dd>{(100 * base).toFixed(2)} %</dd>
      </div>
    </dl>
  );
}

function Actions({ run, changed }: { run: RunDetail; changed: () => void }) {
  const [failure, setFailure] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [shared, setShared] = useState(false);
  const act = async (action: 'cancel' | 'retry', said: string) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await post(`api/runs/${run.id}/${action}`);
      announce(said);
      changed();
    } catch (error) {
      setFailure(error as ApiError);
    } finally {
      setBusy(false);
    }
  };
  const share = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setShared(true);
      announce('The link is copied.');
    } catch {
      setFailure(new ApiError(`The link is ${location.href}`, 0));
    }
  };
  return (
    <>
      {!ended(run) && (
        <button
          type="button"
          class="danger"
          disabled={busy}
          onClick={() => void act('cancel', 'It is being cancelled.')}
        >
          Cancel
        </button>
      )}
      {(run.state === 'failed' || run.state === 'cancelled') && (
        <button type="button" class="primary" disabled={busy} onClick={() => void act('retry', 'It is queued again.')}>
          {run.state === 'failed' ? 'Retry' : 'Resume'}
        </button>
      )}
      <a class="button" href={address(['new'], { run: run.id })}>
        Clone
      </a>
      {run.kind === 'pruned' && (
        <a class="button" href={address(['compare'], { runs: run.id })}>
          Compare
        </a>
      )}
      <button type="button" onClick={() => void share()}>
        {shared ? 'Link copied' : 'Copy link'}
      </button>
      {failure && <ErrorNote error={failure} />}
    </>
  );
}

type Epoch = Extract<RunEvent, { event: 'epoch' }>['data'];
export type LogLine = Extract<RunEvent, { event: 'log' }>['data'];

interface Told {
  readonly epochs: readonly Epoch[];
  readonly lines: readonly LogLine[];
  /** Whether anything was heard: else the run had ended before. */
  readonly any: boolean;
}

/** What a run that has not ended tells. Many events that come together are shown together. */
function useLive(run: RunDetail | undefined, reload: () => void, update: (run: RunInfo) => void) {
  const [told, setTold] = useState<Told>({ epochs: [], lines: [], any: false });
  const waiting = useRef<RunEvent[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    waiting.current = [];
    setTold({ epochs: [], lines: [], any: false });
    return () => clearTimeout(timer.current);
  }, [run?.id]);
  const flush = () => {
    timer.current = undefined;
    const events = waiting.current.splice(0);
    setTold(({ epochs, lines }) => ({
      any: true,
      epochs: [...epochs, ...events.flatMap(({ event, data }) => (event === 'epoch' ? [data] : []))],
      lines: [...lines, ...events.flatMap(({ event, data }) => (event === 'log' ? [data] : []))].slice(-mostLines),
    }));
    const info = events.findLast(({ event }) => event === 'run')?.data as RunInfo | undefined;
    if (!info) return;
    if (run && info.state !== run.state) {
      announce(`${runName(info)} is ${info.state}.`);
      reload();
    }
    update(info);
  };
  const connected = useEvents<RunEvent>(
    run && !ended(run) ? `api/runs/${run.id}/events` : undefined,
    ['run', 'epoch', 'log'],
    event => {
      waiting.current.push(event);
      timer.current ??= setTimeout(flush, 60);
    },
  );
  return { ...told, connected };
}

/** What is kept of a run that had ended when somebody came to look. */
function useKept(
  run: RunDetail | undefined,
  live: boolean,
): { points: readonly CurvePoint[]; lines: readonly LogLine[] } {
  const [kept, setKept] = useState<{ points: readonly CurvePoint[]; lines: readonly LogLine[] }>({
    points: [],
    lines: [],
  });
  const id = run && ended(run) && !live ? run.id : undefined;
  const trained = run?.record === null;
  useEffect(() => {
    if (id === undefined) return;
    const { signal, abort } = aborting();
    void requestText(`api/runs/${id}/log`, { signal }).then(
      text => {
        const lines = text.split('\n').filter(Boolean).slice(-mostLines);
        setKept(before => ({ ...before, lines: lines.map(line => ({ line, at: '', attempt: 0 })) }));
      },
      () => undefined,
    );
    if (trained)
      void requestText(`api/runs/${id}/curves.csv`, { signal }).then(
        csv => setKept(before => ({ ...before, points: curveOfCsv(csv) })),
        () => undefined,
      );
    return abort;
  }, [id, trained]);
  return kept;
}

function aborting() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
