import { duration, metric } from '../../../kernel/text/table.ts';

export { duration };

/** As in `11.2 M`: three digits that count. */
export function amount(n: number): string {
  if (n < 1000) return String(n);
  const [digits, unit] = metric(n).split(' ') as [string, string];
  return `${Number(Number(digits).toPrecision(3))} ${unit}`;
}

/** As in `4.2s`, and without parts of seconds where they do not matter. */
export const seconds = (n: number): string => (n < 10 ? `${n.toFixed(1)}s` : duration(n));
/** Of a share. */
export const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;
/** As in `2.05x`. */
export const times = (factor: number): string => `${factor.toFixed(2)}x`;
/** With its sign. */
export const signed = (value: number, digits = 2): string => {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value > 0 ? '+' : '\u2212') + text;
};
/** As in `4.2 MB`. */
export const bytes = (n: number): string => (n < 1000 ? `${n} B` : `${amount(n)}B`);
export function rate(value: number): string {
  const text = Number(value.toPrecision(3));
  return text !== 0 && text < 1e-4 ? text.toExponential() : String(text);
}

/** Time since, or the day where that was long ago. */
export function ago(time: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return time.slice(0, 10);
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
