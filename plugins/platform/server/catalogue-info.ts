import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { protocolSchema } from '../../../kernel/bench/protocol.ts';
import { protocols } from '../../../kernel/bench/protocols.ts';
import type { Catalogue } from '../../../kernel/catalogue.ts';
import { jsonSchema } from '../../../kernel/text/schema.ts';
import { withoutPath } from '../../../kernel/options.ts';
import type { Dataset, Plugin } from '../../../kernel/plugin.ts';
import type { CatalogueInfo } from '../api.ts';

/** Everything that can be chosen on this server. */
export function catalogueInfo(catalogue: Catalogue, version: string): Omit<CatalogueInfo, 'workers'> {
  const { models, datasets, criteria, regularizers, strategies, tasks, experiments } = catalogue;
  return {
    version,
    models: models.map(model => ({ ...pluginInfo(model, followingOptions), task: model.task })),
    datasets: datasets.map(dataset => ({
      ...pluginInfo(dataset),
      task: dataset.task,
      unavailable: whyUnavailable(dataset),
    })),
    criteria: criteria.map(criterion => ({ ...pluginInfo(criterion), needsData: criterion.estimate !== undefined })),
    regularizers: regularizers.map(regularizer => pluginInfo(regularizer)),
    strategies: strategies.map(strategy => pluginInfo(strategy)),
    tasks: tasks.map(({ id, title, score }) => ({ id, title, score })),
    protocols: Object.fromEntries(
      Object.entries(protocols).map(([name, protocol]) => [name, protocolSchema.parse(protocol)]),
    ),
    protocol: jsonSchema(protocolSchema) as Record<string, unknown>,
    experiments: experiments.map(({ id, title, about, profiles }) => ({ id, title, about, profiles: { ...profiles } })),
  };
}

/** Options of models that follow from the data set and the seed of a run. */
const followingOptions = ['classes', 'image', 'channels', 'seed'];

/** Where data lie is nothing to choose, nor what follows from other choices. */
function pluginInfo({ id, title, paper, options }: Plugin<unknown>, without: readonly string[] = []) {
  const { properties, ...schema } = jsonSchema(options) as Record<string, unknown>;
  const chosen = Object.entries(withoutPath((properties ?? {}) as Record<string, unknown>));
  return {
    id,
    title,
    paper: paper ?? null,
    options: { ...schema, properties: Object.fromEntries(chosen.filter(([name]) => !without.includes(name))) },
  };
}

/** Why a data set of files cannot be chosen here; null where it can. */
export function whyUnavailable({ folders }: Dataset): string | null {
  const root = process.env['PRUNINGBENCH_DATA'];
  if (!folders || (root && folders.some(folder => existsSync(join(root, folder))))) return null;
  const missing = `its files are not on this server: there is no folder ${folders.join(' or ')}`;
  return root ? `${missing} where PRUNINGBENCH_DATA points` : `${missing}, as PRUNINGBENCH_DATA is not set`;
}
