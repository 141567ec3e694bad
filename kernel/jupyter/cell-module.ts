import type ts from 'typescript';

export type BindingKind = 'const' | 'let' | 'function' | 'type' | 'import';

/** Where a name comes from: `name` of `module`, where `*` is the module as a whole. */
export interface Binding {
  readonly module: string;
  readonly name: string;
  readonly kind: BindingKind;
}

interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** A cell read as the body of a module. */
export interface CellModule {
  /** Names it declares or imports; the module of its own names is the empty string. */
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Every identifier that occurs. */
  readonly identifiers: ReadonlySet<string>;
  /** Modules imported for more than their types. */
  readonly imports: readonly string[];
  /** Whether it awaits at the top level. */
  readonly async: boolean;
  readonly result: 'default' | undefined;
  /** The cell with its names exported and its last expression as the default export. */
  readonly body: string;
  /** Offset in the cell of an offset in `body`. */
  toCell(offset: number): number;
}

type TypeScript = typeof ts;

/** Reads a cell, exports what it declares at the top level and makes its last expression the default export. */
export function readCell(api: TypeScript, source: string): CellModule {
  // the export makes it a module, and so `await` a keyword
  const file = api.createSourceFile('cell.ts', `${source}\nexport {};`, api.ScriptTarget.Latest, true);
  const statements = file.statements.slice(0, -1);
  const bindings = new Map<string, Binding>();
  const insertions: Insertion[] = [];
  const imports: string[] = [];
  let result: 'default' | undefined;

  const own = (name: string, kind: BindingKind) => bindings.set(name, { module: '', name, kind });
  const exported = (node: ts.Statement) =>
    api.canHaveModifiers(node) && !!api.getModifiers(node)?.some(m => m.kind === api.SyntaxKind.ExportKeyword);
  const insert = (node: ts.Node, text: string) => insertions.push({ at: node.getStart(file), text });

  for (const [i, node] of statements.entries()) {
    if (api.isVariableStatement(node)) {
      const scoped = node.declarationList.flags & api.NodeFlags.BlockScoped;
      // a name declared by `using` is disposed at the end of its cell
      if (scoped === api.NodeFlags.Using || scoped === api.NodeFlags.AwaitUsing) continue;
      const kind = scoped === api.NodeFlags.Const ? 'const' : 'let';
      if (!exported(node)) insert(node, 'export ');
      for (const declaration of node.declarationList.declarations) {
        for (const name of boundNames(api, declaration.name)) own(name, kind);
        // what is exported has the type of its initial value alone, and nothing can be pushed to never[]
        if (isEmptyArray(api, declaration)) insertions.push({ at: declaration.name.end, text: ': any[]' });
      }
    } else if (api.isFunctionDeclaration(node) || api.isClassDeclaration(node) || api.isEnumDeclaration(node)) {
      if (!node.name) continue;
      own(node.name.text, 'function');
      if (!exported(node)) insert(node, 'export ');
    } else if (api.isModuleDeclaration(node)) {
      if (!api.isIdentifier(node.name) || node.flags & api.NodeFlags.GlobalAugmentation) continue;
      own(node.name.text, 'function');
      if (!exported(node)) insert(node, 'export ');
    } else if (api.isInterfaceDeclaration(node) || api.isTypeAliasDeclaration(node)) {
      if (!bindings.has(node.name.text)) own(node.name.text, 'type');
      if (!exported(node)) insert(node, 'export ');
    } else if (api.isImportDeclaration(node)) {
      readImport(api, node, bindings, imports);
    } else if (api.isExportAssignment(node)) {
      result = 'default';
    } else if (api.isExpressionStatement(node) && i === statements.length - 1) {
      insert(node, 'export default ');
      result = 'default';
    }
  }

  let body = '';
  let from = 0;
  for (const { at, text } of insertions) {
    body += source.slice(from, at) + text;
    from = at;
  }
  body += source.slice(from);

  return {
    bindings,
    identifiers: identifiersOf(api, file),
    imports,
    async: statements.some(node => awaits(api, node)),
    result,
    body,
    toCell(offset) {
      let shift = 0;
      for (const { at, text } of insertions) {
        if (at + shift + text.length <= offset) shift += text.length;
        else return Math.min(source.length, at + shift < offset ? at : offset - shift);
      }
      return Math.min(source.length, Math.max(0, offset - shift));
    },
  };
}

