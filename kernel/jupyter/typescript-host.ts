import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type ts from 'typescript';

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));

/** TypeScript, by `require`: four times as fast to load as by `import`. */
export const loadTypeScript = (): typeof ts => require('typescript') as typeof ts;

/** A file that stands beside this one and whose types cells see as `tslab`. */
const tslabTypes = (): string => path.join(here, `tslab-module${import.meta.url.endsWith('.ts') ? '.ts' : '.d.ts'}`);

/** Files in memory over the files on disk, and modules resolved from the notebook's folder, then from the kernel's. */
export class CellHost implements ts.LanguageServiceHost {
  readonly #api: typeof ts;
  readonly #folder: string;
  readonly #options: ts.CompilerOptions;
  readonly #files = new Map<string, { readonly text: string; readonly version: number }>();
  readonly #disk = new Map<string, { readonly version: string; readonly snapshot: ts.IScriptSnapshot | undefined }>();
  readonly #cache: ts.ModuleResolutionCache;
  #version = 0;
  roots: string[] = [];

  constructor(api: typeof ts, folder: string) {
    this.#api = api;
    this.#folder = folder;
    const nodeTypes = nodeTypesFolder(folder);
    this.#options = {
      target: api.ScriptTarget.ES2022,
      lib: nodeTypes ? ['lib.esnext.d.ts'] : ['lib.esnext.d.ts', 'lib.dom.d.ts'],
      module: api.ModuleKind.CommonJS,
      moduleResolution: api.ModuleResolutionKind.Bundler,
      moduleDetection: api.ModuleDetectionKind.Force,
      esModuleInterop: true,
      resolveJsonModule: true,
      allowJs: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      sourceMap: true,
      types: nodeTypes ? ['node'] : [],
      typeRoots: nodeTypes ? [nodeTypes] : [],
      strict: true,
      strictPropertyInitialization: false,
      useUnknownInCatchVariables: false,
    };
    this.#cache = api.createModuleResolutionCache(folder, name => name, this.#options);
  }

  /** Replaces a file in memory. */
  write(file: string, text: string): void {
    this.#version++;
    const old = this.#files.get(file);
    if (old?.text !== text) this.#files.set(file, { text, version: (old?.version ?? 0) + 1 });
  }

  /** Forgets what modules were resolved to, so that a package installed meanwhile is found. */
  forgetModules(): void {
    this.#cache.clear();
  }

  /** File of a module that a cell imports. */
  resolve(specifier: string): string | undefined {
    return this.#resolve(specifier, path.join(this.#folder, '__cell_0.ts')).resolvedModule?.resolvedFileName;
  }

  #resolve(specifier: string, importer: string, mode?: ts.ResolutionMode, redirect?: ts.ResolvedProjectReference) {
    const from = (file: string) =>
      this.#api.resolveModuleName(specifier, file, this.#options, this, this.#cache, redirect, mode);
    const found = from(importer);
    if (found.resolvedModule || specifier.startsWith('.')) return found;
    return from(path.join(here, 'cell.ts'));
  }

  resolveModuleNameLiterals(
    literals: readonly ts.StringLiteralLike[],
    importer: string,
    redirect: ts.ResolvedProjectReference | undefined,
    options: ts.CompilerOptions,
    file: ts.SourceFile,
  ): readonly ts.ResolvedModuleWithFailedLookupLocations[] {
    return literals.map(literal => {
      if (literal.text === 'tslab' && path.dirname(importer) === this.#folder) {
        const name = tslabTypes();
        const extension = name.endsWith('.d.ts') ? this.#api.Extension.Dts : this.#api.Extension.Ts;
        return { resolvedModule: { resolvedFileName: name, extension, isExternalLibraryImport: false } };
      }
      return this.#resolve(literal.text, importer, this.#api.getModeForUsageLocation(file, literal, options), redirect);
    });
  }

  /** Documentation is read where somebody asks for it: all of it takes as long as a fifth of the types. */
  get jsDocParsingMode(): ts.JSDocParsingMode {
    return this.#api.JSDocParsingMode.ParseNone;
  }

  getModuleResolutionCache = () => this.#cache;
  getCompilationSettings = () => this.#options;
  getCurrentDirectory = () => this.#folder;
  getDefaultLibFileName = (options: ts.CompilerOptions) => this.#api.getDefaultLibFilePath(options);
  getScriptFileNames = () => this.roots;
  getProjectVersion = () => String(this.#version);
  useCaseSensitiveFileNames = () => this.#api.sys.useCaseSensitiveFileNames;

  getScriptVersion(file: string): string {
    const own = this.#files.get(file);
    return own ? String(own.version) : this.#onDisk(file).version;
  }

  /** The service asks for every file whenever one changes: what was read is kept, and packages do not change. */
  getScriptSnapshot(file: string): ts.IScriptSnapshot | undefined {
    const own = this.#files.get(file);
    return own ? this.#api.ScriptSnapshot.fromString(own.text) : this.#onDisk(file).snapshot;
  }

  #onDisk(file: string) {
    const known = this.#disk.get(file);
    if (known?.snapshot && file.includes('/node_modules/')) return known;
    const version = String(this.#api.sys.getModifiedTime?.(file)?.getTime() ?? 0);
    if (known?.version === version) return known;
    const text = this.#api.sys.readFile(file);
    const snapshot = text === undefined ? undefined : this.#api.ScriptSnapshot.fromString(text);
    this.#disk.set(file, { version, snapshot });
    return { version, snapshot };
  }

  getCustomTransformers = (): ts.CustomTransformers => ({ before: [nativeImports(this.#api)] });
  fileExists = (file: string) => this.#files.has(file) || this.#api.sys.fileExists(file);
  readFile = (file: string) => this.#files.get(file)?.text ?? this.#api.sys.readFile(file);
  directoryExists = (folder: string) => this.#api.sys.directoryExists(folder);
  getDirectories = (folder: string) => this.#api.sys.getDirectories(folder);
  readDirectory: ts.System['readDirectory'] = (...args) => this.#api.sys.readDirectory(...args);
  realpath = (file: string) => this.#api.sys.realpath?.(file) ?? file;
}

/** The `@types` folder with the types of Node, of the notebook's project or else our own. */
function nodeTypesFolder(folder: string): string | undefined {
  for (const from of [path.join(folder, 'cell.js'), import.meta.url]) {
    try {
      return path.dirname(path.dirname(createRequire(from).resolve('@types/node/package.json')));
    } catch {
      // the next one may have it
    }
  }
  return undefined;
}

/** Keeps `import()` native, which TypeScript would lower to `require`, and gives cells an `import.meta`. */
function nativeImports(api: typeof ts): ts.TransformerFactory<ts.SourceFile> {
  return context => file => {
    const { factory } = context;
    const visit = (node: ts.Node): ts.Node => {
      if (api.isCallExpression(node) && node.expression.kind === api.SyntaxKind.ImportKeyword) {
        const args = node.arguments.map(argument => api.visitNode(argument, visit) as ts.Expression);
        return factory.createCallExpression(factory.createIdentifier('__import'), undefined, args);
      }
      if (api.isMetaProperty(node) && node.keywordToken === api.SyntaxKind.ImportKeyword)
        return factory.createIdentifier('__meta');
      return api.visitEachChild(node, visit, context);
    };
    return api.visitNode(file, visit) as ts.SourceFile;
  };
}
