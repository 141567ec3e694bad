import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Configuration } from '../bench/record.ts';
import { isFile, kinds } from '../extensions.ts';
import type { Extension } from '../contract/index.ts';
import type { PluginSource } from './entry.ts';

/** The plugins that a configuration names, with the lists of the catalogue they are in. */
export function pluginsOf({ model, dataset, criterion, regularizer, strategy }: Configuration) {
  const named = { model, dataset, criterion, regularizer, strategy };
  return (Object.keys(named) as (keyof typeof named)[]).flatMap(kind => {
    const plugin = named[kind];
    return plugin === null ? [] : [{ kind, id: plugin.id, options: plugin.options, list: kinds[kind].list }];
  });
}

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const provided = (plugins: readonly Extension[]) => plugins.map(({ kind, id }) => `${kind} ${id}`).sort();

/** What an entry says of the file or package that has these plugins. Throws where the file is not all of it. */
export async function sourceOf(
  specifier: string,
  plugins: readonly Extension[],
  folder = process.cwd(),
): Promise<PluginSource> {
  const provides = provided(plugins);
  if (isFile(specifier)) {
    const { default: ts } = await import('typescript');
    const bytes = await readFile(path.resolve(folder, specifier));
    const local = ts.preProcessFile(bytes.toString()).importedFiles.find(({ fileName }) => /^\.{1,2}\//.test(fileName));
    if (local)
      throw new Error(`plugin ${specifier}: imports ${local.fileName}; an entry's plugin is one file, or a package`);
    return { kind: 'file', name: path.basename(specifier), sha256: sha256(bytes), provides };
  }
  return { kind: 'package', name: specifier, version: await versionOf(specifier, folder), provides };
}

/** What an entry says of plugins that are there as values, in a notebook's cell. */
export function cellSource(plugins: readonly Extension[]): PluginSource {
  const texts = plugins.map(plugin =>
    Object.entries(plugin)
      .filter(([, value]) => typeof value !== 'object')
      .map(([key, value]) => [key, String(value)])
      .sort(),
  );
  const provides = provided(plugins);
  return { kind: 'cell', name: provides.join(', '), sha256: sha256(JSON.stringify(texts)), provides };
}

/** Version of an installed package, as found from a folder. */
async function versionOf(specifier: string, folder: string): Promise<string> {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const file = path.join(at, 'node_modules', name, 'package.json');
    if (existsSync(file)) return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
    if (at === path.dirname(at)) throw new Error(`plugin ${specifier}: no package ${name} from ${folder} on`);
  }
}

/** One line that tells two sources apart. */
export const sourceText = (source: PluginSource | undefined): string =>
  source === undefined
    ? 'none'
    : source.kind === 'package'
      ? `package ${source.name} ${source.version}`
      : `${source.kind} ${source.name}, sha256 ${source.sha256.slice(0, 12)}`;
