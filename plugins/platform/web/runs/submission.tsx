import { useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { ListEvent, runsSchema, standingsSchema, SubmissionInfo } from '../../api.ts';
import { address } from '../address.ts';
import { ago, plural } from '../format.ts';
import type { ApiError } from '../http.ts';
import { post, request, useLoad } from '../http.ts';
import { StandingTable } from '../leaderboards/standing-table.tsx';
import { useEvents } from '../live.ts';
import { announce, Download, ErrorNote, Loading, Section, View } from '../ui.tsx';
import { RunTable } from './run-table.tsx';
import { Connection, mostCompared } from './runs.tsx';
import { States } from './submissions.tsx';

type Page = z.infer<typeof runsSchema>;

/** What somebody submitted: its runs, and the leaderboard that they fill. */
export function Submission({ id }: { id: string }) {
  const submission = useLoad<SubmissionInfo>(`api/submissions/${id}`);
  const runs = useLoad<Page>(`api/runs?submission=${id}&limit=200`);
  const board = useLoad<z.infer<typeof standingsSchema>>(`api/standings?submission=${id}`);
  const [failure, setFailure] = useState<ApiError>();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const soon = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      submission.reload();
      runs.reload();
      board.reload();
    }, 1000);
  };
  const connected = useEvents<ListEvent>(
    'api/events',
    ['run', 'submission', 'reload'],
    event => {
      if (event.event === 'reload') return soon();
      if (event.event === 'submission') {
        if (event.data.id === id) submission.set(() => event.data);
        return;
      }
      const { data: run } = event;
      const before = runs.data?.runs.find(one => one.id === run.id);
      if (!before && run.submission !== id) return;
      if (before?.state !== run.state) soon();
      if (before && before.state !== 'done' && run.state === 'done') announce(`${run.title} is done.`);
      runs.set(page => page && { ...page, runs: page.runs.map(one => (one.id === run.id ? run : one)) });
    },
    soon,
  );
  const act = async (action: 'cancel') => {
    setFailure(undefined);
    try {
      await post(`api/submissions/${id}/${action}`);
      announce('The runs are being cancelled.');
      soon();
    } catch (error) {
      setFailure(error as ApiError);
    }
  };
  const more = async () => {
    const page = await request<Page>(
      `api/runs?submission=${id}&limit=200&after=${encodeURIComponent(runs.data!.next!)}`,
    );
    runs.set(before => ({ runs: [...(before?.runs ?? []), ...page.runs], next: page.next }));
  };
  const { data, error } = submission;
  if (error && !data)
    return (
      <View title="Submission">
        <ErrorNote error={error} retry={submission.reload} />
      </View>
    );
  if (!data) return <Loading />;
  const { states } = data;
  const open = (states.waiting ?? 0) + (states.queued ?? 0) + (states.running ?? 0);
  const rows = board.data?.rows ?? [];
  return (
    <View
      title={data.title}
      about={
        <>
          <States states={states} /> <time dateTime={data.created}>submitted {ago(data.created)}</time>{' '}
          {open > 0 && <Connection connected={connected} />}
        </>
      }
      actions={
        <>
          {chosen.length > 0 && (
            <a class="button primary" href={address(['compare'], { runs: chosen.join() })}>
              Compare {chosen.length} of up to {mostCompared}
            </a>
          )}
          <a class="button" href={address(['new'], { submission: id })}>
            Clone
          </a>
          <Download href={`api/results.csv?submission=${id}`} name={`${id}.csv`}>
            Results as CSV
          </Download>
          {open > 0 && (
            <button type="button" class="danger" onClick={() => void act('cancel')}>
              Cancel {plural(open, 'run')}
            </button>
          )}
        </>
      }
    >
      {failure && <ErrorNote error={failure} />}
      <Section title="Leaderboard" about={rows.length === 0 ? 'It fills as runs are done.' : undefined}>
        {rows.length > 0 && <StandingTable rows={rows} caption={`Leaderboard of ${data.title}`} />}
        {board.error && <ErrorNote error={board.error} retry={board.reload} />}
      </Section>
      <Section title="Runs">
        {runs.error && <ErrorNote error={runs.error} retry={runs.reload} />}
        {runs.data && (
          <RunTable
            within
            runs={runs.data.runs}
            chosen={chosen}
            choose={one =>
              setChosen(before =>
                before.includes(one) ? before.filter(other => other !== one) : [...before, one].slice(0, mostCompared),
              )
            }
          />
        )}
        {runs.data?.next && (
          <button type="button" onClick={() => void more()}>
            Show more
          </button>
        )}
      </Section>
    </View>
  );
}
