import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Model } from '../../../kernel/plugin.ts';
import { readModel } from '../../../kernel/read-model.ts';
import { catalogue } from '../../catalogue.ts';

/** An uploaded file as a model of the zoo; records have its checksum among its options. */
export async function uploadedModel(
  id: string,
  task: string,
  { path, sha256 }: { readonly path: string; readonly sha256: string },
): Promise<Model> {
  const graph = readModel(catalogue.formats, await readFile(path));
  return {
    kind: 'model',
    id,
    title: graph.name,
    task,
    options: z.strictObject({ weights: z.string().default(`sha256:${sha256}`) }),
    build: () => graph,
  };
}
