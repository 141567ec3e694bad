import type { ComponentChildren } from 'preact';
import type { StandingInfo } from '../../api.ts';
import { useModelName } from '../context.ts';
import { percent, signed, times } from '../format.ts';
import { Table, type Column } from '../table.tsx';
import { address } from '../address.ts';
import { runLink } from '../ui.tsx';

const fixed = (value: number | null): string => (value === null ? '' : value.toFixed(2));
const time = (seconds: number): string =>
  seconds < 1 ? `${(1000 * seconds).toFixed(1)} ms` : `${seconds.toFixed(1)} s`;

/** Standings as a table, best first; what is the same in all of them is left out. */
export function StandingTable({ rows, caption }: { rows: readonly StandingInfo[]; caption: string }) {
  const modelName = useModelName();
  const several = (key: 'model' | 'dataset' | 'protocol' | 'strategy' | 'source') =>
    new Set(rows.map(row => row[key])).size > 1;
  const some = (key: keyof StandingInfo) => rows.some(row => row[key] !== null);
  const column = (
    shown: boolean,
    title: string,
    cell: (row: StandingInfo) => ComponentChildren,
    rest: Partial<Column<StandingInfo>> = { figure: true },
  ): Column<StandingInfo>[] => (shown ? [{ title, cell, ...rest }] : []);
  const columns = [
    ...column(true, 'method', row => <Method row={row} />, { head: true, class: 'name' }),
    ...column(true, 'rank', row => <b>{row.rank}</b>),
    ...column(true, 'speed-up', ({ speedup }) => `${speedup}x`),
    ...column(several('source'), 'of', ({ source, by }) => (source === 'paper' ? 'paper' : (by ?? 'here')), {}),
    ...column(several('model'), 'model', ({ model }) => modelName(model), {}),
    ...column(several('dataset'), 'data set', ({ dataset }) => dataset, {}),
    ...column(several('strategy'), 'strategy', ({ strategy }) => strategy, {}),
    ...column(several('protocol'), 'protocol', ({ protocol }) => protocol, {}),
    ...column(true, 'score', ({ score, spread }) => (
      <>
        {fixed(score)}
        {spread !== null && <small> ± {fixed(spread)}</small>}
      </>
    )),
    ...column(true, 'delta', ({ delta }) => signed(delta)),
    ...column(true, 'base', ({ base }) => fixed(base)),
    ...column(some('before'), 'before', ({ before }) => fixed(before)),
    ...column(some('recalibrated'), 'recalibrated', ({ recalibrated }) => fixed(recalibrated)),
    ...column(
      rows.some(({ runs }) => runs > 1),
      'seeds',
      ({ runs }) => runs,
    ),
    ...column(true, 'left', ({ paramsLeft }) => percent(paramsLeft / 100, 1)),
    ...column(some('reached'), 'reached', ({ reached }) => (reached === null ? '' : times(reached))),
    ...column(some('latencyRatio'), 'latency', ({ latencyRatio }) =>
      latencyRatio === null ? '' : times(latencyRatio),
    ),
    ...column(some('stepSeconds'), 'step', ({ stepSeconds }) => (stepSeconds === null ? '' : time(stepSeconds))),
    ...column(some('status'), 'status', ({ status }) => status ?? '', {}),
  ];
  return <Table caption={caption} columns={columns} rows={rows} rowClass={({ source }) => source} />;
}

/** A method, with a way to the runs that it is the mean of. */
export function Method({ row: { method, ids } }: { row: Pick<StandingInfo, 'method' | 'ids'> }) {
  const [first] = ids;
  if (first === undefined) return <>{method}</>;
  return (
    <a href={ids.length === 1 ? runLink(first) : address(['compare'], { runs: ids.slice(0, 10).join() })}>{method}</a>
  );
}
