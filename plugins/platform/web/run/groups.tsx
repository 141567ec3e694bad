import { useState } from 'preact/hooks';
import type { RunDetail } from '../../api.ts';
import { Chart } from '../chart.tsx';
import { plural } from '../format.ts';
import { useLoad } from '../http.ts';
import { ErrorNote, Loading, Section } from '../ui.tsx';

/** What is pruned together, and what was left of it. */
export function Groups({ run }: { run: RunDetail }) {
  const there = run.files.some(({ name }) => name === 'groups.vl.json');
  const { record } = run;
  if (!there && !record) return null;
  return (
    <Section title="Dependency groups">
      {record && <KeptChart groups={record.groups} />}
      {there && <Drawing id={run.id} groups={record?.groups.length} />}
    </Section>
  );
}

interface Row {
  readonly group: string;
  readonly position: number;
  readonly share: number;
  readonly kept: number;
  readonly units: number;
}

function KeptChart({ groups }: { groups: NonNullable<RunDetail['record']>['groups'] }) {
  const rows = groups
    .filter(({ whole }) => whole === undefined)
    .map(({ id, units, kept }, position) => ({
      group: id,
      position,
      share: kept.length / units,
      kept: kept.length,
      units,
    }));
  const [least] = [...rows].sort((a, b) => a.share - b.share);
  const whole = groups.length - rows.length;
  return (
    <Chart
      title="Channels kept per group"
      spec={keptSpec}
      rows={rows}
      text={[
        `${plural(rows.length, 'group')} pruned`,
        whole > 0 ? `, ${whole} left whole` : '',
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
