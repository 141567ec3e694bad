import type { SourceMapSegment } from '@jridgewell/trace-mapping';

/** A place in a cell: 1-based line and column. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something that keeps a cell from running. */
export interface Problem extends Place {
  readonly message: string;
  /** Number of the TypeScript diagnostic. */
  readonly code: number;
}

export interface CompiledCell {
  /** Body of a function of `exports`, `require`, `__import` and `__meta`. */
  readonly code: string;
  readonly problems: readonly Problem[];
  /** Whether it awaits at the top level. */
  readonly async: boolean;
  /** Modules it imports, loaded before it runs. */
  readonly imports: readonly string[];
  /** The export that holds the value of the last expression. */
  readonly result?: string;
  /** Decoded mappings of a source map from `code` to the cell. */
  readonly map?: SourceMapSegment[][];
}

/** Positions are offsets in UTF-16 units. */
export interface Completions {
  readonly start: number;
  readonly end: number;
  readonly matches: readonly { readonly text: string; readonly type?: string }[];
}

export interface Completeness {
  readonly status: 'complete' | 'incomplete' | 'invalid';
  readonly indent?: string;
}

/** Names that every cell sees without importing them. */
export type Prelude =
  | {
      readonly specifier: string;
      /** Every public name of the module, or some of them. */
      readonly names: 'all' | readonly string[];
    }
  | {
      readonly specifier: string;
      /** One name for the module as a whole. */
      readonly namespace: string;
    };

/** Public names of a module, when it is loaded. */
export type NamesOf = (specifier: string) => Promise<readonly string[]>;

/** Turns cells into JavaScript and answers questions about them. */
export interface Compiler {
  readonly name: string;
  /** Version of TypeScript. */
  readonly version: string;
  /** Whether prelude names are read from the scope, and not imported by the cells that use them. */
  readonly preludeInScope: boolean;
  prelude(entries: readonly Prelude[], namesOf: NamesOf): Promise<void>;
  compile(source: string): CompiledCell;
  /** Makes the names of the cell compiled last known to later cells: all, or those that it had assigned when it failed. */
  commit(assigned?: ReadonlySet<string>): void;
  complete(source: string, offset: number): Completions;
  /** Signature and documentation of what stands at the offset. */
  inspect(source: string, offset: number): { readonly signature: string; readonly documentation: string } | undefined;
  isComplete(source: string): Completeness;
}

export const engines = ['typescript', 'tslab'] as const;
export type Engine = (typeof engines)[number];

/** Public names of a loaded module that can stand in code. */
export const moduleNames = (loaded: object): string[] =>
  Object.keys(loaded).filter(name => name !== 'default' && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name));

/** Line and column of an offset. */
export function placeOf(source: string, offset: number): Place {
  const before = source.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
