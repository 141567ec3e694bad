import path from 'node:path';
import { TraceMap, decodedMappings, type SourceMapSegment } from '@jridgewell/trace-mapping';
import type ts from 'typescript';
import { importStatements, readCell, sourceOf, type Binding, type CellModule } from './cell-module.ts';
import {
  placeOf,
  type CompiledCell,
  type Compiler,
  type Completeness,
  type Completions,
  type NamesOf,
  type Prelude,
  type Problem,
} from './compiler.ts';
import { CellHost, loadTypeScript } from './typescript-host.ts';

/**
 * What TypeScript says of a module and not of a cell: top-level await and `import.meta`. Implicit `any` is no
 * problem either, because notebooks are sketches; the option is on so that the types of empty arrays evolve.
 */
const ignored = new Set([1343, 1375, 1378, 1432, 1470, 2852, 2853, 2854]);
const isImplicitAny = (code: number): boolean => code >= 7005 && code <= 7057;

/** Cells as modules over TypeScript's LanguageService: a cell imports the names of earlier cells that it uses. */
export class TypeScriptCompiler implements Compiler {
  readonly name = 'typescript';
  readonly version: string;
  readonly preludeInScope = false;
  readonly #api = loadTypeScript();
  readonly #folder: string;
  readonly #host: CellHost;
  readonly #service: ts.LanguageService;
  readonly #scope = new Map<string, Binding>();
  readonly #sources = new Set<string>();
  readonly #current: string;
  #last: { readonly text: string; readonly cell: CellModule } | undefined;
  /** Cells whose names are known, and files that are there for such. */
  #committed = 0;
  #slots = 0;

  constructor(folder: string) {
    this.version = this.#api.version;
    this.#folder = folder;
    this.#host = new CellHost(this.#api, folder);
    this.#service = this.#api.createLanguageService(this.#host);
    this.#current = this.#fileOf('current');
  }

  #fileOf(id: number | string): string {
    return path.join(this.#folder, `__cell_${id}.ts`);
  }