const isEmptyArray = (api: TypeScript, { name, type, initializer }: ts.VariableDeclaration): boolean =>
  api.isIdentifier(name) &&
  type === undefined &&
  initializer !== undefined &&
  api.isArrayLiteralExpression(initializer) &&
  initializer.elements.length === 0;

function readImport(api: TypeScript, node: ts.ImportDeclaration, bindings: Map<string, Binding>, imports: string[]) {
  const module = (node.moduleSpecifier as ts.StringLiteral).text;
  const clause = node.importClause;
  const typeOnly = clause?.phaseModifier === api.SyntaxKind.TypeKeyword;
  if (!typeOnly) imports.push(module);
  const add = (local: string, name: string, type = typeOnly) =>
    bindings.set(local, { module, name, kind: type ? 'type' : 'import' });
  if (clause?.name) add(clause.name.text, 'default');
  if (!clause?.namedBindings) return;
  if (api.isNamespaceImport(clause.namedBindings)) add(clause.namedBindings.name.text, '*');
  else
    for (const element of clause.namedBindings.elements)
      add(element.name.text, (element.propertyName ?? element.name).text, typeOnly || element.isTypeOnly);
}

function* boundNames(api: TypeScript, name: ts.BindingName): Generator<string> {
  if (api.isIdentifier(name)) yield name.text;
  else for (const element of name.elements) if (api.isBindingElement(element)) yield* boundNames(api, element.name);
}

function identifiersOf(api: TypeScript, file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (api.isIdentifier(node)) names.add(node.text);
    api.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function awaits(api: TypeScript, node: ts.Node): boolean {
  if (api.isFunctionLike(node)) return false;
  if (api.isAwaitExpression(node)) return true;
  if (api.isForOfStatement(node) && node.awaitModifier) return true;
  if (api.isVariableDeclarationList(node) && (node.flags & api.NodeFlags.BlockScoped) === api.NodeFlags.AwaitUsing)
    return true;
  return !!api.forEachChild(node, child => awaits(api, child) || undefined);
}

/** What a binding is imported from: a module, or with a star before it the module as a whole. */
export const sourceOf = ({ module, name }: Pick<Binding, 'module' | 'name'>): string =>
  name === '*' ? `* ${module}` : module;

/**
 * Import statements, on one line, for those of `names` that `scope` knows; those `declared` are variables of their types.
 * All sources are imported from, in the same order, whatever the names are: then TypeScript need not look for them again.
 */
export function importStatements(
  scope: ReadonlyMap<string, Binding>,
  sources: ReadonlySet<string>,
  names: Iterable<string>,
  declared: ReadonlySet<string> = new Set(),
): string {
  const clauses = new Map<string, string[]>([...sources].map(source => [source, []]));
  for (const local of names) {
    const binding = scope.get(local);
    if (!binding) continue;
    const { module, name, kind } = binding;
    const type = kind === 'type' && !module.startsWith('./__cell_') ? 'type ' : '';
    const imported = declared.has(local) ? `__imported_${local}` : local;
    const list = clauses.get(sourceOf(binding))!;
    if (name === '*') list.push(`${type}* as ${imported}`);
    else list.push(type + (name === imported ? name : `${name} as ${imported}`));
  }
  const statements = [...clauses].flatMap(([source, list]) => {
    const module = JSON.stringify(source.replace(/^\* /, ''));
    if (!list.length) return `import type {} from ${module};`;
    return source.startsWith('* ')
      ? list.map(clause => `import ${clause} from ${module};`)
      : `import { ${list.join(', ')} } from ${module};`;
  });
  for (const name of declared) statements.push(`declare let ${name}: typeof __imported_${name};`);
  return statements.join(' ');
}
