import { createRequire } from 'node:module';
import path from 'node:path';
import type { CompiledCell, Compiler, Completeness, NamesOf, Prelude } from './compiler.ts';

const require = createRequire(import.meta.url);

interface Converted {
  readonly output?: string;
  readonly declOutput?: string;
  readonly hasToplevelAwait?: boolean;
  readonly lastExpressionVar?: string;
  readonly diagnostics: readonly {
    readonly start: { readonly line: number; readonly character: number };
    readonly messageText: string;
    readonly code: number;
  }[];
}

interface Converter {
  convert(declarations: string, source: string): Converted;
  complete(declarations: string, source: string, offset: number): { start: number; end: number; candidates: string[] };
  inspect(declarations: string, source: string, offset: number): object | undefined;
}

interface TslabTypeScript {
  readonly version: string;
  createWatchCompilerHost(files: string[], options: object, ...rest: unknown[]): unknown;
}

const bundlerResolution = 100;

/** tslab's converter, with the options of its compiler widened from outside: `exports` of packages are seen. */
function loadConverter(): {
  converter: Converter;
  version: string;
  print(info: object): string;
  isComplete: IsComplete;
} {
  const folder = path.dirname(require.resolve('tslab/package.json'));
  const file = require.resolve('@tslab/typescript-for-tslab', { paths: [folder] });
  const original = require(file) as TslabTypeScript;
  const descriptors = Object.getOwnPropertyDescriptors(original);
  require.cache[file]!.exports = Object.defineProperties(
    {},
    {
      ...descriptors,
      createWatchCompilerHost: {
        enumerable: true,
        value: (files: string[], options: object, ...rest: unknown[]) =>
          original.createWatchCompilerHost(
            files,
            {
              ...options,
              moduleResolution: bundlerResolution,
              lib: ['lib.esnext.d.ts'],
              types: ['node'],
              allowImportingTsExtensions: true,
            },
            ...rest,
          ),
      },
    },
  );
  const { createConverter, isCompleteCode } = require('tslab/dist/converter.js') as {
    createConverter(options: object): Converter;
    isCompleteCode: IsComplete;
  };
  const { printQuickInfo } = require('tslab/dist/inspect.js') as { printQuickInfo(info: object): string };
  return {
    converter: createConverter({}),
    version: original.version,
    print: printQuickInfo,
    isComplete: isCompleteCode,
  };
}

type IsComplete = (source: string) => { completed: boolean; indent?: string };

/** The converter of tslab as the other engine: functions keep the values that names had when their cell ended. */
export class TslabCompiler implements Compiler {
  readonly name = 'tslab';
  readonly version: string;
  readonly preludeInScope = true;
  readonly #tslab = loadConverter();
  #declarations = '';
  #next = '';

  constructor() {
    this.version = this.#tslab.version;
  }

  async prelude(entries: readonly Prelude[], namesOf: NamesOf): Promise<void> {
    const lines: string[] = [];
    for (const entry of entries) {
      const module = `import(${JSON.stringify(entry.specifier)})`;
      if ('namespace' in entry) lines.push(`declare const ${entry.namespace}: typeof ${module};`);
      else {
        const names = entry.names === 'all' ? await namesOf(entry.specifier) : entry.names;
        for (const name of names) lines.push(`declare const ${name}: typeof ${module}.${name};`);
      }
    }
    this.#declarations = lines.join('\n');
    this.compile('0');
  }

  compile(source: string): CompiledCell {
    const converted = this.#tslab.converter.convert(this.#declarations, source);
    const code = converted.output ?? '';
    this.#next = converted.declOutput ?? '';
    return {
      code,
      problems: converted.diagnostics.map(({ start, messageText, code: number }) => ({
        line: start.line + 1,
        column: start.character + 1,
        message: messageText,
        code: number,
      })),
      // it does not count `for await`
      async: converted.hasToplevelAwait || /\bfor await\b/.test(code),
      imports: [...new Set([...code.matchAll(/\brequire\((["'])(.+?)\1\)/g)].map(match => match[2]!))],
      result: converted.lastExpressionVar,
    };
  }

  /** A failed cell leaves no names, as in tslab. */
  commit(assigned?: ReadonlySet<string>): void {
    if (!assigned) this.#declarations = this.#next;
  }

  complete(source: string, offset: number) {
    const { start, end, candidates } = this.#tslab.converter.complete(this.#declarations, source, offset);
    return { start, end, matches: candidates.map(text => ({ text })) };
  }

  inspect(source: string, offset: number) {
    const info = this.#tslab.converter.inspect(this.#declarations, source, offset);
    if (!info) return undefined;
    const [signature = '', ...rest] = this.#tslab.print(info).split('\n\n');
    return { signature, documentation: rest.join('\n\n') };
  }

  isComplete(source: string): Completeness {
    const { completed, indent } = this.#tslab.isComplete(source);
    return completed ? { status: 'complete' } : { status: 'incomplete', ...(indent === undefined ? {} : { indent }) };
  }
}
