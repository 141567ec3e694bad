import path from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import type { CompiledCell } from './compiler.ts';
import type { Modules } from './modules.ts';
import { scriptName, type Stacks } from './stack.ts';

type Body = (this: object, ...args: readonly unknown[]) => unknown;

/** What a cell came to. */
export interface Outcome {
  readonly value: unknown;
}

const argument = Symbol.for('pruningbench.jupyter.cell');

/** TypeScript's import helpers, which cells need not: modules are loaded natively. */
const helpers = { __importStar: (module: unknown) => module, __importDefault: (module: unknown) => module };

/** Runs compiled cells in one scope, in which the names of all cells live. */
export class Runtime {
  readonly scope: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  readonly #folder: string;
  readonly #modules: Modules;
  readonly #stacks: Stacks;

  constructor(folder: string, modules: Modules, stacks: Stacks) {
    this.#folder = folder;
    this.#modules = modules;
    this.#stacks = stacks;
  }

  /**
   * Runs a cell; `assigned` collects the names that it gives a value. What it throws is thrown. `started` is called when
   * its code begins, and `stopped` when its code has run up to the first await.
   */
  async run(cell: CompiledCell, source: string, id: number, label: string, assigned: Set<string>): Promise<Outcome> {
    await this.#modules.preload(cell.imports.filter(name => !name.startsWith('./__cell_')));
    this.#stacks.add(id, label, source, cell.map);
    let value: unknown;
    const write = (name: string | symbol, descriptor: PropertyDescriptor): boolean => {
      if (name === '__esModule' || typeof name === 'symbol') return true;
      if (name === cell.result) value = descriptor.get ? (descriptor.get() as unknown) : descriptor.value;
      else {
        assigned.add(name);
        Object.defineProperty(this.scope, name, { ...descriptor, configurable: true, enumerable: true });
      }
      return true;
    };
    const exports = new Proxy(this.scope, {
      get: (scope, name) => (name === cell.result ? value : scope[name as string]),
      set: (_scope, name, item) => write(name, { value: item, writable: true }),
      defineProperty: (_scope, name, descriptor) => write(name, descriptor),
    });
    const require = (name: string): unknown =>
      name.startsWith('./__cell_') ? this.scope : this.#modules.require(name);
    const file = path.join(this.#folder, `${scriptName(id)}.ts`);
    const meta = { dirname: this.#folder, filename: file, url: pathToFileURL(file).href };
    const load = (name: unknown) => this.#modules.load(String(name));
    const args = [exports, Object.assign(require, { resolve: (name: string) => name }), load, meta];
    await this.#inOwnTask(cell, id, args);
    return { value };
  }

  /** A task of its own, so that ending its execution unwinds the cell and not the kernel. */
  #inOwnTask(cell: CompiledCell, id: number, args: readonly unknown[]): Promise<unknown> {
    const open = `(${cell.async ? 'async ' : ''}function (exports, require, __import, __meta) { `;
    const call = `\n}).call(...globalThis[Symbol.for('${argument.description}')])`;
    const script = new vm.Script(open + cell.code + call, {
      filename: scriptName(id),
      columnOffset: -open.length,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const slot = globalThis as { [argument]?: readonly unknown[] };
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        slot[argument] = [helpers, ...args];
        try {
          resolve(script.runInThisContext({ breakOnSigint: true, displayErrors: false }) as ReturnType<Body>);
        } catch (error) {
          reject(error as Error);
        } finally {
          delete slot[argument];
        }
      });
    });
  }
}
