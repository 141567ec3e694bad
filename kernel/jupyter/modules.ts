import { existsSync } from 'node:fs';
import { createRequire, isBuiltin, register } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

const extensions = ['.ts', '.mts', '.js', '.mjs', '.cjs', '/index.ts', '/index.js'];

/** Whether Node, in this process, reads TypeScript as this package does. */
let hooked = false;

/** Modules as cells import them: native, from the notebook's folder, then from where the kernel is installed. */
export class Modules {
  readonly #folder: string;
  readonly #own: ReadonlySet<string>;
  readonly #prepare: ((specifier: string, module: object) => void) | undefined;
  #importer: ((specifier: string) => Promise<object>) | undefined;
  readonly #require: NodeJS.Require;
  readonly #loaded = new Map<string, object>();
  readonly #failed = new Map<string, unknown>();

  /** `own` are modules that come from the kernel's side first: those of the prelude. */
  constructor(folder: string, own: Iterable<string>, prepare?: (specifier: string, module: object) => void) {
    this.#folder = folder;
    this.#prepare = prepare;
    this.#own = new Set(own);
    this.#require = createRequire(path.join(folder, 'cell.js'));
  }

  /** Imports as a module in the folder would. */
  readonly #import = (specifier: string): Promise<object> => {
    this.#importer ??= new vm.Script('specifier => import(specifier)', {
      filename: path.join(this.#folder, 'cell.mjs'),
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }).runInThisContext() as (specifier: string) => Promise<object>;
    return this.#importer(specifier);
  };

  /** Loads modules; one that fails throws where it is required. */
  async preload(specifiers: Iterable<string>): Promise<void> {
    await Promise.all(
      [...new Set(specifiers)].map(async specifier => {
        if (this.#loaded.has(specifier)) return;
        try {
          await this.load(specifier);
          this.#failed.delete(specifier);
        } catch (error) {
          this.#failed.set(specifier, error);
        }
      }),
    );
  }

  /** A module, where it is loaded. */
  loaded(specifier: string): object | undefined {
    return this.#loaded.get(specifier);
  }

  async load(specifier: string): Promise<object> {
    const known = this.#loaded.get(specifier);
    if (known) return known;
    const loaded = await this.#find(specifier);
    if (!this.#loaded.has(specifier)) this.#prepare?.(specifier, loaded);
    this.#loaded.set(specifier, loaded);
    return loaded;
  }

  /** A module that was loaded before the cell ran, or else one that Node can require. */
  require(specifier: string): unknown {
    const known = this.#loaded.get(specifier);
    if (known) return known;
    if (this.#failed.has(specifier)) throw this.#failed.get(specifier);
    return this.#require(specifier);
  }

  async #find(specifier: string): Promise<object> {
    // notebooks written for tslab find its display functions here
    if (specifier === 'tslab') return import('./tslab-module.ts');
    if (/^\.{1,2}\//.test(specifier)) return import(this.#local(specifier)) as Promise<object>;
    if (isBuiltin(specifier)) return import(specifier);
    const ours = (name: string) => import(path.isAbsolute(name) ? pathToFileURL(name).href : name);
    const [first, second] = this.#own.has(specifier) ? [ours, this.#import] : [this.#import, ours];
    try {
      return await first(specifier);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${specifier.split('/')[0]}`)) throw error;
      return second(specifier);
    }
  }

  /** A file beside the notebook, with the extension that TypeScript lets one leave out or write as `.js`. */
  #local(specifier: string): string {
    const file = path.resolve(this.#folder, specifier);
    const candidates = [file, ...extensions.map(extension => file + extension), file.replace(/\.(m?)js$/, '.$1ts')];
    const found = candidates.find(candidate => path.extname(candidate) && existsSync(candidate)) ?? file;
    if (/\.m?ts$/.test(found)) this.#readTypeScript();
    return pathToFileURL(found).href;
  }

  /** Lets Node import TypeScript files, in every version the same, and find this package from anywhere. */
  #readTypeScript(): void {
    if (hooked || import.meta.url.endsWith('.ts')) return;
    hooked = true;
    register(new URL('./typescript-loader.js', import.meta.url));
  }
}
