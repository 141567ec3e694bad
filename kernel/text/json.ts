/** JSON with a line per entry, but lists of plain values on one line; ends with a newline. */
export const json = (value: unknown): string => `${write(value, '\n')}\n`;

function write(value: unknown, newline: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = `${newline}  `;
  if (Array.isArray(value)) {
    const isFlat = value.every(item => typeof item !== 'object' || item === null);
    if (isFlat) return `[${value.map(item => write(item, inner)).join(', ')}]`;
    return `[${value.map(item => inner + write(item, inner)).join(',')}${newline}]`;
  }
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, entry]) => `${inner}${JSON.stringify(key)}: ${write(entry, inner)}`);
  return `{${lines.join(',')}${newline}}`;
}
