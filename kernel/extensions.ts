import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Catalogue } from './catalogue.ts';
import type { Extension } from './contract/index.ts';
import { Modules } from './jupyter/modules.ts';

/** Where plugins of a kind stand in the catalogue, and what they must have. */
export const kinds = {
  criterion: { list: 'criteria', needs: [] },
  regularizer: { list: 'regularizers', needs: ['start'] },
  strategy: { list: 'strategies', needs: ['keep'] },
  model: { list: 'models', needs: ['build'] },
  dataset: { list: 'datasets', needs: ['load'] },
} as const satisfies Record<Extension['kind'], { list: keyof Catalogue; needs: readonly string[] }>;

/** Whether `--plugin` names a file rather than a package. */
export const isFile = (specifier: string): boolean =>
  /^\.{1,2}\/|\.[mc]?[jt]s$/.test(specifier) || path.isAbsolute(specifier);

/** The plugins that a TypeScript or JavaScript file exports, or a package, as found from `folder`. */
export async function loadExtensions(specifier: string, folder = process.cwd()): Promise<Extension[]> {
  const file = path.resolve(folder, specifier);
  const local = isFile(specifier);
  if (local && !existsSync(file)) throw new Error(`plugin ${specifier}: there is no such file`);
  const modules = new Modules(local ? path.dirname(file) : folder, ['pruningbench']);
  const exported = await modules.load(local ? `./${path.basename(file)}` : specifier).catch((error: Error) => {
    throw new Error(`plugin ${specifier}: ${error.message}`, { cause: error });
  });
  const plugins = Object.values(exported).filter(isPlugin);
  if (plugins.length === 0)
    throw new Error(
      `plugin ${specifier}: exports nothing made by defineCriterion, defineRegularizer, defineStrategy, defineModel or defineDataset`,
    );
  const unique = [...new Set(plugins)];
  for (const plugin of unique)
    for (const need of kinds[plugin.kind].needs)
      if (typeof (plugin as unknown as Record<string, unknown>)[need] !== 'function')
        throw new Error(`plugin ${specifier}: ${plugin.kind} ${plugin.id} has no function ${need}`);
  return unique;
}

/** The catalogue with the plugins of these files and packages. */
export async function extended(catalogue: Catalogue, specifiers: readonly string[]): Promise<Catalogue> {
  let known = catalogue;
  for (const specifier of specifiers) {
    const plugins = await loadExtensions(specifier);
    try {
      known = withExtensions(known, plugins);
    } catch (error) {
      throw new Error(`plugin ${specifier}: ${(error as Error).message}`, { cause: error });
    }
  }
  return known;
}

function isPlugin(value: unknown): value is Extension {
  const { kind, id } = (value ?? {}) as Partial<Extension>;
  return typeof kind === 'string' && Object.hasOwn(kinds, kind) && typeof id === 'string';
}

/** The catalogue with further plugins. Throws where there is one of that kind and name already. */
export function withExtensions(catalogue: Catalogue, extensions: readonly Extension[]): Catalogue {
  const extended: Record<string, readonly { readonly id: string }[]> = { ...catalogue };
  for (const extension of extensions) {
    const { list } = kinds[extension.kind];
    if (extended[list]!.some(({ id }) => id === extension.id))
      throw new Error(`there is a ${extension.kind} ${extension.id} already`);
    extended[list] = [...extended[list]!, extension];
  }
  return extended as unknown as Catalogue;
}