  async prelude(entries: readonly Prelude[], namesOf: NamesOf): Promise<void> {
    for (const entry of entries)
      this.#sources.add(sourceOf({ module: entry.specifier, name: 'namespace' in entry ? '*' : '' }));
    this.#reserve();
    this.#host.write(this.#current, this.#head([]) + 'console.log(0);');
    this.#host.roots = [this.#current];
    for (const entry of entries) {
      const { specifier: module } = entry;
      if ('namespace' in entry) this.#scope.set(entry.namespace, { module, name: '*', kind: 'import' });
      else for (const [name, kind] of await this.#names(entry, namesOf)) this.#scope.set(name, { module, name, kind });
    }
    // the checker is warm when the first cell comes
    this.#service.getSemanticDiagnostics(this.#current);
  }

  /**
   * Keeps files for cells to come, with the imports that they will have: TypeScript looks at every file again when one is
   * added, or imports from other modules than before, and that costs more than a cell.
   */
  #reserve(): void {
    if (this.#committed === this.#slots) {
      this.#slots = Math.max(32, 2 * this.#slots);
      for (let slot = this.#committed + 1; slot <= this.#slots; slot++) this.#sources.add(`./__cell_${slot}`);
    }
    for (let slot = this.#committed + 1; slot <= this.#slots; slot++)
      this.#host.write(this.#fileOf(slot), this.#head([]));
  }

  /** The line above a cell that imports those of `names` that the scope knows. */
  #head(names: Iterable<string>, declared?: ReadonlySet<string>): string {
    return `${importStatements(this.#scope, this.#sources, names, declared)}\n`;
  }

  async #names(entry: Extract<Prelude, { names: unknown }>, namesOf: NamesOf) {
    if (entry.names !== 'all') return entry.names.map(name => [name, 'import'] as const);
    const program = this.#service.getProgram()!;
    const checker = program.getTypeChecker();
    const imports = program.getSourceFile(this.#current)!.statements as ts.NodeArray<ts.ImportDeclaration>;
    const module = imports[[...this.#sources].indexOf(entry.specifier)]!.moduleSpecifier;
    const symbol = checker.getSymbolAtLocation(module);
    if (!symbol) return (await namesOf(entry.specifier)).map(name => [name, 'import'] as const);
    return checker
      .getExportsOfModule(symbol)
      .filter(({ name }) => name !== 'default')
      .map(exported => {
        const { SymbolFlags } = this.#api;
        const target = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        return [exported.name, target.flags & SymbolFlags.Value ? 'import' : 'type'] as const;
      });
  }

  compile(source: string): CompiledCell {
    const cell = readCell(this.#api, source);
    const used = [...cell.identifiers].filter(name => !cell.bindings.has(name));
    const head = this.#head(used);
    const text = head + cell.body;
    this.#host.write(this.#current, text);
    const first = this.#problems(source, cell, head.length);
    let { problems } = first;
    const { code, map } = this.#emit();
    if (first.assigned.size) {
      // TypeScript does not check what is assigned to an import: check once more, with declarations in their place
      const declared = this.#head(used, first.assigned);
      this.#host.write(this.#current, declared + cell.body);
      ({ problems } = this.#problems(source, cell, declared.length));
    }
    this.#last = { text, cell };
    return {
      code,
      problems,
      async: cell.async,
      imports: [...cell.imports, ...requires(code)],
      result: cell.result,
      map: cellMap(map, source, cell),
    };
  }

  /** What is wrong with a cell, and which variables of earlier cells it assigns to. */
  #problems(source: string, cell: CellModule, head: number): { problems: Problem[]; assigned: Set<string> } {
    const assigned = new Set<string>();
    const found = this.#service.getSyntacticDiagnostics(this.#current) as ts.Diagnostic[];
    const all = found.length ? found : this.#service.getSemanticDiagnostics(this.#current);
    const problems: Problem[] = [];
    for (const { start = 0, code, messageText, category } of all) {
      if (category !== this.#api.DiagnosticCategory.Error || start < head || isImplicitAny(code)) continue;
      let message = this.#api.flattenDiagnosticMessageText(messageText, '\n');
      if (code === 2632) {
        const name = /'(.+?)'/.exec(message)?.[1] ?? '';
        const kind = this.#scope.get(name)?.kind;
        if (kind === 'let') {
          assigned.add(name);
          continue;
        }
        if (kind === 'const') message = message.replace('it is an import', 'it is a constant');
        if (kind === 'function') message = message.replace('it is an import', 'it is a function or class');
      }
      if (ignored.has(code)) continue;
      if (code === 2307) this.#host.forgetModules();
      problems.push({ ...placeOf(source, cell.toCell(start - head)), message, code });
    }
    return { problems, assigned };
  }

  #emit(): { code: string; map: string } {
    const { outputFiles } = this.#service.getEmitOutput(this.#current);
    const text = (suffix: string) => outputFiles.find(file => file.name.endsWith(suffix))?.text ?? '';
    const code = text('.js')
      .replace(/\n?\/\/# sourceMappingURL=.*$/m, '')
      // a name keeps its value until its declaration runs, so that a cell that fails loses nothing
      .replace(/^(?:exports\.[\p{ID_Continue}$]+ = )+void 0;$/mu, '');
    return { code, map: text('.map') };
  }

  commit(assigned?: ReadonlySet<string>): void {
    const { text, cell } = this.#last!;
    const known = [...cell.bindings].filter(
      ([name, { kind, module }]) => !assigned || assigned.has(name) || kind === 'type' || module !== '',
    );
    const sources = this.#sources.size;
    if (known.some(([, { module }]) => !module)) this.#host.write(this.#fileOf(++this.#committed), text);
    for (const [name, binding] of known) {
      this.#scope.set(name, { ...binding, module: binding.module || `./__cell_${this.#committed}` });
      if (binding.module) this.#sources.add(sourceOf(binding));
    }
    if (this.#sources.size > sources || this.#committed === this.#slots) this.#reserve();
  }

  /** Shows a cell to the service as it stands, with every name of the scope; returns the offset of its start. */
  #show(source: string): number {
    const { bindings } = readCell(this.#api, source);
    const names = [...this.#scope.keys()].filter(name => !bindings.has(name));
    const head = this.#head(names);
    this.#host.write(this.#current, head + source);
    return head.length;
  }

  complete(source: string, offset: number): Completions {
    const head = this.#show(source);
    const found = this.#service.getCompletionsAtPosition(this.#current, head + offset, {
      includeCompletionsForModuleExports: false,
      includeCompletionsForImportStatements: true,
    });
    let start = offset;
    while (start > 0 && /[\w$]/.test(source[start - 1]!)) start--;
    let end = offset;
    while (end < source.length && /[\w$]/.test(source[end]!)) end++;
    const span = found?.optionalReplacementSpan;
    if (span) {
      start = span.start - head;
      end = Math.max(offset, start + span.length);
    }
    const typed = source.slice(start, offset).toLowerCase();
    const entries = (found?.entries ?? []).filter(entry => entry.name.toLowerCase().startsWith(typed));
    entries.sort((a, b) => a.sortText.localeCompare(b.sortText) || a.name.localeCompare(b.name));
    return { start, end, matches: entries.map(({ name, kind }) => ({ text: name, type: kind })) };
  }

  inspect(source: string, offset: number) {
    const head = this.#show(source);
    const info = this.#service.getQuickInfoAtPosition(this.#current, head + offset);
    if (!info) return undefined;
    const signature = this.#api
      .displayPartsToString(info.displayParts)
      .replace(/^\(alias\) /, '')
      .replace(/\n(import|export) [\s\S]*$/, '');
    return { signature, documentation: this.#documentation(head + offset) };
  }

  /** The comment before the declaration of what stands at a position. */
  #documentation(position: number): string {
    const definitions = this.#service.getDefinitionAtPosition(this.#current, position) ?? [];
    for (const { fileName, contextSpan } of definitions) {
      const before = this.#host.readFile(fileName)?.slice(0, contextSpan?.start ?? 0) ?? '';
      const comment = /^\/\*\*((?:(?!\*\/)[^])*)\*\/\s*$/.exec(before.slice(before.lastIndexOf('/**')));
      if (comment) return comment[1]!.replace(/^[ \t]*\*? ?/gm, '').trim();
    }
    return '';
  }

  isComplete(source: string): Completeness {
    const file = this.#api.createSourceFile('cell.ts', `${source}\n`, this.#api.ScriptTarget.Latest, false);
    const { parseDiagnostics: errors } = file as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] };
    if (!errors.length) return { status: 'complete' };
    const end = source.trimEnd().length;
    // an unterminated comment or template, or else nothing wrong but that it ends
    const [{ code, start }] = errors as [ts.DiagnosticWithLocation];
    if (start < end && code !== 1010 && code !== 1160) return { status: 'invalid' };
    const last = source.trimEnd().split('\n').at(-1)!;
    return { status: 'incomplete', indent: /^\s*/.exec(last)![0] + (/[{([]$/.test(last) ? '  ' : '') };
  }
}

const requires = (code: string): string[] =>
  [...code.matchAll(/\brequire\("((?:[^"\\]|\\.)+)"\)/g)]
    .map(match => JSON.parse(`"${match[1]}"`) as string)
    .filter(name => !name.startsWith('./__cell_'));

/** The mappings of a source map to a cell's module, with places in the cell; the line of imports above it has none. */
function cellMap(map: string, source: string, cell: CellModule): SourceMapSegment[][] {
  const module = lineStarts(cell.body);
  const starts = lineStarts(source);
  return decodedMappings(new TraceMap(map)).map(line =>
    line.map(([column, from, originalLine, originalColumn]) => {
      const n = originalLine === undefined ? -1 : originalLine - 1;
      if (from === undefined || n < 0) return [column];
      return [column, 0, n, cell.toCell(module[n]! + originalColumn!) - starts[n]!];
    }),
  );
}

const lineStarts = (text: string): number[] => [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
