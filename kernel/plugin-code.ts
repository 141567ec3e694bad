import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Catalogue } from './catalogue.ts';
import type { Extension } from './contract/index.ts';
import { isFile, kinds, loadExtensions } from './extensions.ts';
import { loadTypeScript } from './jupyter/typescript-host.ts';

/** SHA-256 of the code of plugins that are not the package's, by `criterion variety`. */
export type PluginCode = Readonly<Record<string, string>>;

/** Nothing where all plugins are the package's, so that files and records of those are what they always were. */
export const withCode = (code: PluginCode): { code?: PluginCode } => (Object.keys(code).length > 0 ? { code } : {});

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** As in `criterion variety`. */
export const nameOf = ({ kind, id }: Extension): string => `${kind} ${id}`;

/** Functions of plugins as they are compiled, and what else they state in a word. */
const functionsOf = (plugins: readonly Extension[]) =>
  plugins.map(plugin =>
    Object.entries(plugin)
      .filter(([, value]) => typeof value !== 'object')
      .map(([key, value]) => [key, String(value)])
      .sort(),
  );

/** SHA-256 of the functions of plugins that are there as values. What those call elsewhere in a notebook is not seen. */
export const functionsDigest = (plugins: readonly Extension[]): string => sha256(JSON.stringify(functionsOf(plugins)));

/** Code of the plugins among these values that a catalogue does not have. */
export const codeOf = (plugins: readonly Extension[], catalogue: Catalogue): PluginCode =>
  Object.fromEntries(
    plugins
      .filter(plugin => !(catalogue[kinds[plugin.kind].list] as readonly Extension[]).includes(plugin))
      .map(plugin => [nameOf(plugin), functionsDigest([plugin])]),
  );

/** Code of the plugins that files and packages have: all of a file with what it imports from its folder, or the version. */
export async function codeIn(specifiers: readonly string[], folder = process.cwd()): Promise<PluginCode> {
  const entries = specifiers.map(async specifier => {
    const plugins = await loadExtensions(specifier, folder);
    const source = isFile(specifier)
      ? [...(await textsOf(path.resolve(folder, specifier))).values()]
      : // Where it is found in another way, its functions tell.
        await versionOf(specifier, folder).catch(() => '');
    return plugins.map(plugin => [nameOf(plugin), sha256(JSON.stringify([source, functionsOf([plugin])]))] as const);
  });
  return Object.fromEntries((await Promise.all(entries)).flat());
}

/** What a file imports that is named by where it lies from there. */
export const localImports = (text: string): string[] =>
  loadTypeScript()
    .preProcessFile(text)
    .importedFiles.flatMap(({ fileName }) => (/^\.{1,2}\//.test(fileName) ? [fileName] : []));

/** Texts of a file and of those that it imports, and they import, from its folder or below. */
async function textsOf(file: string, within = path.dirname(file), known = new Map<string, string>()) {
  const text = await readFile(file, 'utf8');
  known.set(file, text);
  for (const fileName of localImports(text)) {
    const wanted = path.resolve(path.dirname(file), fileName);
    if (!wanted.startsWith(within + path.sep)) continue;
    // TypeScript lets one leave out the extension, or write that of the compiled file.
    const found = [wanted, `${wanted}.ts`, `${wanted}.js`, wanted.replace(/\.(m?)js$/, '.$1ts')].find(
      candidate => path.extname(candidate) !== '' && existsSync(candidate),
    );
    if (found !== undefined && !known.has(found)) await textsOf(found, within, known);
  }
  return known;
}

/** Version of an installed package, as found from a folder. */
export async function versionOf(specifier: string, folder: string): Promise<string> {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const file = path.join(at, 'node_modules', name, 'package.json');
    if (existsSync(file)) return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
    if (at === path.dirname(at)) throw new Error(`plugin ${specifier}: no package ${name} from ${folder} on`);
  }
}
