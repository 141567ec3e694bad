import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import type ts from 'typescript';
import { displaySymbol, type Displayable, type MimeBundle } from './mime.ts';
import { loadTypeScript } from './typescript-host.ts';

/** A public name of a package, as its declaration files have it. */
export interface Documented {
  readonly name: string;
  readonly kind: 'value' | 'type' | 'namespace';
  /** File that declares it. */
  readonly file: string;
  readonly signature: string;
  readonly documentation: string;
}

/** One thing explained: a heading, code and prose. */
export class HelpPage implements Displayable {
  readonly title: string;
  readonly code: string;
  readonly text: string;

  constructor(title: string, code: string, text: string) {
    this.title = title;
    this.code = code;
    this.text = text;
  }

  toString(): string {
    return [this.title, this.code, this.text].filter(Boolean).join('\n\n');
  }

  toMimeBundle(): MimeBundle {
    const code = this.code && `\`\`\`typescript\n${this.code}\n\`\`\``;
    const markdown = [`#### ${this.title}`, code, this.text].filter(Boolean).join('\n\n');
    return { 'text/markdown': markdown, 'text/plain': this.toString() };
  }

  [displaySymbol](): MimeBundle {
    return this.toMimeBundle();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** The public names of a module, read from its file and those it exports from, without checking types. */
export function documentedNames(file: string): ReadonlyMap<string, Documented> {
  return new Reader(loadTypeScript()).read(file);
}

/** The first sentence of a documentation, without its examples. */
export const summary = (documentation: string): string =>
  (/^[^]*?(?<!\bal)\.(?=\s+[A-Z`]|\s*$)/.exec(documentation)?.[0] ?? documentation)
    .replace(/\s+/g, ' ')
    .replace(/[,;] as in .*|\.$/, '');

class Reader {
  readonly #api: typeof ts;
  readonly #read = new Map<string, ReadonlyMap<string, Documented>>();

  constructor(api: typeof ts) {
    this.#api = api;
  }

  read(file: string): ReadonlyMap<string, Documented> {
    const known = this.#read.get(file) ?? this.#parse(file);
    this.#read.set(file, known);
    return known;
  }

  #parse(file: string): Map<string, Documented> {
    const source = this.#api.createSourceFile(file, readFileSync(file, 'utf8'), this.#api.ScriptTarget.Latest, true);
    const found = new Map<string, Documented>();
    for (const node of source.statements)
      if (this.#api.isExportDeclaration(node)) for (const entry of this.#exported(node, file)) add(entry);
      else for (const entry of this.#declared(node, source)) add(entry);
    return found;

    function add(entry: Documented): void {
      const known = found.get(entry.name);
      // overloads, and a type and a value of one name
      const joined = known && known.file === entry.file && known.signature !== entry.signature;
      const documentation = known?.documentation || entry.documentation;
      found.set(
        entry.name,
        joined ? { ...known, documentation, signature: `${known.signature}\n${entry.signature}` } : entry,
      );
    }
  }

  #exported(node: ts.ExportDeclaration, file: string): Documented[] {
    const { exportClause: clause, moduleSpecifier } = node;
    const specifier = (moduleSpecifier as ts.StringLiteral | undefined)?.text;
    const target = specifier === undefined ? file : fileOf(specifier, file);
    if (clause && this.#api.isNamespaceExport(clause)) {
      const name = clause.name.text;
      const names = target ? [...this.read(target).values()].filter(({ kind }) => kind === 'value') : [];
      const documentation = target ? names.map(entry => entry.name).join(', ') : `From the package ${specifier}.`;
      return [{ name, kind: 'namespace', file: target ?? file, signature: `namespace ${name}`, documentation }];
    }
    if (!clause) return target ? [...this.read(target).values()] : [];
    const known = target && target !== file ? this.read(target) : undefined;
    return clause.elements.map(({ name: { text: name }, propertyName, isTypeOnly }): Documented => {
      const found = known?.get((propertyName ?? { text: name }).text);
      const documentation = `From the package ${specifier}.`;
      const kind = node.isTypeOnly || isTypeOnly ? 'type' : (found?.kind ?? 'value');
      return found ? { ...found, name, kind } : { name, kind, file, signature: name, documentation };
    });
  }

  *#declared(node: ts.Statement, source: ts.SourceFile): Generator<Documented> {
    const api = this.#api;
    const exported =
      api.canHaveModifiers(node) && api.getModifiers(node)?.some(m => m.kind === api.SyntaxKind.ExportKeyword);
    if (!exported) return;
    const entry = (name: string, kind: Documented['kind'], signature: string): Documented => ({
      ...{ name, kind, file: source.fileName, signature: tidy(signature) },
      documentation: this.#documentation(node),
    });
    const text = (from: ts.Node, end = from.end) => source.text.slice(from.getStart(source), end);
    if (api.isVariableStatement(node))
      for (const declaration of node.declarationList.declarations) {
        const { initializer, type } = declaration;
        const body = initializer && api.isArrowFunction(initializer) ? initializer.body : undefined;
        const end = body?.getStart(source) ?? (initializer && !type ? declaration.name.end : (type ?? declaration).end);
        yield entry(
          declaration.name.getText(source),
          'value',
          `const ${text(declaration, end)}`.replace(/\s*=>\s*$/, ''),
        );
      }
    else if (api.isFunctionDeclaration(node))
      yield entry(node.name?.text ?? 'default', 'value', text(node, node.body?.pos));
    else if (api.isClassDeclaration(node)) yield entry(node.name?.text ?? 'default', 'value', text(node));
    else if (api.isInterfaceDeclaration(node) || api.isTypeAliasDeclaration(node))
      yield entry(node.name.text, 'type', text(node));
  }

  #documentation(node: ts.Node): string {
    const comments = this.#api.getJSDocCommentsAndTags(node).filter(comment => this.#api.isJSDoc(comment));
    return comments.map(({ comment }) => this.#api.getTextOfJSDocComment(comment) ?? '').join('\n\n');
  }
}

/** The declarations of a module that another one exports from: `.d.ts` beside `.js`, or the source itself. */
function fileOf(specifier: string, from: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const file = path.resolve(path.dirname(from), specifier);
  return [file.replace(/\.[jt]s$/, '.d.ts'), file].find(candidate => existsSync(candidate));
}

/** A declaration without what only compilers need. */
const tidy = (signature: string): string =>
  signature
    .replace(/^(?:export |declare |default |async )+/, '')
    .replace(/^\s*(?:#private|private .*);\n/gm, '')
    .replace(/;$/, '')
    .trim();
