import path from 'node:path';
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import type ts from 'typescript';
import { importStatements, readCell, type Binding, type CellModule } from './cell-module.ts';
import {
  moduleNames,
  placeOf,
  type CompiledCell,
  type Compiler,
  type Completeness,
  type Completions,
  type LoadModule,
  type Place,
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
  readonly #current: string;

  constructor(folder: string) {
    this.version = this.#api.version;
    this.#folder = folder;
    this.#host = new CellHost(this.#api, folder);
    this.#service = this.#api.createLanguageService(this.#host, this.#api.createDocumentRegistry(true, folder));
    this.#current = this.#fileOf('current');
  }

  #fileOf(id: number | string): string {
    return path.join(this.#folder, `__cell_${id}.ts`);
  }

  async prelude(entries: readonly Prelude[], load: LoadModule): Promise<void> {
    const file = this.#fileOf('prelude');
    const modules = [...new Set(entries.map(entry => entry.specifier))];
    this.#host.write(file, modules.map((name, i) => `import * as m${i} from ${JSON.stringify(name)};`).join('\n'));
    this.#host.write(this.#current, 'console.log(0);');
    // roots that never change: a change of them costs more than a small cell
    this.#host.roots = [file, this.#current];
    for (const entry of entries) {
      const { specifier: module } = entry;
      if ('namespace' in entry) this.#scope.set(entry.namespace, { module, name: '*', kind: 'import' });
      else
        for (const [name, kind] of await this.#names(file, entry, modules.indexOf(module), load))
          this.#scope.set(name, { module, name, kind });
    }
    // the checker is warm when the first cell comes
    this.#service.getSemanticDiagnostics(this.#current);
  }

  async #names(file: string, entry: Extract<Prelude, { names: unknown }>, index: number, load: LoadModule) {
    if (entry.names !== 'all') return entry.names.map(name => [name, 'import'] as const);
    const program = this.#service.getProgram()!;
    const checker = program.getTypeChecker();
    const statement = program.getSourceFile(file)!.statements[index] as ts.ImportDeclaration;
    const symbol = checker.getSymbolAtLocation(statement.moduleSpecifier);
    if (!symbol) return moduleNames(await load(entry.specifier)).map(name => [name, 'import'] as const);
    return checker
      .getExportsOfModule(symbol)
      .filter(({ name }) => name !== 'default')
      .map(exported => {
        const { SymbolFlags } = this.#api;
        const target = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        return [exported.name, target.flags & SymbolFlags.Value ? 'import' : 'type'] as const;
      });
  }

  compile(source: string, id: number): CompiledCell {
    const cell = readCell(this.#api, source);
    const used = [...cell.identifiers].filter(name => !cell.bindings.has(name));
    const head = `${importStatements(this.#scope, used)}\n`;
    const text = head + cell.body;
    this.#host.write(this.#current, text);
    const first = this.#problems(source, cell, head.length);
    let { problems } = first;
    const { code, map } = this.#emit();
    if (first.assigned.size) {
      // TypeScript does not check what is assigned to an import: check once more, with declarations in their place
      const declared = `${importStatements(this.#scope, used, first.assigned)}\n`;
      this.#host.write(this.#current, declared + cell.body);
      ({ problems } = this.#problems(source, cell, declared.length));
    }
    const toPlace = (offset: number): Place | undefined =>
      offset < head.length ? undefined : placeOf(source, cell.toCell(offset - head.length));
    return {
      code,
      problems,
      async: cell.async,
      imports: [...cell.imports, ...requires(code)],
      result: cell.result,
      map: tracer(map, text, toPlace),
      commit: assigned => this.#commit(id, text, cell, assigned),
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

  #commit(id: number, text: string, cell: CellModule, assigned?: ReadonlySet<string>): void {
    this.#host.write(this.#fileOf(id), text);
    for (const [name, binding] of cell.bindings) {
      const known = !assigned || assigned.has(name) || binding.kind === 'type' || binding.module !== '';
      if (known) this.#scope.set(name, binding.module ? binding : { ...binding, module: `./__cell_${id}` });
    }
  }

  /** Shows a cell to the service as it stands, with every name of the scope; returns the offset of its start. */
  #show(source: string): number {
    const { bindings } = readCell(this.#api, source);
    const names = [...this.#scope.keys()].filter(name => !bindings.has(name));
    const head = `${importStatements(this.#scope, names)}\n`;
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
    const text = (parts: ts.SymbolDisplayPart[] | undefined) => this.#api.displayPartsToString(parts);
    const tags = (info.tags ?? []).map(tag => `@${tag.name} ${text(tag.text)}`.trim());
    return {
      signature: text(info.displayParts)
        .replace(/^\(alias\) /, '')
        .replace(/\n(import|export) [\s\S]*$/, ''),
      documentation: [text(info.documentation), ...tags].filter(Boolean).join('\n'),
    };
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

/** Follows a source map to the module's text, and then to the cell. */
function tracer(map: string, text: string, toPlace: (offset: number) => Place | undefined): CompiledCell['map'] {
  let trace: TraceMap | undefined;
  const starts = [0];
  for (let i = 0; i < text.length; i++) if (text[i] === '\n') starts.push(i + 1);
  return (line, column) => {
    trace ??= new TraceMap(map);
    const found = originalPositionFor(trace, { line, column });
    return found.line === null ? undefined : toPlace(starts[found.line - 1]! + found.column);
  };
}
