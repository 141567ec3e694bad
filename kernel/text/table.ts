const isNumeric = (cell: string) => /^[\d.,]+( ?[kMG%x×])?$/.test(cell) || cell === '';

/** Lines of a table, columns aligned by two spaces; columns of numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]!.length)));
  const right = head.map((_, column) => rows.length > 0 && rows.every(row => isNumeric(row[column]!)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].map(l => `${l}\n`).join('');
}

/** As in `25.557 M`; four digits that count. */
export function metric(n: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (n >= size) return `${(n / size).toFixed(3)} ${unit}`;
  return String(n);
}

/** As in `1h 02m`, `2m 05s` or `7s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const s = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (s >= 3600) return `${Math.floor(s / 3600)}h ${two(Math.floor((s % 3600) / 60))}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m ${two(s % 60)}s` : `${s}s`;
}
