import { flat } from '../../../../kernel/bench/canonical.ts';
import type { RunDetail } from '../../api.ts';
import { Table } from '../table.tsx';

/** Everything a run was given, and what it ran on. */
export function Settings({ run }: { run: RunDetail }) {
  const { plan, record } = run;
  const settings = record ? flat(record.configuration) : flat(plan);
  const where = record ? flat(record.provenance) : {};
  return (
    <details class="settings">
      <summary>All settings{record ? ', versions and hardware' : ''}</summary>
      <Table
        caption="Settings"
        rows={Object.entries({ ...settings, ...where }).filter(([, value]) => value !== null)}
        columns={[
          { title: 'setting', head: true, cell: ([name]) => name },
          { title: 'value', cell: ([, value]) => text(value) },
        ]}
      />
    </details>
  );
}

export const text = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : value === undefined
      ? '–'
      : Array.isArray(value)
        ? value.join(', ')
        : String(value);
