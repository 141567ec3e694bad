import type { Format, ReadOptions } from './plugin.ts';
import type { Graph } from './graph/graph.ts';

/** Reads a model in whichever format its bytes are of, whatever the file is called. */
export function readModel(formats: readonly Format[], bytes: Uint8Array, options: ReadOptions = {}): Graph {
  if (bytes.length === 0) throw new Error('not a model: the file is empty');
  const format = formats.find(own => own.read && own.recognizes?.(bytes));
  if (format) return format.read!(bytes, options);
  const known = formats.filter(({ read }) => read).map(({ id }) => id);
  throw new Error(`not a model: its first bytes are of none of the formats ${known.join(', ')}`);
}
