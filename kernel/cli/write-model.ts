import { join } from 'node:path';
import type { Catalogue } from '../catalogue.ts';
import type { Graph } from '../graph/graph.ts';
import { makeFolder, writeAtomically } from '../train/write-atomically.ts';
import { json } from '../text/json.ts';

/** Writes `model.<extension>` in every format, then `<name>.json`; returns the paths. */
export async function writeModel(
  folder: string,
  { formats }: Catalogue,
  graph: Graph,
  name: string,
  record: unknown,
): Promise<string[]> {
  await makeFolder(folder);
  const files: [string, Uint8Array][] = formats.map(format => [`model${format.extension}`, format.write(graph)]);
  files.push([`${name}.json`, new TextEncoder().encode(json(record))]);
  for (const [file, bytes] of files) await writeAtomically(join(folder, file), bytes);
  return files.map(([file]) => join(folder, file));
}
