import type { Extension } from '../kernel/contract/index.ts';
import { loadExtensions } from '../kernel/extensions.ts';

/** A plugin of one's own: the value, or the file or package that exports it. */
export type PluginChoice = string | Extension;

/** The plugins that are meant: a file or package may have several. */
export const extensionsOf = async (choice: PluginChoice): Promise<Extension[]> =>
  typeof choice === 'string' ? loadExtensions(choice) : [choice];
