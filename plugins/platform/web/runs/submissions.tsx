import type { z } from 'zod';
import type { ListEvent, SubmissionInfo, submissionsSchema } from '../../api.ts';
import type { RunState } from '../../vocabulary.ts';
import { address } from '../address.ts';
import { ago, plural } from '../format.ts';
import { useLoad } from '../http.ts';
import { useEvents } from '../live.ts';
import { Table } from '../table.tsx';
import { ErrorNote, Loading, View } from '../ui.tsx';

/** What was submitted, newest first. */
export function Submissions() {
  const { data, error, reload, set } = useLoad<z.infer<typeof submissionsSchema>>('api/submissions');
  useEvents<ListEvent>(
    'api/events',
    ['submission', 'reload'],
    event => {
      if (event.event === 'reload') reload();
      if (event.event !== 'submission') return;
      set(page => {
        if (!page) return page;
        const { data: one } = event;
        const known = page.submissions.some(({ id }) => id === one.id);
        const submissions = known
          ? page.submissions.map(old => (old.id === one.id ? one : old))
          : [one, ...page.submissions];
        return { ...page, submissions };
      });
    },
    reload,
  );
  return (
    <View title="Submissions" about={<a href={address(['runs'])}>All runs, one by one</a>}>
      {error && <ErrorNote error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data?.submissions.length === 0 && (
        <p class="empty">
          Nothing was submitted yet. <a href={address(['new'])}>Start a run</a>.
        </p>
      )}
      {data && data.submissions.length > 0 && (
        <Table
          stack
          caption="Submissions"
          rows={data.submissions}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'title',
              head: true,
              class: 'name',
              cell: ({ id, title }) => <a href={address(['submissions', id])}>{title}</a>,
            },
            { title: 'runs', cell: submission => <States states={submission.states} /> },
            { title: 'when', class: 'when', cell: ({ created }) => <time dateTime={created}>{ago(created)}</time> },
          ]}
        />
      )}
    </View>
  );
}

const order: readonly RunState[] = ['done', 'running', 'queued', 'waiting', 'failed', 'cancelled'];

/** How many runs are in each state, as a bar and in words. */
export function States({ states }: { states: SubmissionInfo['states'] }) {
  const there = order.flatMap(state => (states[state] ? [[state, states[state]] as const] : []));
  const all = there.reduce((sum, [, n]) => sum + n, 0);
  return (
    <span class="states">
      <svg viewBox={`0 0 ${Math.max(1, all)} 1`} preserveAspectRatio="none" aria-hidden="true">
        {there.map(([state, n], i) => (
          <rect
            key={state}
            class={state}
            x={there.slice(0, i).reduce((sum, [, before]) => sum + before, 0)}
            width={n}
            height={1}
          />
        ))}
      </svg>
      <span>{there.map(([state, n]) => `${n} ${state}`).join(', ') || plural(0, 'run')}</span>
    </span>
  );
}
