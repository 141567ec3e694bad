import type { Command } from 'commander';
import type { Catalogue } from '../catalogue.ts';
import type { Io } from './io.ts';

/** What a command works with. */
export interface Context {
  readonly io: Io;
  /** Loads the plugins: call it only where they are needed. */
  readonly catalogue: () => Promise<Catalogue>;
  /** Files and packages that `--plugin` names. */
  readonly plugins: readonly string[];
  readonly version: string;
  /** The command line as it was typed. */
  readonly argv: readonly string[];
}

/** Describes a command: arguments, flags, an example, the action. `--json` and `--debug` are added to all. */
export type Describe = (command: Command, context: Context) => void | Promise<void>;
