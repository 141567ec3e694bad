import type { RunInfo } from '../../api.ts';
import { useModelName } from '../context.ts';
import { ago, percent, signed } from '../format.ts';
import { Table, type Column } from '../table.tsx';
import { runLink, runName, Standing, State } from '../ui.tsx';
import { mostCompared } from './runs.tsx';

/** Runs as a table; with `choose`, some of them can be taken to be compared. */
export function RunTable({
  runs,
  chosen = [],
  choose,
  within = false,
}: {
  runs: readonly RunInfo[];
  chosen?: readonly string[];
  choose?: (id: string) => void;
  /** All of one submission: what they have in common is said elsewhere. */
  within?: boolean;
}) {
  const modelName = useModelName();
  const several = (key: 'model' | 'dataset' | 'seed' | 'strategy') => new Set(runs.map(run => run[key])).size > 1;
  const columns: Column<RunInfo>[] = [
    ...(choose
      ? [
          {
            title: 'compare',
            class: 'choose',
            cell: (run: RunInfo) =>
              run.kind === 'pruned' && (
                <input
                  type="checkbox"
                  aria-label={`Compare ${runName(run)} on ${run.dataset}`}
                  checked={chosen.includes(run.id)}
                  disabled={!chosen.includes(run.id) && chosen.length >= mostCompared}
                  onChange={() => choose(run.id)}
                />
              ),
          },
        ]
      : []),
    { title: 'state', class: 'state', cell: ({ state }) => <State state={state} /> },
    { title: 'run', head: true, class: 'name', cell: run => <a href={runLink(run.id)}>{runName(run)}</a> },
    ...(!within || several('model') ? [{ title: 'model', cell: ({ model }: RunInfo) => modelName(model) }] : []),
    ...(!within || several('dataset') ? [{ title: 'data set', cell: ({ dataset }: RunInfo) => dataset }] : []),
    ...(!within || several('strategy')
      ? [
          {
            title: 'strategy',
            class: 'whole',
            cell: ({ kind, strategy }: RunInfo) => (kind === 'pruned' ? strategy : ''),
          },
        ]
      : []),
    ...(!within || several('seed') ? [{ title: 'seed', figure: true, cell: ({ seed }: RunInfo) => seed }] : []),
    { title: 'score', figure: true, cell: run => scoreOf(run) },
    { title: 'now', class: 'now', cell: run => <Standing run={run} /> },
    {
      title: 'when',
      class: 'when',
      cell: ({ created, started, finished }) => {
        const [word, time] = finished ? ['ended', finished] : started ? ['began', started] : ['submitted', created];
        return (
          <time dateTime={time} title={time}>
            {word} {ago(time)}
          </time>
        );
      },
    },
  ];
  return <Table stack caption="Runs" columns={columns} rows={runs} keyOf={({ id }) => id} />;
}

/** Of what was made: the base model's, or the pruned one's and what it lost. */
function scoreOf({ kind, scores }: RunInfo) {
  if (!scores) return '';
  const { base, pruned, finetuned, score } = scores;
  const last = kind === 'base' ? base : (finetuned ?? pruned ?? base);
  if (last === null) return '';
  return (
    <span title={score}>
      {percent(last)}
      {kind === 'pruned' && base !== null && <small> {signed(100 * (last - base))}</small>}
    </span>
  );
}
