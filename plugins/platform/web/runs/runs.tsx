import { useEffect, useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { ListEvent, runsSchema } from '../../api.ts';
import { runKinds, runStates } from '../../vocabulary.ts';
import { address, listIn } from '../address.ts';
import { upload, useCatalogue, useModelName, useUploads } from '../context.ts';
import type { ApiError } from '../http.ts';
import { request, useLoad } from '../http.ts';
import { useEvents } from '../live.ts';
import { ask } from '../router.ts';
import { Download, ErrorNote, Loading, View } from '../ui.tsx';
import { RunTable } from './run-table.tsx';

type Page = z.infer<typeof runsSchema>;

const filters = ['state', 'kind', 'model', 'dataset', 'method'] as const;
/** As many can be compared. */
export const mostCompared = 10;

/** All runs, newest first. */
export function Runs({ query }: { query: Readonly<Record<string, string>> }) {
  const { models, datasets } = useCatalogue();
  const uploads = useUploads();
  const modelName = useModelName();
  const asked = new URLSearchParams(
    filters.flatMap(name => (query[name] ? [[name, query[name]] as [string, string]] : [])),
  );
  const path = `api/runs?${asked}`;
  const { data, error, reload, set } = useLoad<Page>(path);
  const connected = useRunList(set, reload, query);
  const [more, setMore] = useState<{ busy: boolean; error?: ApiError }>({ busy: false });
  const chosen = listIn(query['compare']);
  const next = data?.next;
  const loadMore = async () => {
    setMore({ busy: true });
    try {
      const page = await request<Page>(`${path}&after=${encodeURIComponent(next!)}`);
      set(before => ({ runs: [...(before?.runs ?? []), ...page.runs], next: page.next }));
      setMore({ busy: false });
    } catch (error) {
      setMore({ busy: false, error: error as ApiError });
    }
  };
  return (
    <View
      title="Runs"
      about={
        <>
          One of many: <a href={address(['submissions'])}>as they were submitted</a>.{' '}
          <Connection connected={connected} />
        </>
      }
      actions={
        <>
          <a
            class={chosen.length > 0 ? 'button primary' : 'button off'}
            href={chosen.length > 0 ? address(['compare'], { runs: chosen.join() }) : undefined}
            aria-disabled={chosen.length === 0}
          >
            {chosen.length === 0 ? 'Choose runs to compare' : `Compare ${chosen.length} of up to ${mostCompared}`}
          </a>
          <Download href={`api/results.csv?${asked}`} name="results.csv">
            Results as CSV
          </Download>
        </>
      }
    >
      <form class="filters" role="search" aria-label="Filters" onSubmit={event => event.preventDefault()}>
        <Select name="state" values={runStates} query={query} />
        <Select name="kind" values={runKinds} query={query} />
        <Select
          name="model"
          values={[...models.map(({ id }) => id), ...(uploads.data?.models ?? []).map(({ id }) => upload(id))]}
          shown={modelName}
          query={query}
        />
        <Select name="dataset" title="data set" values={datasets.map(({ id }) => id)} query={query} />
        <MethodFilter value={query['method'] ?? ''} />
        {asked.size > 0 && (
          <button
            type="button"
            class="quiet"
            onClick={() => ask(Object.fromEntries(filters.map(name => [name, undefined])))}
          >
            Show all
          </button>
        )}
      </form>
      {error && <ErrorNote error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && data.runs.length === 0 && (
        <p class="empty">
          {asked.size > 0 ? 'No run is like this.' : 'There are no runs yet.'} <a href={address(['new'])}>Start one</a>.
        </p>
      )}
      {data && data.runs.length > 0 && (
        <RunTable
          runs={data.runs}
          chosen={chosen}
          choose={id => {
            const next = chosen.includes(id) ? chosen.filter(one => one !== id) : [...chosen, id];
            ask({ compare: next.slice(0, mostCompared).join() });
          }}
        />
      )}
      {next && (
        <button type="button" disabled={more.busy} onClick={() => void loadMore()}>
          {more.busy ? 'Loading…' : 'Show older runs'}
        </button>
      )}
      {more.error && <ErrorNote error={more.error} />}
    </View>
  );
}

export const Connection = ({ connected }: { connected: boolean }) => (
  <span class={connected ? 'connection on' : 'connection'} role="status">
    {connected ? 'Live' : 'Not connected'}
  </span>
);

/** Keeps a page of runs up to date: what is on it changes at once, what is new comes a moment later with the places of all. */
function useRunList(
  set: (change: (page: Page | undefined) => Page | undefined) => void,
  reload: () => void,
  query: Readonly<Record<string, string>>,
): boolean {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const soon = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      reload();
    }, 1500);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const states = useRef(new Map<string, string>());
  return useEvents<ListEvent>(
    'api/events',
    ['run', 'reload'],
    event => {
      if (event.event === 'reload') soon();
      if (event.event !== 'run') return;
      const { data: run } = event;
      const before = states.current.get(run.id);
      states.current.set(run.id, run.state);
      if (before !== run.state) soon();
      if (query['state'] && run.state !== query['state']) return;
      set(page => page && { ...page, runs: page.runs.map(one => (one.id === run.id ? run : one)) });
    },
    reload,
  );
}

function Select({
  name,
  title = name,
  values,
  shown = value => value,
  query,
}: {
  name: string;
  title?: string;
  values: readonly string[];
  shown?: (value: string) => string;
  query: Readonly<Record<string, string>>;
}) {
  const value = query[name] ?? '';
  return (
    <label>
      {title}
      <select name={name} value={value} onChange={event => ask({ [name]: event.currentTarget.value })}>
        <option value="">all</option>
        {(value === '' || values.includes(value) ? values : [...values, value]).map(one => (
          <option value={one}>{shown(one)}</option>
        ))}
      </select>
    </label>
  );
}

function MethodFilter({ value }: { value: string }) {
  const { criteria } = useCatalogue();
  return (
    <label>
      method
      <input
        name="method"
        list="methods-known"
        defaultValue={value}
        key={value}
        placeholder="all"
        onChange={event => ask({ method: event.currentTarget.value.trim() })}
      />
      <datalist id="methods-known">
        {criteria.map(({ id }) => (
          <option value={id} />
        ))}
      </datalist>
    </label>
  );
}
