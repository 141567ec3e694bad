import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Configuration } from '../bench/record.ts';
import { isFile, kinds } from '../extensions.ts';
import type { Extension } from '../contract/index.ts';
import { functionsDigest, localImports, nameOf, sha256, versionOf, type PluginCode } from '../plugin-code.ts';
import type { PluginSource } from './entry.ts';

/** The plugins that a configuration names, with the lists of the catalogue they are in. */
export function pluginsOf({ model, dataset, criterion, regularizer, strategy }: Configuration) {
  const named = { model, dataset, criterion, regularizer, strategy };
  return (Object.keys(named) as (keyof typeof named)[]).flatMap(kind => {
    const plugin = named[kind];
    return plugin === null ? [] : [{ kind, id: plugin.id, options: plugin.options, list: kinds[kind].list }];
  });
}

const provided = (plugins: readonly Extension[]) => plugins.map(nameOf).sort();

/** What an entry says of the file or package that has these plugins. Throws where the file is not all of it. */
export async function sourceOf(
  specifier: string,
  plugins: readonly Extension[],
  folder = process.cwd(),
): Promise<PluginSource> {
  const provides = provided(plugins);
  if (isFile(specifier)) {
    const bytes = await readFile(path.resolve(folder, specifier));
    const [local] = localImports(bytes.toString());
    if (local !== undefined)
      throw new Error(`plugin ${specifier}: imports ${local}; an entry's plugin is one file, or a package`);
    return { kind: 'file', name: path.basename(specifier), sha256: sha256(bytes), provides };
  }
  return { kind: 'package', name: specifier, version: await versionOf(specifier, folder), provides };
}

/** What an entry says of plugins that are there as values, in a notebook's cell. */
export function cellSource(plugins: readonly Extension[]): PluginSource {
  const provides = provided(plugins);
  return { kind: 'cell', name: provides.join(', '), sha256: functionsDigest(plugins), provides };
}

/** One line that tells two sources apart. */
export const sourceText = (source: PluginSource | undefined): string =>
  source === undefined
    ? 'none'
    : source.kind === 'package'
      ? `package ${source.name} ${source.version}`
      : `${source.kind} ${source.name}, sha256 ${source.sha256.slice(0, 12)}`;

/** The code of the plugins that sources have, as runs are told apart by it. */
export const codeOfSources = (sources: readonly PluginSource[]): PluginCode =>
  Object.fromEntries(
    sources.flatMap(source =>
      source.provides.map(name => [name, source.kind === 'package' ? sha256(source.version) : source.sha256]),
    ),
  );
