import type { Layers as Rows, RunDetail } from '../../api.ts';
import { amount, percent } from '../format.ts';
import { useLoad } from '../http.ts';
import { Table } from '../table.tsx';
import { ErrorNote, Section } from '../ui.tsx';

/** Every layer before and after pruning. */
export function Layers({ run }: { run: RunDetail }) {
  const there = run.files.some(({ name }) => name === 'layers.json');
  const { data, error, reload } = useLoad<Rows>(there ? `api/runs/${run.id}/files/layers.json` : undefined);
  if (!there) return null;
  const sum = (of: (row: Rows[number]) => number) => (data ?? []).reduce((total, row) => total + of(row), 0);
  const [before, after] = [sum(({ macs }) => macs.before), sum(({ macs }) => macs.after)];
  return (
    <Section title="Layers">
      {error && <ErrorNote error={error} retry={reload} />}
      {data && (
        <>
          <p class="hint">
            {data.length} layers with weights, {amount(before)} multiply-adds before and {amount(after)} after.
          </p>
          <div class="tall">
            <Table
              caption="Layers before and after"
              rows={data}
              keyOf={({ id }) => id}
              columns={[
                { title: 'layer', head: true, cell: ({ id }) => id },
                { title: 'op', cell: ({ op }) => op },
                { title: 'group', cell: ({ group }) => group ?? '' },
                { title: 'channels', figure: true, cell: row => `${row.before} → ${row.after}` },
                { title: 'kept', cell: ({ before, after }) => <Kept share={before === 0 ? 1 : after / before} /> },
                { title: 'parameters', figure: true, cell: ({ params }) => change(params) },
                { title: 'multiply-adds', figure: true, cell: ({ macs }) => change(macs) },
              ]}
            />
          </div>
        </>
      )}
    </Section>
  );
}

const change = ({ before, after }: { before: number; after: number }): string =>
  before === 0 ? '' : before === after ? amount(before) : `${amount(before)} → ${amount(after)}`;

/** A share as a bar, with its number. */
export const Kept = ({ share }: { share: number }) => (
  <span class="kept">
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect width="100" height="8" class="all" />
      <rect width={100 * share} height="8" />
    </svg>
    <span>{percent(share, 0)}</span>
  </span>
);
