import { find } from '../catalogue.ts';
import type { Task } from '../plugin.ts';

/** Something that every plugin of a kind must do. */
export interface Check<P> {
  /** What it asserts, as a sentence without its subject. */
  readonly name: string;
  /** Throws where it is not so. */
  run(plugin: P, context: CheckContext): void | Promise<void>;
}

/** What checks need beside the plugin. */
export interface CheckContext {
  /** For criteria that need data. */
  readonly classification: Task<Int32Array>;
  /** Tasks that data sets and models may be for. */
  readonly tasks: readonly Task[];
}

/** What checks need, from the tasks that there are. */
export const checkContext = (tasks: readonly Task[]): CheckContext => ({
  classification: find('task', tasks, 'classification') as Task<Int32Array>,
  tasks,
});

/** Throws where something does not hold. */
export function ensure(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Error(message());
}
