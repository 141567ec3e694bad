import { useState } from 'preact/hooks';
import type { GroupFile, RunDetail } from '../../api.ts';
import { Chart } from '../chart.tsx';
import { plural } from '../format.ts';
import { useLoad } from '../http.ts';
import { Table, type Column } from '../table.tsx';
import { ErrorNote, Loading, Section } from '../ui.tsx';

/** What is pruned together, and what was left of it. */
export function Groups({ run }: { run: RunDetail }) {
  const has = (name: string) => run.files.some(file => file.name === name);
  const there = has('groups.json');
  const { data, error, reload } = useLoad<GroupFile>(there ? `api/runs/${run.id}/files/groups.json` : undefined);
  if (!there) return null;
  return (
    <Section title="Dependency groups">
      {error && <ErrorNote error={error} retry={reload} />}
      {data && run.kind === 'pruned' && <KeptChart groups={data} />}
      {data && (
        <details>
          <summary>What is in each group</summary>
          <div class="tall">
            <Table caption="Dependency groups" rows={data} keyOf={({ id }) => id} columns={memberColumns} />
          </div>
        </details>
      )}
      {has('groups.vl.json') && <Drawing id={run.id} groups={data?.length} />}
    </Section>
  );
}

type Group = GroupFile[number];

const layersOf = ({ members }: Group): string[] => [
  ...new Set(members.map(({ parameter }) => parameter.slice(0, parameter.lastIndexOf('.')))),
];

const memberColumns: Column<Group>[] = [
  {
    title: 'group',
    head: true,
    cell: ({ id, protected: reason }) => (
      <>
        {id}
        {reason !== null && <small> stays whole: {reason}</small>}
      </>
    ),
  },
  { title: 'kept', figure: true, cell: ({ kept }) => kept },
  { title: 'of', figure: true, cell: ({ units }) => units },
  { title: 'layers that lose channels together', cell: group => layersOf(group).join(', ') },
];

interface Row {
  readonly group: string;
  readonly position: number;
  readonly share: number;
  readonly kept: number;
  readonly units: number;
}

function KeptChart({ groups }: { groups: GroupFile }) {
  const rows = groups
    .filter(group => group.protected === null)
    .map(({ id, units, kept }, position): Row => ({ group: id, position, share: kept / units, kept, units }));
  const [least] = [...rows].sort((a, b) => a.share - b.share);
  const whole = groups.length - rows.length;
  return (
    <Chart
      title="Channels kept per group"
      spec={keptSpec}
      rows={rows}
      text={[
        plural(rows.length, 'group'),
        whole > 0 ? `, and ${whole} that cannot be pruned` : '',
        least ? `. The least is left of ${least.group}: ${least.kept} of ${least.units} channels.` : '.',
      ].join('')}
      columns={[
        { title: 'group', head: true, cell: ({ group }: Row) => group },
        { title: 'kept', figure: true, cell: ({ kept }: Row) => kept },
        { title: 'of', figure: true, cell: ({ units }: Row) => units },
        { title: 'share', figure: true, cell: ({ share }: Row) => `${(100 * share).toFixed(0)} %` },
      ]}
    />
  );
}

const keptSpec = {
  width: 'container',
  height: 190,
  autosize: { type: 'fit', contains: 'padding' },
  mark: { type: 'bar', color: '#4c78a8', cornerRadiusEnd: 2 },
  encoding: {
    x: {
      field: 'group',
      type: 'nominal',
      title: null,
      sort: { field: 'position' },
      axis: { labelAngle: -55, labelOverlap: true, labelLimit: 110, ticks: false },
    },
    y: {
      field: 'share',
      type: 'quantitative',
      title: null,
      scale: { domain: [0, 1] },
      axis: { format: '.0%', tickCount: 5 },
    },
    tooltip: ['group', 'kept', 'units'].map(field => ({ field })),
  },
};

/** The graph, coloured by group; it can be large. */
function Drawing({ id, groups }: { id: string; groups: number | undefined }) {
  const [open, setOpen] = useState(false);
  const { data, error, reload } = useLoad<{ title?: string }>(open ? `api/runs/${id}/files/groups.vl.json` : undefined);
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>The layers, coloured by what loses channels together</summary>
      {error && <ErrorNote error={error} retry={reload} />}
      {open && !data && !error && <Loading />}
      {data && (
        <div class="drawing" tabIndex={0} role="region" aria-label="Drawing of the dependency groups">
          <Chart
            spec={withoutTitle(data)}
            title={data.title ?? 'Dependency groups'}
            text={`${groups === undefined ? 'The groups' : plural(groups, 'group')} of the model before pruning: boxes are layers, from the input down; what has one colour loses channels together. The table of layers names the group of each.`}
          />
        </div>
      )}
    </details>
  );
}

const withoutTitle = ({ title: _, ...spec }: { title?: string }): object => spec;
